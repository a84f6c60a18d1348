import type { OpenstackSettings, Size } from "../../config/settings.ts";

/** What each portable size is where flavors are given: the names that OpenStack's own installers make them by. */
const givenFlavors: Readonly<Record<Size, string>> = {
  small: "m1.small",
  medium: "m1.medium",
  large: "m1.large",
};

/** What flavors are made of: processors, memory in MiB, disk in GiB. */
export interface FlavorSpec {
  readonly vcpus: number;
  readonly ram: number;
  readonly disk: number;
}

/** The flavors that the program makes where it is asked to, by their names. */
export const createdFlavors = {
  standard: { vcpus: 2, ram: 4096, disk: 20 },
  large: { vcpus: 4, ram: 8192, disk: 40 },
} as const satisfies Record<string, FlavorSpec>;

export type CreatedFlavor = keyof typeof createdFlavors;

/** Which of the flavors that the program makes a size is. */
const createdFor: Readonly<Record<Size, CreatedFlavor>> = {
  small: "standard",
  medium: "standard",
  large: "large",
};

interface Sized {
  readonly size: Size;
  readonly machineType?: string | undefined;
}

/**
 * The flavor of a cluster: its own `machineType`, else the one of its size.
 * @returns `created` is one that the program makes
 */
export function flavorOf(
  { size, machineType }: Sized,
  { flavors }: Pick<OpenstackSettings, "flavors">,
): { readonly created: CreatedFlavor } | { readonly given: string } {
  if (machineType !== undefined) {
    return flavors === "create" && isCreated(machineType) ? { created: machineType } : { given: machineType };
  }
  return flavors === "create" ? { created: createdFor[size] } : { given: givenFlavors[size] };
}

function isCreated(name: string): name is CreatedFlavor {
  return Object.hasOwn(createdFlavors, name);
}
