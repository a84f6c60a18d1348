import * as v from "valibot";
import { expect, test } from "vitest";
import type { CloudLoaders } from "../../config/read.ts";
import { readSettings } from "../../config/read.ts";
import { schema } from "../../config/schema.ts";
import { notesOf, type SchemaNode } from "../../config/values.ts";
import { clouds, homeRules, rawConfig, read } from "../support/config.ts";

const day02 = {
  cloud: "aws",
  project: "day02",
  network: {
    cidr: "10.0.0.0/16",
    subnets: [
      { cidr: "10.0.1.0/24", zone: "eu-west-1a" },
      { cidr: "10.0.2.0/24", zone: "eu-west-1b" },
    ],
  },
  access: [{ port: 22, from: ["192.0.2.0/24"] }],
  app: { port: 5000 },
  clusters: [
    { name: "flask", machineType: "t2.micro", min: 2, max: 2, tags: { "Autoscaling Flask": "flask-asg" } },
  ],
  loadBalancer: { port: 5000, allow: ["0.0.0.0/0"], healthCheck: { healthyThreshold: 2 } },
  names: { appFirewall: "day02-flask-sg" },
};

const lab = {
  cloud: "aws",
  network: {
    cidr: "10.0.0.0/16",
    subnets: [
      { cidr: "10.0.1.0/24", zone: "us-east-1a" },
      { cidr: "10.0.2.0/24", zone: "us-east-1b" },
    ],
  },
  app: { port: 80, root: "health" },
  clusters: [
    {
      name: "cluster1",
      machineType: "m4.large",
      min: 4,
      max: 5,
      desired: 5,
      path: "/cluster1",
      subnets: [0],
    },
    { name: "cluster2", machineType: "t2.large", min: 4, max: 5, path: "/cluster2", subnets: [1] },
  ],
  loadBalancer: { allow: ["0.0.0.0/0"] },
};

const appDefaults = {
  port: 5000,
  root: "greeting",
  public: false,
  maxFileBytes: 5_368_709_120,
  maxUploads: 64,
  requestsPerMinute: 6000,
  environment: {},
  environmentIsSecret: false,
};

test("a stack needs to name no more than its cloud: the rest are defaults", async () => {
  await expect(read({ cloud: "local" })).resolves.toEqual({
    cloud: "local",
    project: "lab1",
    network: {
      cidr: "10.77.0.0/16",
      subnets: [
        { cidr: "10.77.1.0/24", private: false },
        { cidr: "10.77.2.0/24", private: false },
      ],
      nat: "none",
      flowLogs: false,
    },
    access: [],
    app: appDefaults,
    clusters: [
      { name: "app", size: "small", min: 5, max: 5, desired: 5, weight: 1, subnets: [0, 1], tags: {} },
    ],
    loadBalancer: {
      port: 8080,
      allow: ["127.0.0.0/8"],
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
    bucket: { protect: true, empty: false },
    rollout: { minHealthyPercent: 100, drainSeconds: 30, timeoutSeconds: 120 },
    names: {},
    policy: [],
    tags: {},
  });
});

test("R2: a file API in two zones, everything on port 5000", async () => {
  const settings = await read(day02);
  expect(settings).toMatchObject({ ...day02, app: appDefaults });
  expect(settings.clusters).toEqual([
    {
      ...{
        name: "flask",
        size: "small",
        machineType: "t2.micro",
        min: 2,
        max: 2,
        weight: 1,
        subnets: [0, 1],
      },
      tags: { "Autoscaling Flask": "flask-asg" },
    },
  ]);
  expect(settings.loadBalancer.healthCheck).toMatchObject({ path: "/healthz", intervalSeconds: 30 });
});

test("R3: five m4.large and four t2.large, each in a subnet of its own", async () => {
  const { clusters, project, loadBalancer } = await read(lab);
  expect(clusters.map(({ desired, min }) => desired ?? min)).toEqual([5, 4]);
  expect(clusters).toMatchObject(lab.clusters);
  expect([project, loadBalancer.port]).toEqual(["lab1", 80]);
});

test("defaults fill the keys that an object leaves out", async () => {
  const { loadBalancer, bucket } = await read({
    cloud: "local",
    loadBalancer: { healthCheck: { intervalSeconds: 3, path: "/" } },
    bucket: { empty: true },
  });
  expect(loadBalancer).toMatchObject({
    port: 8080,
    healthCheck: { path: "/", intervalSeconds: 3, timeoutSeconds: 2, healthyThreshold: 2 },
  });
  expect(bucket).toEqual({ protect: true, empty: true });
});

test.each([
  [{ min: 4 }, { min: 4, max: 4 }],
  [
    { min: 4, max: 6 },
    { min: 4, max: 6 },
  ],
  [{ desired: 3 }, { min: 3, max: 3, desired: 3 }],
  [
    { min: 1, desired: 3 },
    { min: 1, max: 3, desired: 3 },
  ],
  [{ min: 0 }, { min: 0, max: 1 }],
])("a cluster of %o has %o", async (given, expected) => {
  const { clusters } = await read({ cloud: "local", clusters: [{ name: "a", ...given }] });
  const { min, max, desired } = clusters[0] ?? {};
  expect({ min, max, desired }).toEqual({ desired: undefined, ...expected });
});

test("scalars come as text, also where Pulumi.<stack>.yaml has quotes, and with white space around", async () => {
  const raw = { "switchyard:cloud": "local\n", "switchyard:machines": "3", "switchyard:project": "x1" };
  const { cloud, clusters, project } = await readSettings(raw, { project: "lab1", stack: "dev" }, clouds);
  expect([cloud, clusters[0]?.desired, project]).toEqual(["local", 3, "x1"]);
});

test("keys of other namespaces are not its business", async () => {
  const raw = { ...rawConfig({ cloud: "local" }), "aws:region": "us-east-1", "switchyardish:x": "{" };
  await expect(readSettings(raw, { project: "lab1", stack: "dev" }, clouds)).resolves.toMatchObject({
    cloud: "local",
  });
});

test("a cluster may take no share of what matches no path, if it has a path", async () => {
  const clusters = [
    { name: "a", min: 1, path: "/x/y", weight: 0 },
    { name: "b", min: 1, path: "/x", weight: 0 },
    { name: "c", min: 1, path: "/x10", weight: 0 },
  ];
  await expect(read({ cloud: "local", clusters })).resolves.toMatchObject({ clusters });
});

test("settings are frozen in depth, and the cloud's defaults are not", async () => {
  const settings = await read({ cloud: "local" });
  const parts = (value: unknown): unknown[] =>
    typeof value === "object" && value !== null ? [value, ...Object.values(value).flatMap(parts)] : [];
  expect(parts(settings).length).toBeGreaterThan(15);
  expect(parts(settings).filter((part) => !Object.isFrozen(part))).toEqual([]);
  expect(Object.isFrozen(homeRules.defaults.network)).toBe(false);
});

test("only the selected cloud is loaded", async () => {
  const loaded: string[] = [];
  const watched: CloudLoaders = {
    local: { rules: () => clouds.local.rules().finally(() => loaded.push("local")) },
    aws: { rules: () => clouds.aws.rules().finally(() => loaded.push("aws")) },
  };
  await readSettings(rawConfig({ cloud: "local" }), { project: "lab1", stack: "dev" }, watched);
  await expect(
    readSettings(rawConfig({ cloud: "gcp" }), { project: "lab1", stack: "dev" }, watched),
  ).rejects.toThrow('switchyard:cloud is "gcp"; it may be: local, aws');
  expect(loaded).toEqual(["local"]);
});

test("the documentation's examples are valid", async () => {
  const entries = Object.entries((schema as SchemaNode).entries ?? {});
  const examples = Object.fromEntries(entries.map(([key, entry]) => [key, notesOf(entry).example]));
  const given = Object.fromEntries(Object.entries(examples).filter(([, example]) => example !== undefined));
  expect(Object.keys(given).length).toBeGreaterThan(8);
  // For one cloud alone; the others refuse it as a whole.
  const { openstack, ...others } = given;
  expect(v.safeParse(schema.entries.openstack, openstack).issues).toBeUndefined();
  await expect(read(others)).resolves.toMatchObject(others);
});
