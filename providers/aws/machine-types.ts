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

const sizes = /^(nano|micro|small|medium|large|([2-9]|[1-9]\d+)?xlarge|metal(-\d+xl)?)$/;

/**
 * What is wrong with a machine type, to follow its value; undefined: nothing. Whether the type is to be had in a zone, EC2
 * alone knows. Macs need a host of their own (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-mac-instances.html);
 * the first families boot paravirtual images alone, and Ubuntu's are not
 * (https://docs.aws.amazon.com/linux/al1/ug/virtualization_types.html).
 */
export function machineTypeProblem(text: string): string | undefined {
  const [, family = "", size = ""] = /^([a-z][a-z0-9-]*\d[a-z0-9-]*)\.([a-z0-9-]+)$/.exec(text) ?? [];
  if (family === "") return "it must be an EC2 machine type such as t3.small";
  if (!sizes.test(size)) {
    return `an EC2 machine type ends in nano, micro, small, medium, large, xlarge, 2xlarge and up, or metal: ${family}.large, if there is one`;
  }
  if (/^mac\d/.test(family)) return "Macs run on dedicated hosts alone, which this program does not make";
  if (["t1", "m1", "m2", "c1", "cg1", "cc1", "hi1"].includes(family)) {
    return "that family cannot boot Ubuntu 24.04; choose a newer one, such as t3";
  }
  return undefined;
}

/**
 * The platform of a machine type. Graviton's families have a `g` among the letters after their generation (t4g, m7gd,
 * c7gn, im4gn), the first one is called a1 (https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html).
 */
export function platformOf(machineType: string): AwsPlatform {
  return /^(a1|[a-z]+\d+[a-z]*g[a-z]*)\./.test(machineType) ? "linux-arm64" : "linux-x64";
}
