import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { unprotectedConfig } from "../../scripts/destroy.ts";
import { capture } from "../../scripts/process.ts";
import { cliArguments, parseRequest, runStack, usageOf } from "../../scripts/stack.ts";
import { readLines, temporaryFolder, testContext, writeCli, writeScript } from "../support/fake-cli.ts";
import { deadPid, startProcess, writeLock } from "../support/locks.ts";
import { deployedStack } from "../support/outputs.ts";

test.each([
  [["up"], "local", []],
  [["up", "--stack", "aws"], "aws", []],
  [["up", "-s", "aws", "--diff"], "aws", ["--diff"]],
  [["up", "--stack=aws", "-c", "a=b"], "aws", ["-c", "a=b"]],
  [["up", "-saws"], "aws", []],
  [["up", "-s=aws"], "aws", []],
  [["up", "-cregion=us", "-m", "-s", "--stack", "aws"], "aws", ["-cregion=us", "-m", "-s"]],
  [["up", "--config", "a=b", "-yd", "--diff=true"], "local", ["--config", "a=b", "-yd", "--diff=true"]],
  [["up", "--confirm", "x"], "local", ["--confirm", "x"]],
  [["outputs", "adminToken", "--show-secrets"], "local", ["adminToken", "--show-secrets"]],
])("%j is for stack %s, with the flags %j", (argv, stack, flags) => {
  expect(parseRequest(argv)).toEqual({ command: argv[0], stack, flags });
});

test("`up --timing FILE` is ours, and of no other command", () => {
  const parsed = { command: "up", stack: "local", flags: ["--diff"], timing: "t.md" };
  expect(parseRequest(["up", "--timing", "t.md", "--diff"])).toEqual(parsed);
  expect(parseRequest(["up", "--timing=t.md", "--diff"])).toEqual(parsed);
  expect(parseRequest(["refresh", "--timing=t.md"]).flags).toEqual(["--timing=t.md"]);
  expect(() => parseRequest(["up", "--timing"])).toThrow("--timing needs the name of a file");
});

test("`up --timing` starts nothing when its file could not be written", async () => {
  const context = fakeCli(empty);
  const file = join(root, "none", "t.md");
  await expect(runStack(context, ["up", "--timing", file])).rejects.toThrow("nothing can be written there");
  expect(calls().filter((call) => call.startsWith("up "))).toEqual([]);
});

test("`destroy --with-data` may be confirmed beforehand, and is for the whole stack", () => {
  const words = ["destroy", "--with-data", "--confirm", "aws", "-s", "aws", "--debug"];
  const parsed = { command: "destroy", stack: "aws", flags: ["--debug"], withData: true, confirm: "aws" };
  expect(parseRequest(words)).toEqual(parsed);
  expect(parseRequest(["destroy", "--with-data"])).toMatchObject({
    stack: "local",
    withData: true,
    flags: [],
  });
  expect(() => parseRequest(["destroy", "--with-data", "-t", "urn"])).toThrow("cannot stand beside --target");
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

const { outputs } = deployedStack("local", {
  clusters: { one: { size: 2, machineType: "local.small", path: "/one", group: "one-1", weight: 1 } },
});

let root: string;
beforeEach(() => {
  root = temporaryFolder();
  vi.stubEnv("SWITCHYARD_HOME", join(root, "cloud"));
  return () => void vi.unstubAllEnvs();
});

/** A CLI that notes its arguments and settings, and answers from the files `state.json` and `exit`. */
function fakeCli(state?: object, { exit = 0, backend = "" } = {}) {
  const bin = join(root, "bin");
  writeCli(bin, "3.256.0");
  if (state) writeFileSync(join(root, "state.json"), JSON.stringify(state));
  writeFileSync(join(root, "outputs.json"), JSON.stringify(outputs));
  writeFileSync(join(root, "Pulumi.yaml"), "name: switchyard\n");
  for (const stack of ["local", "aws"])
    writeFileSync(join(root, `Pulumi.${stack}.yaml`), "config:\n  a:b: c\n");
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
  "stack output") [ -f "${root}/state.json" ] || [ -f "${root}/made" ] && exec cat "${root}/outputs.json"
    echo "error: no stack named 'local' found" >&2; exit 255 ;;
  "stack init") touch "${root}/made" ;;
  *) exit ${exit} ;;
esac`,
  );
  return testContext(root, [], { PULUMI_COMMAND: join(bin, "pulumi"), PULUMI_BACKEND_URL: backend });
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
  const context = fakeCli(empty, { backend: "s3://bucket" });
  expect(await runStack(context, ["preview", "--stack", "aws", "--diff"])).toBe(0);
  expect(calls()).toEqual(["stack export --stack aws --non-interactive", "preview --stack aws --diff"]);
  expect(new Set(readLines(join(root, "settings")))).toEqual(new Set([`s3://bucket||${root}`]));
  expect(existsSync(join(root, ".switchyard"))).toBe(false);
});

const group = { urn: "urn:pulumi:aws::x::a:b:Group::one", type: "a:b:Group", id: "1" };

test.each([
  ["failed", { resources: [{ ...group, initErrors: ["quota exceeded"] }] }],
  ["was killed", { resources: [group], pending_operations: [{ type: "updating", resource: group }] }],
])("what is there is read first, after a deployment to a cloud that %s", async (_, deployment) => {
  const context = fakeCli({ version: 3, deployment }, { backend: "s3://bucket" });
  for (const line of ["preview", "up --diff", "up --refresh=false", "refresh"])
    await runStack(context, [...line.split(" "), "--stack", "aws"]);
  expect(calls().filter((call) => /^(preview|up|refresh) /.test(call))).toEqual([
    "preview --stack aws --refresh",
    "up --stack aws --refresh --diff",
    "up --stack aws --refresh=false",
    "refresh --stack aws",
  ]);
  expect(context.lines[0]).toContain("did not finish Group one");
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
  const other = fakeCli(empty, { exit: 7, backend: "s3://bucket" });
  expect(await runStack(other, ["up", "--stack", "aws"])).toBe(7);
  expect(other.lines).toEqual([expect.stringContaining("npm run cancel -- --stack aws")]);
});

test("a state that cannot be read is an error that shows what the CLI said", async () => {
  const context = fakeCli();
  const bin = join(root, "bin", "pulumi");
  writeScript(bin, '[ "$1" = version ] && exec echo v3.256.0; echo "error: wrong passphrase" >&2; exit 1');
  await expect(runStack(context, ["up"])).rejects.toThrow(
    "pulumi stack export failed:\nerror: wrong passphrase",
  );
});

test("what only looks at `local` writes nothing, whatever a killed or running command left there", async () => {
  const pending = [{ type: "creating", resource: { urn: "urn:pulumi:local::x::a:b:C::two", type: "a:b:C" } }];
  const context = fakeCli({ version: 3, deployment: { pending_operations: pending } });
  const lock = writeLock(join(root, ".switchyard", "state"), await deadPid());
  for (const command of ["preview", "outputs"]) expect(await runStack(context, [command])).toBe(0);
  expect(calls().filter((call) => /import|init/.test(call))).toEqual([]);
  expect(existsSync(lock)).toBe(true);
  expect(context.lines).toEqual([]);
});

test("while a command runs, another is told by whom the stack is being changed, and starts nothing", async () => {
  const context = fakeCli(empty);
  const { pid = 0 } = await startProcess("/opt/pulumi/bin/pulumi");
  const lock = writeLock(join(root, ".switchyard", "state"), pid);
  await expect(runStack(context, ["up"])).rejects.toThrow(`is being changed by process ${pid} since`);
  expect(await runStack(context, ["cancel"])).toBe(1);
  expect(context.lines).toEqual([expect.stringContaining(`process ${pid}`)]);
  expect(calls()).toEqual([]);
  expect(existsSync(lock)).toBe(true);
});

test("`cancel` says that there is nothing to cancel, and removes the lock of a killed command", async () => {
  const context = fakeCli(empty);
  expect(await runStack(context, ["cancel"])).toBe(0);
  expect(context.lines).toEqual(["Nothing is to be cancelled: stack local has no lock."]);
  expect(calls()).toEqual([]);
  writeLock(join(root, ".switchyard", "state"), await deadPid());
  expect(await runStack(context, ["cancel"])).toBe(0);
  expect(calls()).toEqual(["cancel --stack local --yes"]);
});

test("a stack without a file is refused with those that have one, before anything is started", async () => {
  const context = fakeCli(empty, { backend: "s3://bucket" });
  for (const command of ["up", "preview"]) {
    await expect(runStack(context, [command, "--stack", "org/x/nosuch"])).rejects.toThrow(
      'There is no Pulumi.nosuch.yaml to configure the stack "org/x/nosuch". Stacks that have a file: aws, local.',
    );
  }
  expect(calls()).toEqual([]);
});

test("a stack's file that the CLI reads in its own way is refused, before anything is started", async () => {
  const context = fakeCli(empty);
  const file = join(root, "Pulumi.local.yaml");
  writeFileSync(file, "config:\n  switchyard:machines: 010\n");
  for (const command of ["up", "preview"]) {
    await expect(runStack(context, [command])).rejects.toThrow(
      "Pulumi.local.yaml, line 2: switchyard:machines is 010: it is 8 to the Pulumi CLI and something else to others",
    );
    const other = ["--config-file", "Pulumi.aws.yaml"];
    expect(await runStack(context, [command, ...other])).toBe(0);
    expect(calls().join("\n")).toContain(
      `${command} --stack local${command === "up" ? " --yes --skip-preview" : ""} ${other.join(" ")}`,
    );
  }
  writeFileSync(join(root, "other.yaml"), "config: []\n");
  await expect(runStack(context, ["up", "--config-file=other.yaml"])).rejects.toThrow("config is a list");
  await expect(runStack(context, ["up", "--config-file=none.yaml"])).rejects.toThrow("There is no none.yaml");
});

test("of a stack that the backend does not have it says how to make it, not how to unlock it", async () => {
  const context = fakeCli(undefined, { exit: 255, backend: "s3://bucket" });
  expect(await runStack(context, ["up", "--stack", "aws"])).toBe(255);
  expect(context.lines).toEqual([
    "\nThe backend at s3://bucket has no stack aws: npx pulumi stack init aws makes one. Stacks that have a file: aws, local.",
  ]);
});

test.each(["up", "preview", "refresh", "destroy", "outputs", "cancel"])(
  "`%s --help` is about it",
  (command) => {
    expect(usageOf(command)).toMatch(
      new RegExp(`^Usage: npm run ${command} \\[[\\s\\S]+--stack, -s NAME[\\s\\S]+npx pulumi `),
    );
  },
);

test("`--help` runs nothing", async () => {
  for (const args of [["stack.ts", "up"], ["machines.ts"], ["logs.ts"], ["files.ts"], ["clones.ts"]]) {
    const [file = "", ...rest] = args;
    const script = join(import.meta.dirname, "../../scripts", file);
    const { code, stdout } = await capture(process.execPath, [script, ...rest, "--help"], { env: {} });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^Usage: npm run [\s\S]+--stack, -s NAME/)]);
  }
});

test.each([
  ["config:\n  bucket: { empty: false, protect: true, encryptionKey: k }\n", { encryptionKey: "k" }],
  ["config:\n  a:b: &x { encryptionKey: k }\n  switchyard:bucket: *x\n", { encryptionKey: "k" }],
  ["encryptionsalt: v1:a\nconfig:\n  switchyard:bucket:\n", {}],
  ["config:\n", {}],
])("`destroy --with-data` lets the bucket of %j go, and leaves all else as it is", (content, bucket) => {
  const context = fakeCli(empty);
  writeFileSync(join(root, "Pulumi.local.yaml"), content);
  const { config, ...rest } = JSON.parse(unprotectedConfig(context, "local"));
  expect(config["switchyard:bucket"]).toEqual({ ...bucket, protect: false, empty: true });
  expect(config.bucket).toBeUndefined();
  expect(rest.encryptionsalt).toBe(/v1:a/.exec(content)?.[0]);
});

const resource = (name: string, more: object) => ({
  type: "a:b:Bucket",
  urn: `urn:pulumi:aws::x::a:b:Bucket::${name}`,
  ...more,
});
const full = resource("full", { id: "f-1", inputs: { forceDestroy: false } });
const changing = () => calls().filter((call) => !/^stack (export|output)/.test(call));

test("`destroy --with-data` lets first go what may be deleted only empty, and then what is protected", async () => {
  const kept = resource("kept", { protect: true, inputs: { empty: false } });
  const emptied = resource("emptied", { inputs: { empty: true } });
  const other = resource("other", { type: "a:b:RouterInterface", inputs: { forceDestroy: false } });
  const argv = ["destroy", "--with-data", "--confirm", "aws", "--stack", "aws"];
  const letGo = ({ urn }: { urn: string }) =>
    expect.stringMatching(
      new RegExp(`^up --config-file \\S+ --target ${urn} --stack aws --yes --skip-preview$`),
    );
  const destroy = "destroy --stack aws --yes --skip-preview";
  const backend = `file://${root}`;
  await runStack(fakeCli({ deployment: { resources: [full, emptied, other] } }, { backend }), argv);
  expect(changing()).toEqual([letGo(full), destroy]);

  rmSync(join(root, "calls"));
  await runStack(fakeCli({ deployment: { resources: [full, emptied, kept] } }, { backend }), argv);
  const others = "destroy --exclude-protected --stack aws --yes --skip-preview";
  expect(changing()).toEqual([letGo(full), others, letGo(kept), destroy]);
});

test("a `destroy` that failed says what is deleted only empty, and what deletes it with what it holds", async () => {
  const options = { exit: 255, backend: `file://${root}` };
  const context = fakeCli({ deployment: { resources: [full] } }, options);
  expect(await runStack(context, ["destroy", "--stack", "aws"])).toBe(255);
  expect(context.lines.join("\n")).toContain(`\
Not deleted while anything is in them, for want of switchyard:bucket.empty:
  a:b:Bucket  full  f-1
To delete them for good, with all they hold: npm run destroy -- --stack aws --with-data`);
});

test("without the stack's name given again, `destroy --with-data` starts nothing", async () => {
  const context = fakeCli(empty);
  await expect(runStack(context, ["destroy", "--with-data"])).rejects.toThrow(
    "Nothing was deleted: nobody can be asked here. Give the stack's name: npm run destroy -- --stack local --with-data --confirm local",
  );
  await expect(runStack(context, ["destroy", "--with-data", "--confirm", "other"])).rejects.toThrow(
    'Nothing was deleted: "other" is another name.',
  );
  expect(calls().filter((call) => !call.startsWith("stack export"))).toEqual([]);
});
