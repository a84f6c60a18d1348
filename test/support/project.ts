import { cp, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { seedReleases } from "../../plan/compare/revision.ts";

/** This project's own folder. */
export const projectRoot = join(import.meta.dirname, "../..");

/** What a plan of any stack reads. */
const program = [
  "index.ts",
  "Pulumi.yaml",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "components",
  "config",
  "operations",
  "plan/preload.ts",
  "providers",
  "release",
  "service",
];

/**
 * Copies the program into a folder that tests may change, with the dependencies linked.
 * @param more further files and folders, relative to the project: `plugin`, `Pulumi.aws.yaml`
 */
export async function copyProgram(root: string, more: readonly string[], from = projectRoot): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const name of [...program, ...more]) await cp(join(from, name), join(root, name), { recursive: true });
  // What was built already is not built again: it is held against the sources as ever.
  await seedReleases(from, root);
  await symlink(join(projectRoot, "node_modules"), join(root, "node_modules"));
}
