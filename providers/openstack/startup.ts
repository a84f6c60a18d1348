import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { OpenstackSettings } from "../../config/settings.ts";

const read = (file: string) => readFileSync(join(import.meta.dirname, file), "utf8");

/** This cloud's part of the startup script, where releases are in Swift, or in a bucket of S3's. */
export function startupFunctions(store: OpenstackSettings["store"]): string {
  return `${read("startup.sh")}\n${read(`startup-${store}.sh`).replace(/^# shellcheck shell=.*\n/, "")}`;
}
