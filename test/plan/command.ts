import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { projectRoot } from "../support/project.ts";

interface RunOptions {
  /** The project. Default: this one. */
  readonly root?: string;
  readonly cwd?: string;
  /** Above this process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs `npm run plan` without npm. */
export async function runPlan(args: readonly string[], options: RunOptions = {}) {
  const { root = projectRoot, cwd = root, env = {} } = options;
  const command = [join(root, "scripts/plan.ts"), ...args];
  const child = spawn(process.execPath, command, { cwd, env: { ...process.env, ...env }, stdio: "pipe" });
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [code, stdout, stderr] = await Promise.all([closed, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}
