import type { Size } from "../../config/settings.ts";
import type { Platform } from "../../release/runtimes.ts";

interface MachineType {
  /** The app's heap limit (`node --max-old-space-size`), in MiB. */
  readonly maxOldSpaceMb: number;
}

/** What a machine of this cloud may use: all share the host's processors, so a type sets the app's heap alone. */
export const machineTypes: Readonly<Record<string, MachineType>> = {
  "local.small": { maxOldSpaceMb: 128 },
  "local.medium": { maxOldSpaceMb: 256 },
  "local.large": { maxOldSpaceMb: 512 },
};

/** The machine type of a cluster: its own `machineType`, else the one of its size. */
export function machineTypeOf(cluster: {
  readonly size: Size;
  readonly machineType?: string | undefined;
}): string {
  return cluster.machineType ?? `local.${cluster.size}`;
}

/** The platform of this host, and so of every machine of this cloud. */
export function hostPlatform(): Platform {
  const platform = `${process.platform}-${process.arch}`;
  if (
    platform === "linux-x64" ||
    platform === "linux-arm64" ||
    platform === "darwin-x64" ||
    platform === "darwin-arm64"
  )
    return platform;
  throw new Error(`the local cloud runs on Linux and macOS, x64 and arm64, not on ${platform}`);
}
