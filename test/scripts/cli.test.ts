import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findCli } from "../../scripts/cli.ts";
import { cliVersion } from "../../scripts/cli-build.ts";
import { capture } from "../../scripts/process.ts";
import { temporaryFolder, testContext, writeCli, writeNpmPackage, writeScript } from "../support/fake-cli.ts";

const project = join(import.meta.dirname, "../..");
const version = await cliVersion(project);
const noDownload =
  'console.error("Downloading pulumi v1.0.0..."); console.error("pulumi: fetch failed"); process.exit(1)';
const tooOldGo = 'echo "go: go.mod requires go >= 1.25.11 (running go 1.19; GOTOOLCHAIN=local)" >&2; exit 1';

/** A project with our tool modules whose npm package cannot download; its Go on the PATH is too old unless told otherwise. */
function fakeProject({ runJs = noDownload, go = tooOldGo } = {}) {
  const root = temporaryFolder();
  writeNpmPackage(root, runJs);
  cpSync(join(project, "tools"), join(root, "tools"), { recursive: true });
  writeScript(join(root, "go", "go"), go);
  const pinned = join(root, "home", "versions", version, "bin");
  return { root, pinned, go: join(root, "go") };
}

test("PULUMI_COMMAND comes before the PATH", async () => {
  const { root } = fakeProject();
  const command = writeCli(join(root, "chosen"), "3.200.0");
  writeCli(join(root, "path"), "3.210.0");
  const context = testContext(root, [join(root, "path")], { PULUMI_COMMAND: command });
  await expect(findCli(context)).resolves.toMatchObject({ command, version: "3.200.0" });
});

test.each([
  ["that is not there", () => {}, /there is no such executable/],
  [
    "that is too old",
    (folder: string) => writeCli(folder, "3.99.1"),
    /its version is 3\.99\.1; 3\.150\.0 is the oldest/,
  ],
  [
    "without a language host",
    (folder: string) => writeCli(folder, "3.200.0", { host: false }),
    /no pulumi-language-nodejs/,
  ],
  [
    "that fails",
    (folder: string) => {
      writeCli(folder, "3.200.0");
      writeScript(join(folder, "pulumi"), "echo broken >&2; exit 3");
    },
    /failed \(exit code 3\): broken/,
  ],
  [
    "that is another program",
    (folder: string) => {
      writeCli(folder, "3.200.0");
      writeScript(join(folder, "pulumi"), "echo hello");
    },
    /printed "hello", not a version/,
  ],
])("PULUMI_COMMAND %s is an error, with no other CLI tried", async (_, make, message) => {
  const { root, pinned } = fakeProject();
  writeCli(pinned, version);
  make(join(root, "chosen"));
  const command = join(root, "chosen", "pulumi");
  const found = findCli(testContext(root, [], { PULUMI_COMMAND: command }));
  await expect(found).rejects.toThrow(message);
  await expect(found).rejects.toThrow(`PULUMI_COMMAND=${command}`);
});

test("the PATH is searched without node_modules/.bin, past a CLI that will not do", async () => {
  const { root } = fakeProject();
  writeCli(join(root, "node_modules", ".bin"), "3.300.0");
  writeCli(join(root, "old"), "3.100.0");
  const command = writeCli(join(root, "path"), "3.210.0");
  const folders = ["node_modules/.bin", "old", "path"].map((folder) => join(root, folder));
  const cli = await findCli(testContext(root, folders));
  expect(cli).toMatchObject({ command, version: "3.210.0" });
  const path = cli.env.PATH?.split(":") ?? [];
  expect(path[0]).toBe(join(root, "node_modules", ".bin"));
});

test("the program is loaded after what makes it start fast, whatever its language host is told of", async () => {
  const { root } = fakeProject();
  writeCli(join(root, "path"), "3.210.0");
  const { env } = await findCli(testContext(root, [join(root, "path")], { NODE_OPTIONS: "--no-warnings" }));
  const told = { ...env, PULUMI_NODEJS_TYPESCRIPT: "true" };
  const show =
    "console.log(JSON.stringify([process.env.PULUMI_NODEJS_TYPESCRIPT ?? null, process.env.NODE_OPTIONS]))";
  const { stdout } = await capture(process.execPath, ["-e", show], { env: told, cwd: root });
  expect(JSON.parse(stdout)).toEqual([
    null,
    expect.stringMatching(/^--no-warnings --import=file:.*preload\.ts$/),
  ]);
});

test("a CLI is asked for its version once, until it is another file", async () => {
  const { root } = fakeProject();
  const folder = join(root, "path");
  const command = writeCli(folder, "3.210.0");
  const asked = join(root, "asked");
  // As large as a program, which is never one line.
  const program = (answer: string) => `echo >> ${asked}; echo v${answer}; exit\n${"#".repeat(1_000_000)}`;
  const find = async () => (await findCli(testContext(root, [folder]))).version;
  writeScript(command, program("3.210.0"));
  expect([await find(), await find()]).toEqual(["3.210.0", "3.210.0"]);
  expect(readFileSync(asked, "utf8")).toBe("\n");
  writeScript(command, program("3.211.0"));
  expect(await find()).toBe("3.211.0");
});

test("a script that may start another CLI each time is always asked", async () => {
  const { root } = fakeProject();
  writeCli(join(root, "path"), "3.210.0");
  writeScript(join(root, "path", "pulumi"), `cat ${join(root, "version")}`);
  const find = async (version: string) => {
    writeFileSync(join(root, "version"), `v${version}\n`);
    return (await findCli(testContext(root, [join(root, "path")]))).version;
  };
  expect([await find("3.210.0"), await find("3.211.0")]).toEqual(["3.210.0", "3.211.0"]);
});

test("a link to a CLI finds its language host beside the link or beside the real file", async () => {
  const { root } = fakeProject();
  writeCli(join(root, "real"), "3.210.0");
  writeScript(join(root, "links", "unrelated"), "exit 0");
  symlinkSync(join(root, "real", "pulumi"), join(root, "links", "pulumi"));
  const context = testContext(root, [join(root, "links")]);
  await expect(findCli(context)).resolves.toMatchObject({ command: join(root, "links", "pulumi") });
});

test("what an earlier run left is used before any download", async () => {
  const { root, pinned } = fakeProject({ runJs: "process.exit(9)" });
  const command = writeCli(pinned, version);
  const context = testContext(root, []);
  await expect(findCli(context)).resolves.toMatchObject({ command, version });
  expect(context.lines).toEqual([]);
});

test("npm's package downloads before anything is built", async () => {
  const { root, pinned, go } = fakeProject({
    runJs: `
      const { mkdirSync, writeFileSync } = require("node:fs");
      const bin = process.env.PULUMI_HOME + "/versions/" + (process.env.PULUMI_VERSION || "${version}") + "/bin";
      mkdirSync(bin, { recursive: true });
      for (const name of ["pulumi", "pulumi-language-nodejs"])
        writeFileSync(bin + "/" + name, "#!/bin/sh\\necho v${version}\\n", { mode: 0o755 });`,
  });
  const context = testContext(root, [go], { PULUMI_VERSION: "1.2.3" });
  const command = join(pinned, "pulumi");
  await expect(findCli(context)).resolves.toMatchObject({ command, version });
  expect(context.lines).toEqual([
    expect.stringMatching(
      `^Downloading the Pulumi CLI ${version}: .*https://get.pulumi.com/install.sh .*SWITCHYARD_CLI=build`,
    ),
  ]);
});

test("SWITCHYARD_CLI=build downloads nothing, and no other value will do", async () => {
  const { root, pinned, go } = fakeProject({ runJs: "process.exit(9)", go: fakeGo });
  const context = testContext(root, [go], { SWITCHYARD_CLI: "build" });
  await expect(findCli(context)).resolves.toMatchObject({ command: join(pinned, "pulumi"), version });
  expect(context.lines[0]).toContain(`Building the Pulumi CLI ${version} from Go modules, verified by`);
  await expect(findCli(testContext(root, [go], { SWITCHYARD_CLI: "no" }))).rejects.toThrow(
    'SWITCHYARD_CLI is "no"; it must be build, or unset',
  );
});

/** Stands in for `go`: "compiles" a binary that prints the version given by the linker flags. */
const fakeGo = `
case "$1" in
  version) echo go version go1.25.11 linux/amd64 ;;
  build)
    echo "go: downloading example.com/a v1.0.0" >&2
    echo "example.com/a/b" >&2
    while [ $# -gt 0 ]; do
      case "$1" in
        -o) output=$2 ;;
        -ldflags) flags=$2 ;;
      esac
      shift
    done
    printf '#!/bin/sh\\necho %s\\n' "\${flags##*Version=}" > "$output"
    chmod 755 "$output" ;;
esac`;

test("the build from Go modules comes last, shows progress, and is kept for later runs", async () => {
  const { root, pinned, go } = fakeProject({ go: fakeGo });
  const context = testContext(root, [go]);
  const command = join(pinned, "pulumi");
  await expect(findCli(context)).resolves.toMatchObject({ command, version });
  expect(readdirSync(pinned).toSorted()).toEqual(["pulumi", "pulumi-language-nodejs"]);
  expect(context.lines.join("\n")).toContain("1 modules fetched, 1 packages compiled");
  const later = testContext(root, []);
  await expect(findCli(later)).resolves.toMatchObject({ command });
  expect(later.lines).toEqual([]);
});

test("two builds at once both end with a whole CLI", async () => {
  const { root, go } = fakeProject({ go: fakeGo });
  const found = await Promise.all([1, 2].map(() => findCli(testContext(root, [go]))));
  expect(new Set(found.map(({ command }) => command)).size).toBe(1);
});

test("a failed build says what Go said", async () => {
  const { root, go } = fakeProject({
    go: `[ "$1" = version ] && exit 0; echo "example.com/a"; echo "dial tcp: connection refused" >&2; exit 1`,
  });
  await expect(findCli(testContext(root, [go]))).rejects.toThrow(
    /go build .*failed:\n +dial tcp: connection refused/,
  );
});

test("with no CLI at all, the error lists each thing tried, why it would not do, and what to do", async () => {
  const { root, pinned, go } = fakeProject();
  const old = writeCli(join(root, "old"), "3.100.0");
  const error = await findCli(testContext(root, [join(root, "old"), go])).catch((caught: Error) => caught);
  const message = (error as Error).message.split("\n");
  expect(message).toEqual([
    "No Pulumi CLI was found and none could be made. Tried:",
    `  - ${old} (on the PATH): its version is 3.100.0; 3.150.0 is the oldest that will do`,
    `  - ${join(pinned, "pulumi")}: there is no such executable`,
    "  - download by npm's `pulumi` package: pulumi: fetch failed",
    expect.stringMatching(
      /^ {2}- build from Go modules: go: go\.mod requires .*: install Go 1\.25\.11 or newer/,
    ),
    "What to do, any one of:",
    expect.stringContaining("install Pulumi 3.150.0 or newer"),
    expect.stringContaining("PULUMI_COMMAND="),
    expect.stringContaining("reach the network"),
  ]);
});

test("the build and npm's package provide the same CLI", () => {
  const file = join(project, "node_modules", "pulumi", "package.json");
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ version });
});
