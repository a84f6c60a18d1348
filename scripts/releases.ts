import { parseArgs } from "node:util";
import type { ObjectStore } from "../operations/files.ts";
import {
  type KeptRelease,
  keptReleases,
  pruned,
  reasonToKeep,
  releaseNamed,
  removeRelease,
} from "../operations/releases.ts";
import { cloudNamed } from "../providers/index.ts";
import { exportStack, localStack, noStack } from "./backend.ts";
import { lockedBy, readLocks } from "./locks.ts";
import { machinesOf } from "./machines.ts";
import { type Context, runMain } from "./process.ts";
import { type OpenedPulumi, openPulumi, outputsOf } from "./pulumi.ts";
import { npmRun } from "./report.ts";
import { formatRows } from "./table.ts";

const usage = `Usage: npm run releases [-- ls [--full]]        lists the releases that the stack keeps, the newest first
       npm run releases -- rm ID…              removes some
       npm run releases -- prune [--keep 10]   removes all but the newest

A release that a machine runs, or that is deployed, is never removed; prune leaves those of the last hour, too. Nothing else
removes any. npm run up -- --release ID deploys one again.

  --full            whole ids, and times in UTC
  --keep N          how many of the newest stay; default: 10
  --stack, -s NAME  which stack; default: ${localStack}
  --help, -h        this`;

export interface ReleasesRequest {
  readonly command: "ls" | "rm" | "prune";
  readonly stack: string;
  readonly ids: readonly string[];
  readonly keep: number;
  readonly full: boolean;
}

/** Reads a command line; fails with what is wrong and how it is used. */
export function parseReleasesRequest(args: readonly string[]): ReleasesRequest {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      full: { type: "boolean" },
      keep: { type: "string" },
      stack: { type: "string", short: "s", default: localStack },
    },
  });
  const [command = "ls", ...ids] = positionals;
  const { stack, keep = "10", full = false } = values;
  const known = command === "ls" || command === "rm" || command === "prune";
  if (!known || (command === "rm") === (ids.length === 0)) throw new Error(usage);
  if ((full && command !== "ls") || (values.keep !== undefined && command !== "prune"))
    throw new Error(usage);
  for (const id of ids) checkId(id);
  if (!/^\d{1,4}$/.test(keep)) throw new Error(`--keep ${keep}: it must be a number from 0 to 9999`);
  return { command, stack, ids, keep: Number(keep), full };
}

function checkId(id: string): void {
  if (/^[0-9a-f]{4,64}$/.test(id)) return;
  throw new Error(
    `${JSON.stringify(id)} is no release's id: it must be 4 to 64 hexadecimal digits, as npm run releases shows them`,
  );
}

/** Whether a release is in a stack's bucket is only known where it is deployed. */
async function withReleases<T>(
  { context, pulumi }: OpenedPulumi,
  stack: string,
  work: (kept: readonly KeptRelease[], objects: ObjectStore) => Promise<T>,
): Promise<T> {
  const exported = await exportStack(pulumi);
  if (!exported) throw new Error(noStack(context, stack));
  const stored = (exported.deployment.resources ?? []).flatMap(({ type, inputs }) =>
    type === "switchyard:index:StoredObject" && inputs ? [inputs as unknown as Stored] : [],
  );
  const [place] = stored;
  if (!place) throw new Error(`Stack ${stack} is not deployed: ${npmRun("up", stack)} brings it up.`);
  const { cloud: name, bucket, access = {} } = place;
  const objects = await (await cloudNamed(name).files()).objectsOf({ bucket, access, stack });
  try {
    const machines = await machinesOf(await outputsOf(pulumi, stack));
    const keys = new Set(stored.map(({ key }) => key));
    return await work(await keptReleases(objects, await machines.list(), keys, context.signal), objects);
  } finally {
    await objects.close();
  }
}

/** The inputs of a stored object, as far as they say where it is. */
interface Stored {
  readonly cloud: string;
  readonly bucket: string;
  readonly access?: Readonly<Record<string, string>>;
  readonly key: string;
}

/** The whole id of a release that a stack keeps, by how it begins, with what is known of it. @throws when it keeps none */
export function findRelease(opened: OpenedPulumi, stack: string, id: string): Promise<KeptRelease> {
  checkId(id);
  return withReleases(opened, stack, async (kept) => releaseNamed(kept, id, stack));
}

/** The commit that a release was built of: 12 digits, and `+` where files differed from it. */
export function shortCommit({ commit }: KeptRelease): string {
  return commit === undefined ? "" : `${commit.sha.slice(0, 12)}${commit.isChanged ? "+" : ""}`;
}

/** Releases as a table, a line each. */
export function formatReleases(kept: readonly KeptRelease[], full: boolean): string {
  const time = (date: Date) =>
    full ? date.toISOString() : date.toLocaleString("sv-SE", { dateStyle: "short", timeStyle: "short" });
  const rows = kept.map((release) => {
    const clusters = Object.entries(release.runs).map(([cluster, count]) => `${count} × ${cluster}`);
    const idle = release.isDeployed ? "deployed" : "";
    return [
      full ? release.sha256 : release.sha256.slice(0, 12),
      shortCommit(release),
      time(release.storedAt),
      `${(release.size / 1e6).toFixed(2)} MB`,
      clusters.join(", ") || idle,
    ];
  });
  return formatRows([["RELEASE", "COMMIT", "STORED", "SIZE", "RUNS ON"], ...rows]).join("\n");
}

/** Carries out a command. */
export async function runReleases(
  opened: OpenedPulumi,
  { command, stack, ids, keep, full }: ReleasesRequest,
): Promise<void> {
  const { context } = opened;
  if (command !== "ls") {
    const live = (await readLocks(context, stack))?.find(({ kind }) => kind === "live");
    if (live) throw new Error(lockedBy(stack, live));
  }
  await withReleases(opened, stack, async (kept, objects) => {
    if (command === "ls") return console.log(formatReleases(kept, full));
    const going =
      command === "rm"
        ? [...new Set(ids.map((id) => releaseNamed(kept, id, stack)))]
        : pruned(kept, keep, Date.now());
    const reasons = going.flatMap((release) => reasonToKeep(release) ?? []);
    if (reasons.length > 0) throw new Error(`Nothing was removed: ${reasons.join("; ")}.`);
    for (const { sha256 } of going) await removeRelease(objects, sha256, context.signal);
    const names = going.map(({ sha256 }) => sha256.slice(0, 12)).join(", ");
    context.log(
      names === "" ? `Nothing to remove: stack ${stack} keeps ${kept.length}.` : `Removed ${names}.`,
    );
  });
}

async function main(outer: Context): Promise<number> {
  const request = parseReleasesRequest(process.argv.slice(2));
  await runReleases(await openPulumi(outer, request.stack), request);
  return 0;
}

if (import.meta.main) await runMain(usage, main);
