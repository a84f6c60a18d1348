import { type Commit, commitOfKey } from "../release/commit.ts";
import { releaseKey } from "../release/runtimes.ts";
import type { ObjectStore } from "./files.ts";
import type { MachineStatus } from "./machines.ts";

/** A release that a stack's bucket keeps. */
export interface KeptRelease {
  /** Hex SHA-256 of its archive. */
  readonly sha256: string;
  readonly storedAt: Date;
  /** Of the archive, in bytes. */
  readonly size: number;
  /** Absent where it is not known. */
  readonly commit?: Commit;
  /** How many machines run it, by cluster. */
  readonly runs: Readonly<Record<string, number>>;
  /** Whether the stack's resources name it: machines that are made later fetch it. */
  readonly isDeployed: boolean;
}

const folder = "releases/";

/** How long a release is left alone after it was stored, in milliseconds: a deployment may be about to name it. */
const settlingMs = 3_600_000;

/** The release of an object's key; undefined: it is no release's archive. */
export function releaseOfKey(key: string): string | undefined {
  const [, sha256] = /^releases\/([0-9a-f]{64})\.tar\.gz$/.exec(key) ?? [];
  return sha256;
}

/**
 * What a bucket keeps, the newest first.
 *
 * @param keys of the objects that the stack's resources name
 */
export async function keptReleases(
  objects: ObjectStore,
  machines: readonly MachineStatus[],
  keys: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<KeptRelease[]> {
  const files = await objects.list(folder, signal);
  const kept = files.flatMap(({ name, size, modified }): KeptRelease[] => {
    const sha256 = releaseOfKey(name);
    if (sha256 === undefined) return [];
    const [commit] = files.flatMap((file) => commitOfKey(name, file.name) ?? []);
    const clusters = machines.filter(({ release }) => release === sha256).map(({ cluster }) => cluster);
    const runs = Object.fromEntries(
      [...new Set(clusters)].map((cluster) => [cluster, clusters.filter((one) => one === cluster).length]),
    );
    const isDeployed = keys.has(name);
    return [{ sha256, storedAt: modified, size, ...(commit && { commit }), runs, isDeployed }];
  });
  return kept.sort((one, other) => +other.storedAt - +one.storedAt);
}

/**
 * The release that an id names, which is its whole SHA-256 or how that begins.
 *
 * @throws when it names none, or several, with those there are
 */
export function releaseNamed(kept: readonly KeptRelease[], id: string, stack: string): KeptRelease {
  const found = kept.filter(({ sha256 }) => sha256.startsWith(id));
  const [release, ...others] = found;
  if (release && others.length === 0 && id !== "") return release;
  const list = (releases: readonly KeptRelease[]) =>
    releases.map(({ sha256 }) => sha256.slice(0, 12)).join(", ") || "none";
  if (release)
    throw new Error(`Release ${id || '""'} may be each of ${list(found)}: give more of its digits.`);
  throw new Error(`Stack ${stack} keeps no release ${id}; it keeps: ${list(kept)}`);
}

/** Why a release must not be removed; undefined: it may be. */
export function reasonToKeep({ sha256, runs, isDeployed }: KeptRelease): string | undefined {
  const id = sha256.slice(0, 12);
  const clusters = Object.entries(runs).map(([cluster, count]) => `${count} × ${cluster}`);
  if (clusters.length > 0) return `machines run ${id}: ${clusters.join(", ")}`;
  return isDeployed ? `${id} is deployed: machines that are made later fetch it` : undefined;
}

/** What may be removed for `count` releases to stay, besides those in use and those stored within the last hour. */
export function pruned(kept: readonly KeptRelease[], count: number, now: number): KeptRelease[] {
  return kept
    .slice(count)
    .filter((release) => reasonToKeep(release) === undefined && now - +release.storedAt > settlingMs);
}

/** Removes a release, its archive last: while that is there it is listed, and can be removed again. */
export async function removeRelease(
  objects: ObjectStore,
  sha256: string,
  signal: AbortSignal,
): Promise<void> {
  const archive = releaseKey(sha256);
  const files = await objects.list(`${folder}${sha256}.`, signal);
  const beside = files.filter(({ name }) => name !== archive);
  for (const { name } of beside) await objects.delete(name, signal);
  await objects.delete(archive, signal);
}
