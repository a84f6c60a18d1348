import type { Size } from "../../config/settings.ts";
import type { AwsPlatform } from "./images.ts";

/** What each portable size is here: 2 processors and 2 GiB, 2 and 8 GiB, 4 and 16 GiB. */
const machineTypes: Readonly<Record<Size, string>> = {
  small: "t3.small",
  medium: "t3.large",
  large: "m6i.xlarge",
};

/** The machine type of a cluster: its own `machineType`, else the one of its size. */
export function machineTypeOf(cluster: {
  readonly size: Size;
  readonly machineType?: string | undefined;
}): string {
  return cluster.machineType ?? machineTypes[cluster.size];
}

/** Whether a text has the form of an EC2 machine type, `family.size`. */
export function isMachineType(text: string): boolean {
  return /^[a-z][a-z0-9-]*\d[a-z0-9-]*\.[a-z0-9-]+$/.test(text);
}

/**
 * The platform of a machine type. Graviton's families have a `g` among the letters after their generation (t4g, m7gd,
 * c7gn, im4gn), the first one is called a1 (https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html).
 */
export function platformOf(machineType: string): AwsPlatform {
  return /^(a1|[a-z]+\d+[a-z]*g[a-z]*)\./.test(machineType) ? "linux-arm64" : "linux-x64";
}
