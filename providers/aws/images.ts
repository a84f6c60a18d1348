import type { Platform } from "../../release/runtimes.ts";

/** What a machine boots from. */
export interface Image {
  /** For a launch template: EC2 looks the newest image up each time it launches a machine. */
  readonly imageId: string;
  /** The image's own name of its root volume; another name would add a second volume. */
  readonly rootDevice: string;
}

/** A processor architecture in the words of Ubuntu's parameter names. */
const architectures = { "linux-x64": "amd64", "linux-arm64": "arm64" } as const satisfies Partial<
  Record<Platform, string>
>;

export type AwsPlatform = keyof typeof architectures;

/**
 * Ubuntu 24.04, as Canonical publishes it in each region under public SSM parameters
 * (https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/).
 */
export function imageFor(platform: AwsPlatform): Image {
  const path = `/aws/service/canonical/ubuntu/server/24.04/stable/current/${architectures[platform]}/hvm/ebs-gp3/ami-id`;
  return { imageId: `resolve:ssm:${path}`, rootDevice: "/dev/sda1" };
}
