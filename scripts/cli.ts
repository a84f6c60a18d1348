import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { replaceFile } from "../release/replace-file.ts";
import { readIfThere } from "./backend.ts";
import { buildCli, cliVersion } from "./cli-build.ts";
import { type Context, capture } from "./process.ts";

/** A Pulumi CLI that works: its executable, the version it names, and the environment to run it in. */
export interface Cli {
  readonly command: string;
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The oldest CLI (of February 2025) with which these scripts, the program and the plugin were tried. */
export const minimumVersion = "3.150.0";

const languageHost = "pulumi-language-nodejs";
const preload = `--import=${pathToFileURL(join(import.meta.dirname, "../plan/preload.ts"))}`;
/** No CLI is smaller, and no script that starts one as large: in bytes. */
const smallestCli = 1_000_000;

const answerMs = 15_000;
const connectMs = 60_000;
const downloadMs = 600_000;

interface Attempt {
  readonly what: string;
  /** Resolves with the path of an executable; fails with why there is none. */
  find(): Promise<string>;
}

/**
 * Finds a Pulumi CLI, or gets one: `PULUMI_COMMAND`, which must then work; every `pulumi` on the PATH outside
 * node_modules; what an earlier run left in `$PULUMI_HOME/versions/<version>` (default `~/.pulumi`); npm's
 * `pulumi` package, which downloads into that folder and verifies nothing, unless `SWITCHYARD_CLI=build` forbids it; a
 * build from Go modules, verified by the `go.sum` files in `tools/`, into the same folder. Fails with each thing tried, why
 * it would not do, and what to do.
 */
export async function findCli(context: Context): Promise<Cli> {
  const { env, root } = context;
  if (env.PULUMI_COMMAND) return chosenCli(context, resolve(env.PULUMI_COMMAND));
  const version = await cliVersion(root);
  const bin = join(env.PULUMI_HOME || join(homedir(), ".pulumi"), "versions", version, "bin");
  const pinned = join(bin, "pulumi");
  const attempts: Attempt[] = [
    ...(await onPath(env)),
    { what: pinned, find: () => existing(pinned) },
    ...(mayDownload(env)
      ? [{ what: "download by npm's `pulumi` package", find: () => download(context, version, pinned) }]
      : []),
    { what: "build from Go modules", find: () => buildCli(context, bin).then(() => pinned) },
  ];
  const failures: string[] = [];
  for (const { what, find } of attempts) {
    try {
      return await check(context, await find());
    } catch (error) {
      context.signal.throwIfAborted();
      failures.push(`  - ${what}: ${(error as Error).message}`);
    }
  }
  throw new Error(
    `No Pulumi CLI was found and none could be made. Tried:\n${failures.join("\n")}\n${remedy}`,
  );
}

const remedy = `What to do, any one of:
  - install Pulumi ${minimumVersion} or newer and put it on the PATH (https://www.pulumi.com/docs/install/)
  - name its executable: PULUMI_COMMAND=/path/to/pulumi
  - let the download or the build reach the network (HTTPS_PROXY; GOPROXY), with Go on the PATH for the build`;

/** @throws when `SWITCHYARD_CLI` is set to something else than `build` */
function mayDownload({ SWITCHYARD_CLI: way }: NodeJS.ProcessEnv): boolean {
  if (way && way !== "build") {
    throw new Error(
      `SWITCHYARD_CLI is ${JSON.stringify(way)}; it must be build, or unset, which also lets the CLI be downloaded`,
    );
  }
  return !way;
}

async function chosenCli(context: Context, command: string): Promise<Cli> {
  try {
    return await check(context, await existing(command));
  } catch (error) {
    context.signal.throwIfAborted();
    const why = (error as Error).message;
    throw new Error(`PULUMI_COMMAND=${command}: ${why}. Name a Pulumi CLI's executable there, or unset it.`);
  }
}

async function onPath(env: NodeJS.ProcessEnv): Promise<Attempt[]> {
  const folders = new Set((env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""));
  const own = join("node_modules", ".bin");
  const outside = [...folders].filter((folder) => !resolve(folder).endsWith(sep + own));
  const hits: string[] = [];
  for (const folder of outside) {
    const file = join(resolve(folder), "pulumi");
    if (await isExecutable(file)) hits.push(file);
  }
  if (hits.length > 0) return hits.map((file) => ({ what: `${file} (on the PATH)`, find: async () => file }));
  return [{ what: "PATH", find: () => Promise.reject(new Error("no `pulumi` on it")) }];
}

/**
 * The vendor's installer speaks as soon as it was fetched; until then, `connectMs` tells a network that drops
 * everything from a slow one.
 */
async function download(context: Context, version: string, pinned: string): Promise<string> {
  context.log(
    `Downloading the Pulumi CLI ${version}: npm's \`pulumi\` package fetches https://get.pulumi.com/install.sh and runs it; nothing verifies what comes. SWITCHYARD_CLI=build builds it instead, verified by go.sum.`,
  );
  // Another version than the pinned one would be looked for where it is not.
  const { PULUMI_VERSION: _, ...env } = context.env;
  const script = join(context.root, "node_modules", "pulumi", "run.js");
  const unconnected = new AbortController();
  const limit = setTimeout(
    () => unconnected.abort(new Error(`no connection within ${connectMs / 1000} s`)),
    connectMs,
  );
  try {
    const { code, stderr } = await capture(process.execPath, [script, "version"], {
      env: { NODE_USE_ENV_PROXY: "1", ...env },
      signal: AbortSignal.any([context.signal, unconnected.signal]),
      timeoutMs: downloadMs,
      onOutput: (text) => {
        if (/^(Downloading pulumi|pulumi:) /.test(text)) return;
        clearTimeout(limit);
        process.stderr.write(text);
      },
    });
    if (code !== 0) throw new Error(stderr.trim().split("\n").at(-1) || `exit code ${code}`);
  } finally {
    clearTimeout(limit);
  }
  return existing(pinned);
}

/** Accepts an executable that names a version new enough and whose language host the CLI will find. */
async function check(context: Context, command: string): Promise<Cli> {
  const env = await cliEnvironment(context, command);
  const version = await versionOf(context, command, env);
  if (isOlder(version, minimumVersion)) {
    throw new Error(`its version is ${version}; ${minimumVersion} is the oldest that will do`);
  }
  return { command, version, env };
}

/**
 * The project's own Node.js comes first on the PATH, for the language host and the plugin; the CLI's folder
 * last: the CLI looks for its host beside its real file and on the PATH, but not beside a link to it. Programs and plugins
 * keep what Node.js has compiled of them: types are then stripped once, and not at every start. What the program is
 * loaded after is said here, too, for the host that is built of Go modules: it is not told of Pulumi.yaml's `nodeargs`.
 */
async function cliEnvironment({ root, env }: Context, command: string): Promise<NodeJS.ProcessEnv> {
  const path = [join(root, "node_modules", ".bin"), ...(env.PATH ?? "").split(delimiter), dirname(command)];
  const folders = [dirname(await realpath(command)), ...path];
  for (const folder of folders) {
    if (await isExecutable(join(folder, languageHost))) {
      return {
        NODE_COMPILE_CACHE: join(root, ".switchyard", "compile-cache"),
        ...env,
        NODE_OPTIONS: [env.NODE_OPTIONS, preload].filter(Boolean).join(" "),
        PATH: path.join(delimiter),
      };
    }
  }
  throw new Error(`there is no ${languageHost} beside it or on the PATH`);
}

/**
 * The version that a CLI names. One that was asked before is not asked again, which takes a tenth of a preview, until its
 * file is another one; a script always is, because it may start another CLI each time.
 */
async function versionOf(context: Context, command: string, env: NodeJS.ProcessEnv): Promise<string> {
  const file = await realpath(command);
  const { mtimeMs, size, ino } = await stat(file);
  const stamp = `${file} ${mtimeMs} ${size} ${ino}`;
  const record = join(context.root, ".switchyard", "cli");
  const [known, answer] = (await readIfThere(record))?.split("\n") ?? [];
  if (known === stamp && answer) return answer;
  const version = await askVersion(context, command, env);
  // Where it cannot be written, as in a checkout of somebody else's, the CLI is asked each time.
  if (size >= smallestCli) await replaceFile(record, `${stamp}\n${version}\n`).catch(() => {});
  return version;
}

async function askVersion(context: Context, command: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { code, stdout, stderr } = await capture(command, ["version"], {
    env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    signal: context.signal,
    timeoutMs: answerMs,
  });
  if (code !== 0) throw new Error(`\`pulumi version\` failed (exit code ${code}): ${stderr.trim()}`);
  const version = stdout.trim().match(/^v?(\d+\.\d+\.\d+)/)?.[1];
  if (!version) throw new Error(`\`pulumi version\` printed ${JSON.stringify(stdout.trim())}, not a version`);
  return version;
}

/** Whether a version of the CLI is older than another. */
export function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0;
}

async function existing(file: string): Promise<string> {
  if (await isExecutable(file)) return file;
  throw new Error("there is no such executable");
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
