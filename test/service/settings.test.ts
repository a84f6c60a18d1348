import { expect, test } from "vitest";
import { readSettings } from "../../service/settings/settings.ts";
import { environment } from "./environment.ts";

test("reads every variable, with defaults for those that may be unset or empty", () => {
  const { HOST: _, RELEASE: __, TRUSTED_PROXIES: ___, ...required } = environment;
  expect(readSettings({ ...required, CLUSTER_PATH: "", LOG_LEVEL: "", PATH: "/bin" })).toEqual({
    PROJECT: "day02",
    CLUSTER: "cluster1",
    CLUSTER_PATH: "",
    ROOT: "greeting",
    ROLE: "app",
    HOST: "0.0.0.0",
    PORT: 0,
    DRAIN_SECONDS: 30,
    DEREGISTER_SECONDS: 0,
    PUBLIC: false,
    ADMIN_TOKEN_SHA256: "a".repeat(64),
    INSTANCE_ID: "i-0123456789",
    RELEASE: "development",
    REVISION: "development",
    TRUSTED_PROXIES: [],
    PROXY_HOPS: 1,
    LOG_LEVEL: "info",
    MAX_FILE_BYTES: 5_368_709_120,
    MAX_UPLOADS: 64,
    UPLOAD_IDLE_SECONDS: 60,
    STORE_SECONDS: 20,
    RATE_LIMIT: 6000,
    METRICS_PORT: 0,
  });
});

test("reports all that is missing at once", () => {
  const names = [
    "PROJECT",
    "CLUSTER",
    "ROOT",
    "PORT",
    "DRAIN_SECONDS",
    "PUBLIC",
    "ADMIN_TOKEN_SHA256",
    "INSTANCE_ID",
  ];
  expect(errorLines({})).toEqual(
    names.map((name) => expect.stringMatching(new RegExp(`^${name} is not set; `))),
  );
});

test.each([
  ["PROJECT", "a\nb"],
  ["CLUSTER", "a b"],
  ["CLUSTER_PATH", "cluster1"],
  ["CLUSTER_PATH", "/cluster1/"],
  ["CLUSTER_PATH", "/:id"],
  ["CLUSTER_PATH", "/healthz"],
  ["CLUSTER_PATH", "/files/mine"],
  ["ROOT", "hello"],
  ["MAX_FILE_BYTES", "0"],
  ["PORT", "65536"],
  ["PORT", "80.5"],
  ["PORT", "-1"],
  ["DRAIN_SECONDS", "1e3"],
  ["PUBLIC", "toString"],
  ["INSTANCE_ID", "i\r\nx: y"],
  ["RELEASE", "B".repeat(64)],
  ["LOG_LEVEL", "verbose"],
  ["TRUSTED_PROXIES", "10.0.0.0"],
  ["TRUSTED_PROXIES", "10.0.0.0/33"],
  ["TRUSTED_PROXIES", "10.0.0.0/8,"],
  ["PROXY_HOPS", "0"],
])("refuses %s=%j, naming both", (name, value) => {
  expect(errorLines({ ...environment, [name]: value })).toEqual([
    expect.stringContaining(`${name} is ${JSON.stringify(value)}; it must be `),
  ]);
});

test("does not show what stands in place of the token's hash", () => {
  const [line] = errorLines({ ...environment, ADMIN_TOKEN_SHA256: "hunter2" });
  expect(line).toContain("ADMIN_TOKEN_SHA256");
  expect(line).not.toContain("hunter2");
});

function errorLines(variables: Record<string, string>): string[] {
  try {
    readSettings(variables);
  } catch (error) {
    return (error as Error).message.split("\n");
  }
  throw new Error("the environment was taken as it is");
}
