import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, sep } from "node:path";
import { RunError } from "@pulumi/pulumi/errors.js";

/** The service's own sources, and what their types are checked by: relative to the root, with `/` between folders. */
export function filesWithTypes(root: string): string[] {
  const sources = globSync("service/**/*.ts", { cwd: root }).map((file) => file.split(sep).join("/"));
  return ["tsconfig.json", "service/tsconfig.json", "service/page/tsconfig.json", ...sources];
}

/**
 * Checks the service's types, which bundling drops unseen. What is known of unchanged files is kept in `folder`: that
 * leaves a third of the time.
 * @throws {RunError} with a line for each error, which names file and line
 */
export async function checkTypes(root: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const compiler = join(root, "node_modules/typescript-native/bin/tsc");
  const kept = ["--incremental", "--tsBuildInfoFile", join(folder, "types.tsbuildinfo")];
  // By one thread: as soon on two processors, for half of the work, while the other one bundles.
  const flags = ["--noEmit", "--pretty", "false", "--singleThreaded"];
  const args = [compiler, "--project", "service", ...flags, ...kept];
  const { error, output } = await new Promise<{ error: Error | null; output: string }>((resolve) =>
    execFile(process.execPath, args, { cwd: root }, (error, stdout, stderr) =>
      resolve({ error, output: (stdout + stderr).trim() }),
    ),
  );
  if (!error) return;
  if (output === "") throw error;
  throw new RunError(`the service's types are wrong:\n${output}`);
}
