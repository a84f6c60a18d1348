import type { Platform } from "../../release/runtimes.ts";
import { isShortOfMemory, platformOf } from "./machine-types.ts";

export type GcpPlatform = Extract<Platform, "linux-x64" | "linux-arm64">;

const ubuntu = "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts";
const debian = "projects/debian-cloud/global/images/family/debian-12";

/** By how much memory there is; each name is a family, of which Google takes the newest image each time it makes a machine. */
const families = {
  ample: { "linux-x64": `${ubuntu}-amd64`, "linux-arm64": `${ubuntu}-arm64` },
  short: { "linux-x64": debian, "linux-arm64": `${debian}-arm64` },
} as const;

/**
 * Ubuntu 24.04; Debian 12 where memory is short, of which it needs less
 * (https://cloud.google.com/compute/docs/images/os-details).
 */
export function imageFor(machineType: string): string {
  return families[isShortOfMemory(machineType) ? "short" : "ample"][platformOf(machineType)];
}
