import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { joinPieces, packFiles } from "./archive.ts";
import { commitFile, commitIn, commitWord } from "./commit.ts";
import { hashOfFile } from "./hashes.ts";
import { makeParts } from "./parts.ts";
import { hashOf, lookAt, type ReleaseRecord, unchangedRelease } from "./record.ts";
import { replaceFile } from "./replace-file.ts";
import { takeTurn } from "./turn.ts";
import { checkTypes, filesWithTypes } from "./types.ts";

/** The packed service, ready to be stored: an archive whose name is its content's hash. */
export interface ReleaseBuild {
  /** Hex SHA-256 of the archive. */
  readonly sha256: string;
  /** The archive's path, relative to the project's root, with `/` between folders. */
  readonly file: string;
}

export interface ReleaseBuildOptions {
  /** The folder with `service/` and `node_modules/` in it. Default: this project's. */
  readonly root?: string;
  /** Where the archive goes. Default: `.switchyard/releases` in `root`. */
  readonly outDir?: string;
}

/**
 * Bundles `service/server.ts` and the stores with all they import, into a file each, and packs them so that the same
 * sources and dependencies give the same bytes in any folder, on any machine. An archive that is already there, whole, is left
 * alone, and nothing is bundled while all that it was made of is unchanged. While another process builds, it waits for that.
 * @throws {RunError} naming file and line, when the service cannot be bundled, or its types are wrong.
 */
export async function buildRelease(options: ReleaseBuildOptions = {}): Promise<ReleaseBuild> {
  const root = resolve(options.root ?? join(import.meta.dirname, ".."));
  const outDir = resolve(root, options.outDir ?? ".switchyard/releases");
  const build = (sha256: string) => {
    const file = join(outDir, `${sha256}.tar.gz`);
    return { sha256, file: relative(root, file).split(sep).join("/") };
  };
  const ours = ["archive.ts", "build.ts", "page.ts", "parts.ts", "source-map.ts"];
  const recipe = hashOf(
    ...ours.map((name) => readFileSync(join(import.meta.dirname, name))),
    readFileSync(join(root, "node_modules/esbuild/package.json")),
    readFileSync(join(root, "node_modules/typescript-native/package.json")),
  );
  const recordFile = join(outDir, "last.json");
  const unchanged = async () => {
    const known = unchangedRelease(root, recordFile, recipe);
    if (!known || !(await isWhole(join(root, build(known.sha256).file), known.sha256))) return undefined;
    const { isTouched, ...record } = known;
    if (isTouched) await replaceFile(recordFile, JSON.stringify(record));
    return build(record.sha256);
  };
  const anew = async () => {
    const start = Date.now();
    const typed = filesWithTypes(root);
    const [parts, checked] = await Promise.allSettled([
      makeParts(root, join(outDir, "parts"), recipe),
      checkTypes(root, outDir),
    ]);
    if (parts.status === "rejected") throw parts.reason;
    if (checked.status === "rejected") throw checked.reason;
    // Says what the others are, whatever package.json lies in a folder above the one they are unpacked in.
    const first = await packFiles({ "package.json": Buffer.from('{"type":"commonjs"}\n') });
    const archive = await joinPieces([first, ...parts.value.map(({ piece }) => piece)]);
    const sha256 = hashOf(archive);
    const file = join(root, build(sha256).file);
    if (!(await isWhole(file, sha256))) {
      const [commit, beside] = [await commitIn(root), commitFile(file)];
      if (commit && beside) await replaceFile(beside, commitWord(commit));
      await replaceFile(file, archive);
    }
    const inputs = lookAt(root, [...parts.value.flatMap(({ inputs }) => inputs), ...typed], { start });
    const record: ReleaseRecord = { recipe, inputs, sha256 };
    await replaceFile(recordFile, JSON.stringify(record));
    return build(sha256);
  };
  return (await unchanged()) ?? (await takeTurn(outDir, async () => (await unchanged()) ?? (await anew())));
}

/** Whether an archive is there, and is what its name says: one that was cut short must not be stored. */
async function isWhole(file: string, sha256: string): Promise<boolean> {
  return existsSync(file) && (await hashOfFile(file, "sha256")) === sha256;
}
