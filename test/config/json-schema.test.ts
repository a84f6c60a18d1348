import { readdirSync, readFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readSettings } from "../../config/read.ts";
import { textKeys } from "../../config/schema.ts";
import { clouds } from "../../providers/index.ts";
import { projectRoot } from "../support/project.ts";

const schemaFile = join(projectRoot, "config/stack.schema.json");
const validate = new Ajv({ allErrors: true, strict: false }).compile(
  JSON.parse(readFileSync(schemaFile, "utf8")),
);
const files = [
  ...readdirSync(projectRoot).filter((name) => /^Pulumi\..+\.yaml$/.test(name)),
  ...readdirSync(join(projectRoot, "examples"))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join("examples", name)),
].map((name) => join(projectRoot, name));

type Config = Record<string, unknown>;

/** What the program says of a configuration; undefined when it takes it. */
async function refusal(config: Config): Promise<string | undefined> {
  const raw = Object.entries(config).map(([key, value]) => [
    key,
    textKeys.has(key.slice("switchyard:".length)) && typeof value !== "object"
      ? String(value)
      : typeof value === "string"
        ? value
        : JSON.stringify(value),
  ]);
  try {
    await readSettings(Object.fromEntries(raw), { project: "lab", stack: "dev" }, clouds);
  } catch (error) {
    return (error as Error).message;
  }
}

describe("the JSON Schema of stack files", () => {
  test.each(files)("takes %s, which names it for editors", (file) => {
    const text = readFileSync(file, "utf8");
    expect(validate(parse(text)), JSON.stringify(validate.errors, null, 1)).toBe(true);
    const [, named] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
    expect(relative(projectRoot, resolve(file, "..", named ?? "")), basename(file)).toBe(
      "config/stack.schema.json",
    );
  });

  test("takes encrypted texts, keys without the project's name, and those of providers", () => {
    const config = {
      "aws:region": "us-east-1",
      cloud: "local",
      "switchyard:sshKey": { secure: "v1:abc" },
      "switchyard:app": { environment: { TOKEN: { secure: "v1:abc" } } },
    };
    expect(validate({ config, encryptionsalt: "v1:x" }), JSON.stringify(validate.errors)).toBe(true);
  });

  test("refuses a hundred and more wrong files, each of which the program refuses, too", async () => {
    const wrong = wrongConfigurations();
    expect(wrong.length).toBeGreaterThan(100);
    expect(await refusal(right)).toBeUndefined();
    expect(validate({ config: right }), JSON.stringify(validate.errors)).toBe(true);
    const taken = wrong.filter(([, config]) => validate({ config })).map(([what]) => what);
    expect(taken).toEqual([]);
    const said = await Promise.all(wrong.map(async ([what, config]) => [what, await refusal(config)]));
    expect(said.filter(([, message]) => message === undefined).map(([what]) => what)).toEqual([]);
  });
});

/** Has every kind of value, and is right. */
const right: Config = {
  "aws:region": "us-east-1",
  "switchyard:cloud": "aws",
  "switchyard:project": "lab",
  "switchyard:network": {
    cidr: "10.0.0.0/16",
    subnets: [
      { cidr: "10.0.1.0/24", zone: "us-east-1a", private: false },
      { cidr: "10.0.2.0/24", zone: "us-east-1b" },
    ],
    nat: "none",
    flowLogs: false,
  },
  "switchyard:access": [{ port: 22, from: ["192.0.2.0/24"] }],
  "switchyard:app": { port: 8080, root: "health", public: false, environment: { LOG_LEVEL: "info" } },
  "switchyard:clusters": [
    {
      name: "one",
      size: "small",
      diskGiB: 20,
      min: 2,
      max: 4,
      desired: 2,
      path: "/one",
      weight: 1,
      subnets: [0, 1],
      tags: { team: "a" },
    },
  ],
  "switchyard:loadBalancer": {
    port: 80,
    allow: ["192.0.2.0/24"],
    accessLogs: false,
    protect: false,
    healthCheck: {
      path: "/healthz",
      intervalSeconds: 10,
      timeoutSeconds: 5,
      healthyThreshold: 2,
      unhealthyThreshold: 2,
    },
  },
  "switchyard:bucket": { protect: true, empty: false },
  "switchyard:rollout": { minHealthyPercent: 100, drainSeconds: 30, timeoutSeconds: 120 },
  "switchyard:names": { bucket: "lab-files-1" },
  "switchyard:tags": { owner: "me" },
};

/** The right one with one mistake in each: every value of another kind, every key misspelt, what is required left out. */
function wrongConfigurations(): [string, Config][] {
  const paths = pathsIn(right, []).filter(([key]) => key !== "aws:region");
  const isFree = (path: readonly (string | number)[]) =>
    /^switchyard:(names|tags)$/.test(String(path[0])) ||
    path.includes("tags") ||
    path.includes("environment");
  const ofKind = paths.flatMap((path): [string, Config][] => {
    const isText = typeof at(right, path) === "string";
    return [
      [`${path.join(" ")} is a list of lists`, changed(path, [[]])],
      // A number in the place of a top-level text is a text to the CLI.
      ...(isText && path.length === 1
        ? []
        : [
            [`${path.join(" ")} is ${isText ? 5 : "a text"}`, changed(path, isText ? 5 : "some text")] as [
              string,
              Config,
            ],
          ]),
    ];
  });
  const misspelt = paths
    .filter(
      (path) =>
        typeof path.at(-1) === "string" &&
        !(isFree(path) && path.length > 1 && !["tags", "environment"].includes(String(path.at(-1)))),
    )
    .map((path): [string, Config] => [
      `${path.join(" ")} is misspelt`,
      changed([...path.slice(0, -1), `${path.at(-1)}x`], at(right, path)),
    ]);
  const numbers = paths
    .filter((path) => typeof at(right, path) === "number")
    .flatMap((path): [string, Config][] => [
      [`${path.join(" ")} is -1`, changed(path, -1)],
      [`${path.join(" ")} is 1.5`, changed(path, 1.5)],
    ]);
  const more: [string, Config][] = [
    ["no cloud", changed(["switchyard:cloud"], undefined)],
    ["a cloud that is none", changed(["switchyard:cloud"], "azure")],
    ["machines beside clusters", changed(["switchyard:machines"], 3)],
    ["no cluster", changed(["switchyard:clusters"], [])],
    ["a cluster without a name", changed(["switchyard:clusters", 0, "name"], undefined)],
    ["a cluster without a size", changed(["switchyard:clusters", 0], { name: "one" })],
    ["a name in capitals", changed(["switchyard:clusters", 0, "name"], "One")],
    ["a path without a slash", changed(["switchyard:clusters", 0, "path"], "one")],
    ["no subnet", changed(["switchyard:network", "subnets"], [])],
    ["an address for a range", changed(["switchyard:network", "cidr"], "10.0.0.0")],
    ["nobody may come in", changed(["switchyard:loadBalancer", "allow"], undefined)],
    [
      "HTTPS without a host",
      changed(["switchyard:loadBalancer", "certificate"], "arn:aws:acm:us-east-1:123456789012:certificate/a"),
    ],
    ["a host without HTTPS", changed(["switchyard:loadBalancer", "host"], "api.example.org")],
    [
      "OpenStack's words on AWS",
      changed(["switchyard:openstack"], { externalNetwork: { id: "a", name: "b" }, image: "c" }),
    ],
    ["a variable in small letters", changed(["switchyard:app", "environment"], { level: "info" })],
    ["a tag without a name", changed(["switchyard:tags"], { "": "x" })],
    ["a private key", changed(["switchyard:sshKey"], "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n")],
  ];
  return [...ofKind, ...misspelt, ...numbers, ...more];
}

type Path = readonly (string | number)[];

function pathsIn(value: unknown, path: Path): Path[] {
  if (typeof value !== "object" || value === null) return path.length > 0 ? [path] : [];
  const below = Array.isArray(value)
    ? value.flatMap((item, index) => pathsIn(item, [...path, index]))
    : Object.entries(value).flatMap(([key, item]) => pathsIn(item, [...path, key]));
  return path.length > 0 ? [path, ...below] : below;
}

function at(value: unknown, [key, ...rest]: Path): unknown {
  return key === undefined ? value : at((value as Record<string | number, unknown>)[key], rest);
}

/** A copy of the right configuration with one value; undefined removes it. */
function changed(path: Path, value: unknown): Config {
  const copy = structuredClone(right);
  const parent = at(copy, path.slice(0, -1)) as Record<string | number, unknown>;
  const key = path.at(-1) ?? "";
  if (value === undefined) delete parent[key];
  else parent[key] = value;
  // A misspelt key stands in the place of the right one.
  if (typeof key === "string" && key.endsWith("x") && key.slice(0, -1) in parent && key !== "max")
    delete parent[key.slice(0, -1)];
  return copy;
}
