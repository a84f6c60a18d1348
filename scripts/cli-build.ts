import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Context, capture } from "./process.ts";

/** A Go program that `tools/<folder>` pins, and the module whose version it reports as its own. */
interface Tool {
  readonly folder: string;
  readonly module: string;
  readonly package: string;
  readonly binary: string;
}

const repository = "github.com/pulumi/pulumi";

/** The language host comes first: whoever finds `pulumi` in place may rely on its host. */
const tools: readonly Tool[] = [
  {
    folder: "language",
    module: `${repository}/sdk/v3`,
    package: `${repository}/sdk/v3/nodejs/cmd/pulumi-language-nodejs`,
    binary: "pulumi-language-nodejs",
  },
  {
    folder: "pulumi",
    module: `${repository}/pkg/v3`,
    package: `${repository}/pkg/v3/cmd/pulumi`,
    binary: "pulumi",
  },
];

/**
 * Builds the Pulumi CLI and its Node.js language host from the Go modules pinned in `tools/` into `bin`. Each
 * binary is renamed into place when it is whole, so two builds at once end with one good pair.
 * Fails with what Go said when Go is missing, too old or cannot fetch the modules.
 */
export async function buildCli(context: Context, bin: string): Promise<void> {
  for (const { folder } of tools) await requireGo(context, folder);
  context.log(
    `Building the Pulumi CLI ${await cliVersion(context.root)} from Go modules, verified by tools/*/go.sum: 3 to 6 minutes on two cores, this once.`,
  );
  await mkdir(bin, { recursive: true });
  const scratch = await mkdtemp(join(bin, ".build-"));
  try {
    for (const tool of tools) await build(context, tool, scratch);
    for (const { binary } of tools) await rename(join(scratch, binary), join(bin, binary));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The version of the CLI that the build provides, without a `v`; npm's `pulumi` package is pinned to the same. */
export async function cliVersion(root: string): Promise<string> {
  const version = await pinnedVersion(root, "pulumi", `${repository}/pkg/v3`);
  return version.slice(1);
}

async function pinnedVersion(root: string, folder: string, module: string): Promise<string> {
  const file = join(root, "tools", folder, "go.mod");
  const lines = (await readFile(file, "utf8")).split("\n").map((line) => line.trim());
  const version = lines.find((line) => line.startsWith(`${module} v`))?.split(" ")[1];
  if (version === undefined) throw new Error(`${file} does not require ${module}`);
  return version;
}

async function requireGo(context: Context, folder: string): Promise<void> {
  const cwd = join(context.root, "tools", folder);
  const needed = (await readFile(join(cwd, "go.mod"), "utf8")).match(/^go (\S+)$/m)?.[1];
  const remedy = `install Go ${needed} or newer, or let Go fetch it (GOTOOLCHAIN=auto)`;
  let finished: Awaited<ReturnType<typeof capture>>;
  try {
    finished = await capture("go", ["version"], { cwd, env: context.env, signal: context.signal });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error(`there is no \`go\` on the PATH: ${remedy}`);
  }
  if (finished.code !== 0) throw new Error(`${finished.stderr.trim()}: ${remedy}`);
}

async function build(context: Context, tool: Tool, folder: string): Promise<void> {
  const version = await pinnedVersion(context.root, tool.folder, tool.module);
  const progress = startProgress(context, `${tool.binary} ${version}`);
  const flags = `-s -w -X ${repository}/sdk/v3/go/common/version.Version=${version}`;
  const output = join(folder, tool.binary);
  try {
    const finished = await capture(
      "go",
      ["build", "-v", "-trimpath", "-ldflags", flags, "-o", output, tool.package],
      {
        cwd: join(context.root, "tools", tool.folder),
        env: { ...context.env, CGO_ENABLED: "0", GOWORK: "off" },
        signal: context.signal,
        onOutput: progress.count,
      },
    );
    if (finished.code !== 0) throw new Error(failure(tool, finished.stderr));
  } finally {
    progress.stop();
  }
}

function failure(tool: Tool, printed: string): string {
  const lines = printed.trim().split("\n");
  const said = lines.filter((line) => !/^[\w./-]+$/.test(line) && !line.startsWith("go: downloading "));
  return [`\`go build ${tool.package}\` failed:`, ...said.slice(-10)].join("\n    ");
}

/** Go prints a line for each module it fetches and each package it compiles: a terminal shows how many. */
function startProgress(context: Context, what: string) {
  const start = performance.now();
  let modules = 0;
  let packages = 0;
  const status = () => {
    const seconds = Math.round((performance.now() - start) / 1000);
    return `  ${what}: ${modules} modules fetched, ${packages} packages compiled, ${seconds} s`;
  };
  const terminal = process.stderr.isTTY;
  const show = () => {
    if (terminal) process.stderr.write(`\r\x1b[K${status()}`);
    else context.log(status());
  };
  const tick = setInterval(show, terminal ? 1000 : 30_000);
  return {
    count: (text: string) => {
      for (const line of text.split("\n")) {
        if (line.startsWith("go: downloading ")) modules++;
        else if (line !== "") packages++;
      }
    },
    stop: () => {
      clearInterval(tick);
      if (terminal) process.stderr.write("\r\x1b[K");
      context.log(status());
    },
  };
}
