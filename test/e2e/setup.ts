import { join } from "node:path";
import { findCli } from "../../scripts/cli.ts";

/** Makes sure of the Pulumi CLI before any test, because its build takes minutes where there is none. */
export async function setup(): Promise<void> {
  const root = join(import.meta.dirname, "../..");
  const { signal } = new AbortController();
  await findCli({ root, env: process.env, signal, log: console.error });
}
