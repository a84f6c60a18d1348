import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { cliArguments, parseRequest, runStack } from "../../scripts/stack.ts";
import { readLines, temporaryFolder, testContext, writeCli, writeScript } from "../support/fake-cli.ts";

test.each([
  [["up"], "local", []],
  [["up", "--stack", "aws"], "aws", []],
  [["up", "-s", "aws", "--diff"], "aws", ["--diff"]],
  [["up", "--stack=aws", "-c", "a=b"], "aws", ["-c", "a=b"]],
  [["up", "-saws"], "aws", []],
  [["outputs", "adminToken", "--show-secrets"], "local", ["adminToken", "--show-secrets"]],
])("%j is for stack %s, with the flags %j", (argv, stack, flags) => {
  expect(parseRequest(argv)).toEqual({ command: argv[0], stack, flags });
});

test.each([
  [[], /Nothing is not a command/],
  [["toString"], /toString is not a command/],
  [["up", "--stack"], /--stack needs the name/],
  [["up", "-s", "--diff"], /--stack needs the name/],
])("%j is refused", (argv, message) => {
  expect(() => parseRequest(argv)).toThrow(message);
});

test.each([
  ["up", "up --stack local --yes --skip-preview"],
  ["up --diff", "up --stack local --yes --skip-preview --diff"],
  ["up --stack aws", "up --stack aws"],
  ["preview", "preview --stack local"],
  ["refresh", "refresh --stack local --yes --skip-preview"],
  ["destroy", "destroy --stack local --exclude-protected --yes --skip-preview"],
  ["destroy -s aws", "destroy --stack aws --exclude-protected"],
  ["destroy --preview-only", "destroy --stack local --exclude-protected --preview-only"],
  ["destroy -s aws --ignore-protect", "destroy --stack aws --ignore-protect"],
  ["destroy -s aws --target=urn", "destroy --stack aws --target=urn"],
  ["outputs url", "stack output --stack local url"],
  ["cancel", "cancel --stack local --yes"],
  ["cancel -s aws", "cancel --stack aws"],
])("npm run %s is pulumi %s", (line, expected) => {
  expect(cliArguments(parseRequest(line.split(" "))).join(" ")).toBe(expected);
});

const outputs = {
  url: "http://127.0.0.1:8080",
  clusters: { one: { size: 2, machineType: "local.small", path: "/one" } },
};

let root: string;
beforeEach(() => {
  root = temporaryFolder();
  vi.stubEnv("SWITCHYARD_HOME", join(root, "cloud"));
  return () => void vi.unstubAllEnvs();
});

/** A CLI that notes its arguments and settings, and answers from the files `state.json` and `exit`. */
function fakeCli(state?: object, { exit = 0 } = {}) {
  const bin = join(root, "bin");
  writeCli(bin, "3.256.0");
  if (state) writeFileSync(join(root, "state.json"), JSON.stringify(state));
  writeFileSync(join(root, "outputs.json"), JSON.stringify(outputs));
  writeScript(
    join(bin, "pulumi"),
    `
[ "$1" = version ] && exec echo v3.256.0
echo "$@" >> "${root}/calls"
echo "$PULUMI_BACKEND_URL|$PULUMI_CONFIG_PASSPHRASE|$(pwd)" >> "${root}/settings"
case "$1 $2" in
  "stack export") [ -f "${root}/state.json" ] && exec cat "${root}/state.json"
    echo "error: no stack named 'local' found" >&2; exit 255 ;;
  "stack import") cat > "${root}/imported.json" ;;
  "stack output") cat "${root}/outputs.json" ;;
  "stack init") ;;
  *) exit ${exit} ;;
esac`,
  );
  return testContext(root, [], { PULUMI_COMMAND: join(bin, "pulumi") });
}

const calls = () => readLines(join(root, "calls"));
const empty = { version: 3, deployment: {} };

test("the first `up` of `local` creates the stack, brings it up in the project folder and shows what to try", async () => {
  const context = fakeCli();
  expect(await runStack(context, ["up"])).toBe(0);
  expect(calls()).toEqual([
    "stack export --stack local --non-interactive",
    "stack init --no-select --stack local --non-interactive",
    "up --stack local --yes --skip-preview",
    "stack output --json --stack local --non-interactive",
    "stack export --stack local --non-interactive",
  ]);
  expect(new Set(readLines(join(root, "settings")))).toEqual(
    new Set([`file://${root}/.switchyard/state||${root}`]),
  );
  expect(context.lines.at(-1)).toContain("\n  curl http://127.0.0.1:8080/one  # one: 2 × local.small\n");
});

test("another stack gets no setting of ours and is not created", async () => {
  const context = fakeCli(empty);
  expect(await runStack(context, ["preview", "--stack", "aws", "--diff"])).toBe(0);
  expect(calls()).toEqual(["preview --stack aws --diff"]);
  expect(readLines(join(root, "settings"))).toEqual([`||${root}`]);
  expect(existsSync(join(root, ".switchyard"))).toBe(false);
});

test("pending operations of a killed run are dropped from `local`, and nothing else of its state", async () => {
  const resources = [{ urn: "urn:pulumi:local::x::a:b:C::one", type: "a:b:C", id: "1", extra: true }];
  const pending = [{ type: "creating", resource: { urn: "urn:pulumi:local::x::a:b:C::two", type: "a:b:C" } }];
  const deployment = { secrets_providers: { type: "passphrase" }, resources };
  const context = fakeCli({ version: 3, deployment: { ...deployment, pending_operations: pending } });
  expect(await runStack(context, ["refresh"])).toBe(0);
  expect(JSON.parse(readFileSync(join(root, "imported.json"), "utf8"))).toEqual({ version: 3, deployment });
  expect(context.lines).toEqual([expect.stringContaining("cut off while creating two")]);
});

test("`destroy` names what it kept", async () => {
  const bucket = {
    urn: "urn:pulumi:local::x::a:b:Bucket::files",
    type: "a:b:Bucket",
    id: "files-1",
    protect: true,
  };
  const context = fakeCli({ version: 3, deployment: { resources: [bucket] } });
  expect(await runStack(context, ["destroy"])).toBe(0);
  expect(context.lines.at(-1)).toContain("a:b:Bucket  files  files-1");
});

test("the CLI's exit code is passed on, with nothing that looks like success", async () => {
  const context = fakeCli(empty, { exit: 7 });
  expect(await runStack(context, ["up"])).toBe(7);
  expect(context.lines).toEqual([]);
  expect(await runStack(context, ["up", "--stack", "aws"])).toBe(7);
  expect(context.lines).toEqual([expect.stringContaining("npm run cancel -- --stack aws")]);
});

test("a state that cannot be read is an error that shows what the CLI said", async () => {
  const context = fakeCli();
  const bin = join(root, "bin", "pulumi");
  writeScript(bin, '[ "$1" = version ] && exec echo v3.256.0; echo "error: wrong passphrase" >&2; exit 1');
  await expect(runStack(context, ["up"])).rejects.toThrow(
    "pulumi stack export failed:\nerror: wrong passphrase",
  );
});
