import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import mime from "mime";
import { filesIn } from "../operations/files.ts";
import { cloudNamed } from "../providers/index.ts";
import { checkName, dispositionOf } from "../service/files/names.ts";
import { openStore } from "../service/storage/index.ts";
import type { Store } from "../service/storage/store.ts";
import { localStack } from "./backend.ts";
import { type Context, runMain } from "./process.ts";
import { deployedStack } from "./pulumi.ts";

const usage = `Usage: npm run files -- put FILE [--name NAME] [--expires 10m]   stores a file, prints a URL to download it
       npm run files -- ls [PREFIX]                            lists names, sizes in bytes and times
       npm run files -- url NAME [--expires 10m]               prints a URL from which anybody can download it
       npm run files -- rm NAME                                deletes a file

  --stack, -s NAME  which stack; default: ${localStack}
  --help, -h        this`;

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** The longest that S3 and Google Cloud Storage let a signed URL be good for: a week. */
const longestSeconds = 7 * 86_400;

export interface FilesRequest {
  readonly command: "put" | "ls" | "url" | "rm";
  /** A file of this machine, a prefix or a name; empty: none. */
  readonly argument: string;
  readonly name: string;
  readonly expiresSeconds: number;
  readonly stack: string;
}

/** Reads a command line; fails with what is wrong and how it is used. */
export function parseFilesRequest(args: readonly string[]): FilesRequest {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      name: { type: "string" },
      expires: { type: "string", default: "10m" },
      stack: { type: "string", short: "s", default: localStack },
    },
  });
  const [command = "", argument = "", ...rest] = positionals;
  const known = command === "put" || command === "ls" || command === "url" || command === "rm";
  if (!known || rest.length > 0 || (argument === "" && command !== "ls")) throw new Error(usage);
  const name = values.name ?? (command === "put" ? basename(argument) : argument);
  if (command !== "ls") checkName(name);
  return { command, argument, name, expiresSeconds: secondsOf(values.expires), stack: values.stack };
}

/** A duration such as `90s`, `10m`, `2h` or `1d`, in seconds; fails for one that no store takes. */
export function secondsOf(duration: string, flag = "--expires"): number {
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(duration) ?? [];
  const seconds = Number(count) * (unitSeconds[unit] ?? Number.NaN);
  if (seconds >= 1 && seconds <= longestSeconds) return seconds;
  throw new Error(`${flag} ${duration}: it must be a duration from 1s to 7d, such as 90s, 10m or 2h`);
}

/** One line that says how far an upload is, as wide as `columns`. */
export function progressLine(name: string, done: number, total: number, columns: number): string {
  const share = total === 0 ? 1 : done / total;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  const right = ` ${Math.floor(share * 100)}% ${megabytes(done)}/${megabytes(total)} MB`;
  const left = name.slice(0, Math.max(0, Math.floor(columns / 3)));
  const width = Math.max(0, columns - left.length - right.length - 4);
  const full = Math.round(width * share);
  return `${left} [${"#".repeat(full)}${" ".repeat(width - full)}]${right}`;
}

/** Counts what passes, and shows it on a terminal ten times a second at most. */
function progress(name: string, total: number, terminal: NodeJS.WriteStream): Transform {
  let done = 0;
  let shown = 0;
  const show = () => {
    shown = performance.now();
    terminal.write(`\r${progressLine(name, done, total, terminal.columns)}`);
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      done += chunk.length;
      if (terminal.isTTY && performance.now() - shown > 100) show();
      next(null, chunk);
    },
    flush(next) {
      if (terminal.isTTY) {
        show();
        terminal.write("\n");
      }
      next();
    },
  });
}

/** @throws when there is no such file, or when it is none */
async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") throw new Error(`There is no file ${file}.`);
    throw error;
  });
  if (found.isFile()) return found.size;
  const what = found.isDirectory() ? "a folder" : "no regular file";
  throw new Error(`${file} is ${what}: put stores one file at a time.`);
}

async function put(store: Store, { argument, name }: FilesRequest, signal: AbortSignal): Promise<void> {
  const size = await sizeOf(argument);
  const content = progress(name, size, process.stderr);
  const contentType = mime.getType(name) ?? "application/octet-stream";
  const reading = pipeline(createReadStream(argument), content, { signal });
  const storing = store.put(name, content, { contentType, size, signal });
  const [read, stored] = await Promise.allSettled([reading, storing]);
  if (stored.status === "rejected") throw stored.reason;
  if (read.status === "rejected") throw read.reason;
}

async function list(store: Store, prefix: string, signal: AbortSignal): Promise<void> {
  for await (const { name, size, modified } of filesIn(store, prefix, signal))
    console.log(`${modified.toISOString()} ${String(size).padStart(14)} ${name}`);
}

async function url(store: Store, { name, expiresSeconds }: FilesRequest, signal: AbortSignal): Promise<void> {
  if (!(await store.stat(name, signal))) throw missing(store, name);
  const contentDisposition = dispositionOf(name);
  console.log(await store.presign(name, { expiresSeconds, contentDisposition, signal }));
}

function missing({ bucket }: Store, name: string): Error {
  return new Error(
    `The file '${name}' was not found on the bucket '${bucket}'; npm run files -- ls lists what is there`,
  );
}

/** Carries out a command on a store. */
export async function runFiles(store: Store, request: FilesRequest, { log, signal }: Context): Promise<void> {
  const { command, name } = request;
  if (command === "ls") return list(store, request.argument, signal);
  if (command === "url") return url(store, request, signal);
  if (command === "put") {
    await put(store, request, signal);
    log(`Stored '${name}' in the bucket '${store.bucket}'.`);
    return url(store, request, signal);
  }
  if (!(await store.delete(name, signal))) throw missing(store, name);
  log(`Deleted '${name}' from the bucket '${store.bucket}'.`);
}

async function main(context: Context): Promise<number> {
  const request = parseFilesRequest(process.argv.slice(2));
  const deployed = await deployedStack(context, request.stack);
  const module = await cloudNamed(deployed.outputs.cloud).files();
  const store = await openStore(await module.filesOf(deployed));
  try {
    await runFiles(store, request, context);
  } finally {
    await store.close();
  }
  return 0;
}

if (import.meta.main) await runMain(usage, main);
