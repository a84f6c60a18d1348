import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { hashOfFile } from "../release/hashes.ts";

export interface NpmPackage {
  readonly npmPackage: string;
  readonly version: string;
  /** As a lock file has it: `sha512-` and the base64 of the tarball's hash. */
  readonly integrity: string;
}

const projectCache = join(import.meta.dirname, "../.switchyard/packages");

async function integrityOf(file: string): Promise<string> {
  const hash = Buffer.from(await hashOfFile(file, "sha512"), "hex");
  return `sha512-${hash.toString("base64")}`;
}

async function matches(file: string, integrity: string): Promise<boolean> {
  try {
    return (await integrityOf(file)) === integrity;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/**
 * The tarball of an npm package exactly as it was published, from the registry that npm is set up for (or npm's cache),
 * kept for the next time.
 *
 * @param cacheFolder where it is kept; default: `.switchyard/packages` in the project
 * @returns the file's path
 * @throws when npm cannot fetch it, or its hash is not the locked one
 */
export async function fetchNpmPackage(
  { npmPackage, version, integrity }: NpmPackage,
  cacheFolder = projectCache,
): Promise<string> {
  const file = join(cacheFolder, `${npmPackage}-${version}.tgz`);
  if (await matches(file, integrity)) return file;
  await mkdir(cacheFolder, { recursive: true });
  const temporary = await mkdtemp(join(cacheFolder, ".fetch-"));
  try {
    const args = [
      "pack",
      `${npmPackage}@${version}`,
      "--prefer-offline",
      "--ignore-scripts",
      "--loglevel=error",
      "--json",
    ];
    const { stdout } = await promisify(execFile)("npm", [...args, "--pack-destination", temporary]).catch(
      (error) => {
        throw new Error(`npm cannot fetch ${npmPackage} ${version}: ${error.stderr || error.message}`);
      },
    );
    const [packed] = JSON.parse(stdout) as [{ filename: string }];
    const fetched = join(temporary, packed.filename);
    const found = await integrityOf(fetched);
    if (found !== integrity) {
      throw new Error(
        `${npmPackage} ${version} has the hash ${found}, but package-lock.json has ${integrity}: it is not used`,
      );
    }
    await rename(fetched, file);
    return file;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
