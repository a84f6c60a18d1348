import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { renderStartup, revisionOf, type StartupArgs } from "../../release/startup.ts";
import { appEnvironment, installed, localFunctions } from "../support/startup.ts";

const args: StartupArgs = {
  release: { key: "releases/app.tar.gz", sha256: "a".repeat(64) },
  runtime: { key: "runtimes/node.tgz", sha512: "b".repeat(128) },
  environment: appEnvironment,
  timeoutSeconds: 60,
  cloud: { functions: localFunctions, settings: { MAX_OLD_SPACE_MB: 64 }, environment: { STORE: "local" } },
};
const withEnvironment = (environment: Record<string, string | number>): StartupArgs => ({
  ...args,
  cloud: { ...args.cloud, environment },
});

test("is settings, then the cloud's functions, then what all clouds share", () => {
  const script = renderStartup(args);
  const parts = [
    "RELEASE_SHA256='aaaa",
    "MAX_OLD_SPACE_MB='64'",
    "'STORE=local'",
    "instance_id()",
    "install_version()",
  ];
  const places = parts.map((part) => script.indexOf(part));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(script).toMatch(/^#!\/usr\/bin\/env bash\n/);
  expect(script).not.toMatch(/#\{|set -\w*x/);
});

test("leaves room for other clouds' functions", () => {
  expect(Buffer.byteLength(renderStartup(args))).toBeLessThan(13_000);
});

test("is the same for the same arguments, and another one for another release (R5.2)", () => {
  const next = { ...args, release: { ...args.release, sha256: "c".repeat(64) } };
  expect(renderStartup(args)).toBe(renderStartup(args));
  expect(renderStartup(next)).not.toBe(renderStartup(args));
});

test("has a revision that follows the script and the machine, and does not contain itself", () => {
  const machine = { machineType: "small" };
  const revision = revisionOf(args, machine);
  expect(revision).toMatch(/^[0-9a-f]{16}$/);
  expect(revisionOf({ ...args, revision }, machine)).toBe(revision);
  expect(revisionOf(args, { machineType: "large" })).not.toBe(revision);
  expect(revisionOf({ ...args, timeoutSeconds: 61 }, machine)).not.toBe(revision);
  expect(renderStartup({ ...args, revision })).toContain(`'REVISION=${revision}'`);
});

test.each([
  ["a space", "two words"],
  ["quotes", `it's "quoted"`],
  ["substitutions", "$(exit 7) `exit 7` $HOME"],
  ["the rest", "\\ \\n ; & | > * ~ # ! é $& $1"],
])("keeps a value with %s as it is", (_, value) => {
  const script = renderStartup(withEnvironment({ VALUE: value }));
  const settings = script.slice(script.indexOf("APP_ENVIRONMENT=("), script.indexOf("\n)\n") + 3);
  const printed = execFileSync("bash", ["-euc", `${settings}printf '%s\\n' "\${APP_ENVIRONMENT[@]}"`], {
    encoding: "utf8",
  });
  expect(printed.split("\n")).toContain(`VALUE=${value}`);
});

test.each([
  ["a line feed", "a\nb"],
  ["a carriage return", "a\rb"],
  ["NUL", "a\0b"],
])("refuses a value with %s", (_, value) => {
  expect(() => renderStartup(withEnvironment({ VALUE: value }))).toThrow(
    `environment variable VALUE is ${JSON.stringify(value)}, and must be one line without NUL`,
  );
  const settings = { VALUE: value };
  expect(() => renderStartup({ ...args, cloud: { ...args.cloud, settings } })).toThrow("setting VALUE");
});

test.each(["lower", "A-B", "1A", "A B", "A=$(id)", ""])("refuses the name %j", (name) => {
  expect(() => renderStartup(withEnvironment({ [name]: 1 }))).toThrow(
    `environment variable ${JSON.stringify(name)} must be named [A-Z][A-Z0-9_]*`,
  );
});

test("refuses a name that is taken", () => {
  expect(() => renderStartup(withEnvironment({ PORT: 1 }))).toThrow("environment variable PORT is set twice");
  const settings = { RELEASE_KEY: "x" };
  expect(() => renderStartup({ ...args, cloud: { ...args.cloud, settings } })).toThrow(
    "setting RELEASE_KEY is set twice",
  );
});

test.each([1.5, -1, Number.NaN])("refuses the number %d", (value) => {
  expect(() => renderStartup({ ...args, timeoutSeconds: value })).toThrow(
    `setting TIMEOUT_SECONDS is ${value}, and must be a whole number`,
  );
});

test("refuses a hash that is none", () => {
  const base64 = Buffer.alloc(64).toString("base64");
  expect(() => renderStartup({ ...args, runtime: { ...args.runtime, sha512: base64 } })).toThrow(
    `runtime.sha512 is "${base64}", and must be 128 hexadecimal digits`,
  );
  expect(() => renderStartup({ ...args, release: { ...args.release, sha256: "A".repeat(64) } })).toThrow(
    "release.sha256",
  );
});

test("refuses what does not fit into user data, and says by how much", () => {
  const size = Buffer.byteLength(renderStartup(withEnvironment({ PADDING: "" })));
  const padded = (bytes: number) => withEnvironment({ PADDING: "x".repeat(bytes - size) });
  expect(Buffer.byteLength(renderStartup(padded(16_383)))).toBe(16_383);
  expect(() => renderStartup(padded(16_384))).toThrow(
    "The startup script has 16384 bytes, and must have fewer than 16384",
  );
});

const shellcheck = installed("shellcheck");
const systemdFunctions = 'instance_id() { echo i-1; }\nfetch() { cp "/objects/$1" "$2"; }\n';
test.skipIf(!shellcheck).each([
  ["exec", localFunctions, { MAX_OLD_SPACE_MB: 64 }],
  ["systemd", systemdFunctions, {}],
])("satisfies shellcheck (%s)", (_, functions, settings) => {
  const script = renderStartup({ ...args, cloud: { ...args.cloud, functions, settings } });
  const report = () => execFileSync("shellcheck", ["-"], { input: script, encoding: "utf8" });
  expect(report()).toBe("");
});
