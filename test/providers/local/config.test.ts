import { expect, test } from "vitest";
import { ConfigError, readSettings } from "../../../config/read.ts";
import type { Settings } from "../../../config/settings.ts";
import { rules } from "../../../providers/local/config.ts";
import { hostPlatform, machineTypeOf, machineTypes } from "../../../providers/local/machine-types.ts";
import { rawConfig } from "../../support/config.ts";

function read(config: Readonly<Record<string, unknown>> = {}): Promise<Settings> {
  return readSettings(
    rawConfig({ cloud: "local", ...config }),
    { project: "lab1", stack: "dev" },
    { local: { rules: async () => rules } },
  );
}

async function problemsOf(config: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const error = await read(config).then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).problems;
}

test("needs no configuration: five small machines behind 127.0.0.1:8080, for this machine alone", async () => {
  const settings = await read();
  expect(settings.network).toEqual({
    cidr: "10.77.0.0/16",
    subnets: [
      { cidr: "10.77.1.0/24", private: false },
      { cidr: "10.77.2.0/24", private: false },
    ],
    nat: "none",
    flowLogs: false,
  });
  expect(settings.app.port).toBe(5000);
  expect(settings.loadBalancer).toMatchObject({ port: 8080, allow: ["127.0.0.0/8"] });
  expect(settings.loadBalancer.healthCheck.intervalSeconds).toBe(10);
  expect(settings.clusters).toMatchObject([{ min: 5, size: "small" }]);
});

test("takes the lowest ports that need no privilege, and each of its machine types", async () => {
  const clusters = Object.keys(machineTypes).map((machineType, index) => ({
    name: `c${index}`,
    path: `/c${index}`,
    machineType,
    min: 1,
    max: 1,
  }));
  const settings = await read({ app: { port: 1024 }, loadBalancer: { port: 1025 }, clusters });
  expect(settings.clusters.map(machineTypeOf)).toEqual(["local.small", "local.medium", "local.large"]);
});

test("refuses all that it cannot do at once, each with its value and a remedy", async () => {
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJGlXnYpFYXcHxGHDu8vGkQCBVeCLwVXy8iG2TnZiv5h me";
  const problems = await problemsOf({
    app: { port: 1023 },
    loadBalancer: { port: 80, certificate: "mine", host: "api.example.org" },
    clusters: [
      { name: "one", path: "/one", min: 1, max: 1 },
      { name: "two", path: "/two", min: 1, max: 1, machineType: "t2.micro" },
    ],
    access: [{ port: 22, from: ["127.0.0.0/8"] }],
    sshKey: key,
    budget: { amount: 1, email: "me@example.org" },
  });
  expect(problems).toHaveLength(8);
  const unprivileged = "on this cloud, ports below 1024 need privileges; choose 1024 to 65535";
  for (const parts of [
    ["switchyard:app.port", "1023", unprivileged],
    ["switchyard:loadBalancer.port", "80", unprivileged],
    ["switchyard:clusters[1].machineType", "t2.micro", "it may be local.small, local.medium, local.large"],
    ["switchyard:loadBalancer.certificate", "mine", "serves no HTTPS"],
    ["switchyard:loadBalancer.host", "api.example.org", "serves no HTTPS"],
    ["switchyard:access", "22", "has no firewall"],
    ["switchyard:budget", "does not tell what it charges; leave it out"],
    ["switchyard:sshKey", "processes without a login"],
  ]) {
    const problem = problems.find((line) => line.startsWith(parts[0] as string));
    for (const part of parts) expect(problem).toContain(part);
  }
});

test.each([
  ["small", undefined, "local.small"],
  ["large", undefined, "local.large"],
  ["small", "local.medium", "local.medium"],
] as const)("size %s and machine type %s make %s", (size, machineType, expected) => {
  expect(machineTypeOf({ size, machineType })).toBe(expected);
});

test("machines have this host's platform", () => {
  expect(hostPlatform()).toBe(`${process.platform}-${process.arch}`);
});
