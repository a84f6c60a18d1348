import { constants, existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runtimeOf } from "../../release/runtimes.ts";
import { hostPlatform } from "./machine-types.ts";

/** What a startup script unpacks of a runtime (release/startup.sh). */
const files = ["bin/node", "LICENSE"];

/** By the folder that it is for: what is under way, for groups that are made at the same time. */
const underWay = new Map<string, Promise<void>>();

/**
 * Gives the machines of a local cloud the Node.js that npm has installed here, in the folder where their startup script looks
 * for a runtime, as an image of another cloud may have it: copying takes a tenth of the time that unpacking does. It is
 * the one that package-lock.json pins, by npm's own record of what it installed; where it is another, or cannot be copied,
 * machines fetch theirs.
 *
 * @param modules the project's `node_modules`
 */
export async function installRuntime(
  home: string,
  modules = join(import.meta.dirname, "../../node_modules"),
): Promise<void> {
  if (!existsSync(home)) return;
  const { sha512, content } = runtimeOf(hostPlatform());
  const folder = join(home, "runtimes", sha512.slice(0, 16));
  if (existsSync(folder) || installedIntegrity(modules, content.npmPackage) !== content.integrity) return;
  const copying = underWay.get(folder) ?? copyRuntime(join(modules, content.npmPackage), folder);
  underWay.set(folder, copying);
  await copying.finally(() => underWay.delete(folder));
}

/** Copies a runtime as a whole or not at all. */
async function copyRuntime(from: string, to: string): Promise<void> {
  const partial = `${to}.copied`;
  try {
    await rm(partial, { recursive: true, force: true });
    for (const file of files) {
      await mkdir(dirname(join(partial, file)), { recursive: true });
      await copyFile(join(from, file), join(partial, file), constants.COPYFILE_FICLONE);
    }
    await rename(partial, to);
  } catch {
    // A machine was first, or will say what is wrong when it does the same.
    await rm(partial, { recursive: true, force: true });
  }
}

/** The hash of a package as npm installed it; undefined when npm has not, or has left no record. */
function installedIntegrity(modules: string, name: string): string | undefined {
  const record = join(modules, ".package-lock.json");
  if (!existsSync(record)) return undefined;
  const { packages } = JSON.parse(readFileSync(record, "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly integrity?: string }>>;
  };
  return packages[`node_modules/${name}`]?.integrity;
}
