import type { Size } from "../../config/settings.ts";
import type { GcpPlatform } from "./images.ts";

/** What each portable size is here: 2 shared processors and 2 GiB, 2 processors and 8 GiB, 4 and 16 GiB. */
const machineTypes: Readonly<Record<Size, string>> = {
  small: "e2-small",
  medium: "e2-standard-2",
  large: "e2-standard-4",
};

/** The machine type of a cluster: its own `machineType`, else the one of its size. */
export function machineTypeOf(cluster: {
  readonly size: Size;
  readonly machineType?: string | undefined;
}): string {
  return cluster.machineType ?? machineTypes[cluster.size];
}

/** What is wrong with a machine type, to follow its value; undefined: nothing. Whether it is to be had in a zone, Google alone knows. */
export function machineTypeProblem(text: string): string | undefined {
  // Also custom ones: custom-2-4096, n2-custom-4-8192-ext.
  if (/^(f1-micro|g1-small|custom-\d+-\d+(-ext)?|[a-z]+\d+[a-z]*-[a-z0-9]+(-[a-z0-9]+)*)$/.test(text)) {
    return undefined;
  }
  return "it must be a Compute Engine machine type such as e2-small";
}

/** The series of a machine type: `c4a` of `c4a-standard-2`. */
function seriesOf(machineType: string): string {
  return machineType.slice(0, machineType.indexOf("-"));
}

/** Arm's series have an `a` behind their generation: t2a, c4a, n4a (https://cloud.google.com/compute/docs/machine-resource). */
export function platformOf(machineType: string): GcpPlatform {
  return /^[a-z]\d+a$/.test(seriesOf(machineType)) ? "linux-arm64" : "linux-x64";
}

/** Whether it has 1 GB of memory or less. */
export function isShortOfMemory(machineType: string): boolean {
  return ["f1-micro", "e2-micro"].includes(machineType);
}

/** Series from the fourth generation on (c4, n4, c4a, m4) take hyperdisk alone, and most of those before not at all (https://cloud.google.com/compute/docs/disks/hyperdisks). */
export function diskTypeOf(machineType: string): string {
  const [, generation = "0"] = /^[a-z]+(\d+)/.exec(seriesOf(machineType)) ?? [];
  return Number(generation) >= 4 ? "hyperdisk-balanced" : "pd-balanced";
}

/** Whether it takes Shielded VM's three protections; the first Arm series and bare metal do not. */
export function canBeShielded(machineType: string): boolean {
  return seriesOf(machineType) !== "t2a" && !machineType.endsWith("-metal");
}

/** Whether it cannot move while it runs: those with accelerators, and bare metal, stop when their host is serviced (https://cloud.google.com/compute/docs/instances/host-maintenance-overview). */
export function stopsForMaintenance(machineType: string): boolean {
  return /^(a\d+|g\d+)-(?!small)/.test(machineType) || machineType.endsWith("-metal");
}
