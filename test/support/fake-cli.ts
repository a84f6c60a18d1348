import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import type { Context } from "../../scripts/process.ts";

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-scripts-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes an executable shell script. */
export function writeScript(file: string, body: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** Puts a `pulumi` of some version into a folder, with its language host unless told otherwise. */
export function writeCli(folder: string, version: string, { host = true } = {}): string {
  if (host) writeScript(join(folder, "pulumi-language-nodejs"), "exit 0");
  return writeScript(join(folder, "pulumi"), `echo v${version}`);
}

/** A context for `root` whose PATH has only `folders` and the system's own; `lines` collects the log. */
export function testContext(
  root: string,
  folders: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Context & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    root,
    env: {
      HOME: root,
      PULUMI_HOME: join(root, "home"),
      PATH: [...folders, "/usr/bin", "/bin"].join(":"),
      ...env,
    },
    signal: new AbortController().signal,
    lines,
    log: (line) => void lines.push(line),
  };
}

/** npm's `pulumi` package as the scripts see it: a `run.js` of this content. */
export function writeNpmPackage(root: string, runJs: string): void {
  const folder = join(root, "node_modules", "pulumi");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "run.js"), runJs);
}

/** The lines of a file; none when it is not there. */
export function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
