import { RunError } from "@pulumi/pulumi/errors.js";
import { expect, test } from "vitest";
import { readSettings } from "../../config/read.ts";
import { clouds, problemsOf, rawConfig, read } from "../support/config.ts";
import { appEnvironment } from "../support/startup.ts";

const cluster = (more: object) => ({ name: "a", min: 1, ...more });
const oneCluster = (more: object) => ({ clusters: [cluster(more)] });
const network = (...cidrs: unknown[]) => ({
  network: { cidr: "10.0.0.0/16", subnets: cidrs.map((cidr) => ({ cidr })) },
});

test("lists everything that is wrong at once, sorted, and how to change it", async () => {
  const config = {
    cloud: "local",
    machine: 3,
    clusters: [
      { name: "web", min: 5, max: 4 },
      { name: "web", min: "2", mx: 3, path: "/docs" },
    ],
    loadBalancer: { port: 70000, allow: [] },
    ...network("10.0.0.0/24", "10.0.0.128/25"),
  };
  const error = await read(config).catch((reason: unknown) => reason);
  expect(RunError.isInstance(error)).toBe(true);
  expect((error as Error).message).toBe(
    `
9 problems in this stack's configuration:
  switchyard:clusters[0].max is 4; it must be at least min, which is 5
  switchyard:clusters[1].min is "2"; it must be an integer from 0 to 1000 (without quotes)
  switchyard:clusters[1].mx is 3; there is no such key, did you mean max?
  switchyard:clusters[1].name is "web"; clusters[0] has that name; each needs its own
  switchyard:clusters[1].path is "/docs"; it must be a path such as /cluster1: segments of letters, digits and -._~, at most 100 characters, no slash at the end (the app itself answers /docs)
  switchyard:loadBalancer.allow is []; nobody could reach the app, not even the deployment that waits for it: name your own address, such as 203.0.113.7/32, or everybody, 0.0.0.0/0
  switchyard:loadBalancer.port is 70000; it must be an integer from 1 to 65535
  switchyard:machine is 3; there is no such key, did you mean machines?
  switchyard:network.subnets[1].cidr is "10.0.0.128/25"; it must not overlap network.subnets[0].cidr
Edit Pulumi.dev.yaml, or run: pulumi config set --path '<key>' <value>  (to remove a key: pulumi config rm --path '<key>')
docs/configuration.md describes every key.`.trimStart(),
  );
});

test.each<[Record<string, unknown>, string]>([
  [{ cloud: "gcp" }, 'cloud is "gcp"; it may be: local, aws'],
  [{ cloud: "lokal" }, 'cloud is "lokal"; did you mean local?'],
  [{ cloud: "azure" }, 'cloud is "azure"; it may be: local, aws'],
  [{ project: "My_Project" }, 'project is "My_Project"; it must be 1 to 20 lower-case letters'],
  [{ project: "a".repeat(21) }, "it must be 1 to 20 lower-case letters"],
  [{ project: "1a" }, "a letter first"],
  [
    oneCluster({ max: 4, desired: 2, scale: { cpu: 60 } }),
    'clusters[0].scale is {"cpu":60}; the size is either its to set, or clusters[0].desired: leave one of the two out',
  ],
  [
    oneCluster({ scale: { cpu: 60 } }),
    "there is no room between min and max, which are both 1: raise clusters[0].max",
  ],
  [
    oneCluster({ min: 0, max: 4, scale: { cpu: 60 } }),
    "clusters[0].min is 0; beside scale it must be at least 1",
  ],
  [
    oneCluster({ max: 4, scale: { cpu: 99 } }),
    "clusters[0].scale.cpu is 99; it must be an integer from 10 to 90",
  ],
  [oneCluster({ max: 4, scale: {} }), "clusters[0].scale.cpu is missing"],
  [{ release: "abc" }, 'release is "abc"; it must be a release\'s whole id, 64 hexadecimal digits'],
  [oneCluster({ release: "A".repeat(64) }), "clusters[0].release is"],
  [
    { policy: [{ rule: "public", level: "mandatory", reason: "x" }] },
    'policy[0].rule is "public"; it must be one of bucket-private, data-encrypted',
  ],
  [
    { policy: [{ rule: "tagged", level: "disabled" }] },
    "policy[0].reason is missing; it must be a string of 1 to 255 characters",
  ],
  [
    {
      policy: ["disabled", "advisory"].map((level) => ({
        rule: "tagged",
        level,
        reason: "x",
        resource: "a",
      })),
    },
    'policy[1].rule is "tagged"; policy[0] is for the same: leave one of the two',
  ],
  [{ machines: "five" }, 'machines is "five"; it must be an integer from 1 to 1000'],
  [{ machines: 0 }, "machines is 0; it must be an integer"],
  [{ machines: 2.5 }, "machines is 2.5; it must be an integer"],
  [{ machines: "" }, 'machines is ""; it must be an integer'],
  [
    { machines: 3, ...oneCluster({}) },
    "machines is 3; it is short for one cluster and cannot stand beside clusters",
  ],
  [{ "clusters[0].min": 4 }, "use pulumi config set --path 'switchyard:clusters[0].min'"],
  [{ firewall: "off" }, 'firewall is "off"; there is no such key, it may be: cloud, project, network,'],

  [{ network: "10.0.0.0/16" }, 'network is "10.0.0.0/16"; it must be an object with cidr, subnets'],
  [{ network: { subnets: [{ cidr: "10.0.0.0/24" }] } }, "network.cidr is missing; it must be an IPv4 range"],
  [{ network: { cidr: "10.0.0.0/16" } }, "network.subnets is missing; it must be a list"],
  [network(), "network.subnets is []; give at least one subnet"],
  [
    network("10.0.1.7/24"),
    '"10.0.1.7/24"; it must be an IPv4 range in CIDR notation from /8 to /28, of addresses that machines may have (10.0.1.0/24 would be right)',
  ],
  [network("10.0.1.0/33"), "network.subnets[0].cidr"],
  [network("10.0.1.0/29"), "from /8 to /28"],
  [network("10.1.0.0/24"), 'network.subnets[0].cidr is "10.1.0.0/24"; it must lie within network.cidr'],
  [network("fd00::/64"), "IPv6 is not supported"],
  ...["224.0.0.0/8", "127.0.0.0/16", "0.0.0.0/8", "169.254.0.0/16", "240.0.0.0/8"].map(
    (cidr): [Record<string, unknown>, string] => [
      { network: { cidr, subnets: [{ cidr: "10.0.0.0/24" }] } },
      `network.cidr is "${cidr}"; it must be an IPv4 range in CIDR notation from /8 to /28, of addresses that machines may have`,
    ],
  ),
  [{ app: { port: 9464 } }, "app.port is 9464; machines show their metrics at that port; choose another"],
  [
    { machines: 11, ...network("10.0.1.0/28") },
    "it has room for 11 machines, and 12 may be placed in it while they are rolled: make it a /27 or larger",
  ],
  [
    { network: { cidr: "10.0.0.0/16", subnets: [{ cidr: "10.0.0.0/24", zone: 1 }] } },
    "zone is 1; it must be a string of 1 to 100 characters without spaces (put quotes around it)",
  ],

  [
    { access: [{ port: 0, from: ["0.0.0.0/0"] }] },
    "access[0].port is 0; it must be an integer from 1 to 65535",
  ],
  [{ access: [{ port: 22, from: [] }] }, "access[0].from is []; name at least one range, or remove the rule"],
  [{ access: [{ port: 22 }] }, "access[0].from is missing"],
  [
    { access: [{ port: 22, from: ["192.0.2.7"] }] },
    'access[0].from[0] is "192.0.2.7"; it must be an IPv4 range in CIDR notation, such as 192.0.2.0/24 (192.0.2.7/32 would be right)',
  ],
  [{ access: { port: 22 } }, 'access is {"port":22}; it must be a list'],

  [{ sshKey: "ssh-ed25519 AAAA" }, 'sshKey is "ssh-ed25519 AAAA"; it must be an OpenSSH public key'],
  [
    { app: [] },
    "app is []; it must be an object with port, root, public, maxFileBytes, maxUploads, requestsPerMinute, environment",
  ],
  [{ app: { root: "hello" } }, 'app.root is "hello"; it must be one of greeting, health'],
  [{ app: { public: "true" } }, 'app.public is "true"; it must be true or false (without quotes)'],
  [{ app: { public: 1 } }, "app.public is 1; it must be true or false"],
  [
    { app: { maxFileBytes: "5 GiB" } },
    'app.maxFileBytes is "5 GiB"; it must be an integer from 1 to 5497558138880',
  ],
  [{ app: { maxUploads: 0 } }, "app.maxUploads is 0; it must be an integer from 1 to 10000"],
  [
    { app: { requestsPerMinute: -1 } },
    "app.requestsPerMinute is -1; it must be an integer from 0 to 1000000",
  ],
  [
    { app: { environment: { level: "x" } } },
    'app.environment.level is "level"; it must be named in capitals, such as LOG_LEVEL',
  ],
  [
    { app: { environment: { GREETING: "a\nb" } } },
    'app.environment.GREETING is "a\\nb"; it must be a string of one',
  ],
  [{ app: { environment: { GREETING: "x".repeat(1001) } } }, "at most 1,000 characters"],
  [{ app: { environment: { GREETING: 1 } } }, "GREETING is 1; it must be a string of one line"],
  [
    { app: { environment: ["A=b"] } },
    'app.environment is ["A=b"]; it must be an object whose values are strings',
  ],
  [{ app: { environment: { LOG_LEVEL: "loud" } } }, 'LOG_LEVEL is "loud"; it must be one of trace, debug'],
  [
    { app: { environment: JSON.parse('{ "__proto__": "x" }') } },
    'app.environment.__proto__ is "x"; no key may have that name; choose another',
  ],
  [
    { app: { environment: { constructor: "x" } } },
    'environment.constructor is "x"; no key may have that name',
  ],
  [{ tags: { constructor: "x" } }, 'tags.constructor is "x"; no key may have that name'],
  [oneCluster({ tags: { prototype: "x" } }), 'clusters[0].tags.prototype is "x"; no key may have that name'],
  [JSON.parse('{ "__proto__": "x" }'), '__proto__ is "x"; there is no such key'],
  [{ app: { Port: 80 } }, "app.Port is 80; there is no such key, did you mean port?"],

  [{ clusters: [] }, "clusters is []; give at least one cluster"],
  [{ clusters: {} }, "clusters is {}; it must be a list"],
  [{ clusters: [5] }, "clusters[0] is 5; it must be an object with name, size"],
  [{ clusters: [{ min: 1 }] }, "clusters[0].name is missing; it must be 1 to 20 lower-case letters"],
  [{ clusters: [{ name: "a" }] }, "clusters[0].min is missing; give min, or desired"],
  [oneCluster({ name: "Web" }), 'clusters[0].name is "Web"'],
  [
    oneCluster({ name: 1 }),
    "clusters[0].name is 1; it must be 1 to 20 lower-case letters, digits and hyphens, a letter first and no hyphen last, as clouds limit the names made of it (put quotes around it)",
  ],
  [oneCluster({ size: "huge" }), 'size is "huge"; it must be one of small, medium, large'],
  [oneCluster({ min: -1 }), "clusters[0].min is -1; it must be an integer from 0 to 1000"],
  [oneCluster({ min: 0, max: 0 }), "clusters[0].max is 0; it must be an integer from 1 to 1000"],
  [
    oneCluster({ min: 2, max: 4, desired: 5 }),
    "clusters[0].desired is 5; it must be from min, which is 2, to max, which is 4",
  ],
  [oneCluster({ min: 2, desired: 1 }), "clusters[0].desired is 1; it must be from min"],
  [
    oneCluster({ weight: 0 }),
    "clusters[0].weight is 0; no request would reach the cluster: give it a path, or a weight of at least 1",
  ],
  [oneCluster({ weight: 257 }), "weight is 257; it must be an integer from 0 to 256"],
  [
    oneCluster({ subnets: [2] }),
    "clusters[0].subnets[0] is 2; network.subnets has 2, so it must be from 0 to 1",
  ],
  [oneCluster({ subnets: [1, 1] }), "clusters[0].subnets[1] is 1; it is in the list already"],
  [oneCluster({ subnets: [] }), "clusters[0].subnets is []; name at least one subnet, or remove the key"],
  [oneCluster({ path: "/" }), "leave it out, and the cluster gets what matches no path"],
  [oneCluster({ path: "/a/" }), "no slash at the end"],
  [oneCluster({ path: "a" }), 'clusters[0].path is "a"; it must be a path'],
  [oneCluster({ path: "/a//b" }), "clusters[0].path"],
  [oneCluster({ path: "/a/../b" }), "clusters[0].path"],
  [oneCluster({ path: "/a?b" }), "clusters[0].path"],
  [oneCluster({ path: "/files/old" }), "(the app itself answers /files)"],
  [
    { clusters: [cluster({ path: "/x" }), cluster({ name: "b", path: "/x" })] },
    'clusters[1].path is "/x"; clusters[0] has that path',
  ],
  [
    { clusters: [cluster({ path: "/x" }), cluster({ name: "b", path: "/x/y" })] },
    'clusters[1].path is "/x/y"; clusters[0] takes its requests, being tried first: put this cluster before that one',
  ],
  [
    oneCluster({ tags: { cost: 1 } }),
    "clusters[0].tags.cost is 1; it must be a string of at most 256 characters (put quotes around it)",
  ],

  [{ loadBalancer: { allow: ["0.0.0.0"] } }, "(0.0.0.0/32 would be right)"],
  [
    { loadBalancer: { healthcheck: {} } },
    "loadBalancer.healthcheck is {}; there is no such key, did you mean healthCheck?",
  ],
  [
    { loadBalancer: { healthCheck: { intervalSeconds: 5, timeoutSeconds: 5 } } },
    "loadBalancer.healthCheck.timeoutSeconds is 5; it must be less than intervalSeconds, which is 5",
  ],
  [
    { loadBalancer: { healthCheck: { path: "healthz" } } },
    'path is "healthz"; it must be a path such as /healthz',
  ],
  [{ bucket: { protect: null } }, "bucket.protect is null; it must be true or false"],
  [
    { rollout: { minHealthyPercent: 101 } },
    "rollout.minHealthyPercent is 101; it must be an integer from 0 to 100",
  ],
  [{ names: { lb: "" } }, 'names.lb is ""; it must be a string of 1 to 255 characters'],
  [{ tags: ["a"] }, 'tags is ["a"]; it must be an object whose values are strings'],
  [{ tags: { "": "x" } }, 'tags[""] is ""; it must be named with 1 to 128 characters'],
  [{ tags: { "a.b": "x".repeat(257) } }, 'tags["a.b"] is "xxx'],
])("%j is one problem", async (config, expected) => {
  const problems = await problemsOf(config);
  expect(problems).toEqual([expect.stringContaining(expected)]);
});

test("a cloud must be named", async () => {
  await expect(read({})).rejects.toThrow(
    "1 problem in this stack's configuration:\n  switchyard:cloud is missing; it may be: local, aws",
  );
});

test("who may reach the load balancer must be said where the cloud has no default", async () => {
  await expect(read({ cloud: "aws" })).rejects.toThrow(
    "switchyard:loadBalancer.allow is missing; say who may reach the app",
  );
});

test("what the selected cloud cannot do is reported in the same way", async () => {
  const config = {
    cloud: "aws",
    loadBalancer: { allow: ["0.0.0.0/0"] },
    ...network("10.0.1.0/24", "10.0.2.0/24"),
  };
  await expect(read(config)).rejects.toMatchObject({
    problems: [
      "switchyard:network.subnets[0].zone is missing; it must be one of the region's zones",
      "switchyard:network.subnets[1].zone is missing; it must be one of the region's zones",
    ],
  });
});

test("the Pulumi project's name is the default of project, and checked like it", async () => {
  await expect(
    readSettings(rawConfig({ cloud: "local" }), { project: "My.Project", stack: "dev" }, clouds),
  ).rejects.toThrow('switchyard:project is "My.Project"');
});

test("a private key is refused and never shown", async () => {
  const sshKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----";
  const problems = await problemsOf({ sshKey, app: { key: sshKey } });
  expect(problems).toEqual([
    "app.key is a private key; there is no such key, it may be: port, root, public, maxFileBytes, maxUploads, requestsPerMinute, environment",
    expect.stringMatching(/^sshKey is a private key; .*the public key is in the file that ends in \.pub/),
  ]);
  expect(problems.join()).not.toContain("b3Blb");
});

test("the value of a secret key is never shown, not even in part", async () => {
  const config = {
    sshKey: "hunter2",
    loadBalancer: { allow: ["192.0.2.7/24"] },
    token: "hunter3",
    "a.b": "hunter4",
  };
  const secretKeys = new Set([
    "switchyard:sshKey",
    "switchyard:loadBalancer",
    "switchyard:token",
    "switchyard:a.b",
  ]);
  const problems = await problemsOf(config, secretKeys);
  expect(problems.map((line) => line.split(" ")[0])).toEqual([
    "a.b",
    "loadBalancer.allow[0]",
    "sshKey",
    "token",
  ]);
  expect(problems[2]).toBe(
    "sshKey is a secret that is not valid, and is not shown; only texts can be secret, and a plan decrypts none: pulumi config set --plaintext --path 'switchyard:sshKey' <value> (docs/configuration.md says what it may be)",
  );
  expect(problems.join()).not.toMatch(/hunter|192\.0\.2/);
});

test("a number that is encrypted is refused where it is text, with how to set it", async () => {
  const secretKeys = new Set(["switchyard:machines", "switchyard:app"]);
  const problems = await problemsOf({ machines: "[secret]", app: { port: "5000" } }, secretKeys);
  expect(problems).toEqual(
    ["app.port", "machines"].map((key) =>
      expect.stringMatching(
        `^${key} is a secret .+ pulumi config set --plaintext --path 'switchyard:${key}' <value>`,
      ),
    ),
  );
});

const everything = {
  project: "lab1",
  network: {
    cidr: "10.0.0.0/16",
    subnets: [
      { cidr: "10.0.1.0/24", zone: "a" },
      { cidr: "10.0.2.0/28", zone: "b" },
    ],
  },
  access: [{ port: 22, from: ["192.0.2.0/24"] }],
  app: { port: 5000, root: "health", public: true, environment: { GREETING: "hello", LOG_LEVEL: "" } },
  clusters: [
    {
      name: "a",
      machineType: "big",
      min: 4,
      max: 5,
      desired: 5,
      path: "/a",
      weight: 0,
      subnets: [0],
      tags: { x: "y" },
    },
    { name: "b", size: "large", desired: 9, path: "/b", subnets: [1] },
  ],
  loadBalancer: {
    port: 80,
    allow: ["0.0.0.0/0"],
    healthCheck: { path: "/", intervalSeconds: 60, timeoutSeconds: 40 },
  },
  bucket: { protect: false, empty: true },
  rollout: { minHealthyPercent: 50, drainSeconds: 1, timeoutSeconds: 60 },
  names: { role: "exact" },
  tags: { owner: "me" },
};

type Path = readonly (string | number)[];

function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const keys = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
  const within = keys.flatMap((key) =>
    pathsIn((value as Record<string | number, unknown>)[key], [...path, key]),
  );
  return path.length > 0 ? [path, ...within] : within;
}

function withNullAt(value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined) return null;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  copy[key] = withNullAt(copy[key], rest);
  return copy;
}

test("a wrong value anywhere is one problem: nothing else is said to be wrong because of it", async () => {
  expect(await problemsOf(everything)).toEqual([]);
  const paths = pathsIn(everything).filter(([key]) => key !== "project");
  expect(paths.length).toBeGreaterThan(50);
  for (const path of paths) {
    const key = path
      .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
      .join("")
      .slice(1);
    const problems = await problemsOf(withNullAt(everything, path) as Record<string, unknown>);
    expect(problems).toEqual([expect.stringContaining(`${key} is null; it must be`)]);
  }
});

test.each([
  ...Object.keys(appEnvironment),
  ...[
    "RELEASE",
    "INSTANCE_ID",
    "HOST",
    "STORE",
    "BUCKET",
    "TRUSTED_PROXIES",
    "PROXY_HOPS",
    "DEREGISTER_SECONDS",
  ],
  ...["AWS_REGION", "OS_PASSWORD", "GCS_ENDPOINT", "S3_ENDPOINT", "SWIFT_TEMP_URL_KEY", "IDENTITY_URL"],
  ...["NODE_OPTIONS", "PATH", "UID", "RANDOM", "LD_PRELOAD", "BASHOPTS", "SWITCHYARD_HOME"],
])("refuses %s among the app's own variables", async (name) => {
  expect(await problemsOf({ app: { environment: { [name]: "1" } } })).toEqual([
    `app.environment.${name} is "1"; the program, the cloud or the machine sets it: leave it out, or choose another name`,
  ]);
});

test("refuses a secret environment where machines have no need of secrets, and no other part of a secret app", async () => {
  const secretKeys = new Set(["switchyard:app"]);
  expect(await problemsOf({ app: { environment: { KEY: "hidden value" } } }, secretKeys)).toEqual([
    "app is a secret, and its environment would stand in plain text in the machines' user data; set it without --secret, or keep it in a store of secrets that the app reads",
  ]);
  expect(await problemsOf({ app: { port: 5001 } }, secretKeys)).toEqual([]);
});

test("names keys whose namespace is misspelt, and leaves those of others alone", async () => {
  const raw = { ...rawConfig({ cloud: "local" }), "switchyrad:app": "secret", "Switchyard:app": "x" };
  const where = { project: "lab", stack: "dev" };
  await expect(readSettings(raw, where, clouds)).rejects.toMatchObject({
    problems: [
      "Switchyard:app is set, and nothing reads it; did you mean switchyard:app?",
      "switchyrad:app is set, and nothing reads it; did you mean switchyard:app?",
    ],
  });
  await readSettings(
    { ...rawConfig({ cloud: "local" }), "aws:region": "x", "pulumi:tags": "{}" },
    where,
    clouds,
  );
});
