import {
  AutoScalingClient,
  DescribeScalingActivitiesCommand,
  paginateDescribeAutoScalingGroups,
  SetDesiredCapacityCommand,
} from "@aws-sdk/client-auto-scaling";
import {
  DescribeImagesCommand,
  EC2Client,
  paginateDescribeInstanceTypes,
  paginateDescribeVpcs,
} from "@aws-sdk/client-ec2";
import type { Compute, GroupState } from "./compute.ts";

export interface AwsComputeSettings {
  readonly region: string;
  /** Images that schedules may name; an account sees tens of thousands. */
  readonly images: readonly string[];
  /** Another endpoint than AWS's. */
  readonly endpoint?: string | undefined;
}

/** The auto-scaling groups of the deployment, by the machine's own role. */
export function openAwsCompute({ region, images, endpoint }: AwsComputeSettings): Compute {
  const settings = { region, ...(endpoint && { endpoint }) };
  const scaling = new AutoScalingClient(settings);
  const ec2 = new EC2Client(settings);

  /** What auto scaling said when it last tried to launch, if it failed. */
  async function problemOf(AutoScalingGroupName: string): Promise<string | undefined> {
    const command = new DescribeScalingActivitiesCommand({ AutoScalingGroupName, MaxRecords: 1 });
    const [last] = (await scaling.send(command)).Activities ?? [];
    return last?.StatusCode === "Failed" ? last.StatusMessage : undefined;
  }

  return {
    async groups(ids) {
      const states: GroupState[] = [];
      if (ids.length === 0) return states;
      const pages = paginateDescribeAutoScalingGroups(
        { client: scaling },
        { AutoScalingGroupNames: [...ids] },
      );
      for await (const { AutoScalingGroups = [] } of pages) {
        for (const {
          AutoScalingGroupName: id = "",
          DesiredCapacity: size = 0,
          Instances = [],
        } of AutoScalingGroups) {
          const running = Instances.filter(({ LifecycleState }) => LifecycleState === "InService").length;
          const problem = running < size ? await problemOf(id) : undefined;
          states.push({ id, size, running, ...(problem && { problem }) });
        }
      }
      return states;
    },
    async resize(id, size) {
      // Without it a cooldown, which the group does not have, would be waited for.
      const command = { AutoScalingGroupName: id, DesiredCapacity: size, HonorCooldown: false };
      await scaling.send(new SetDesiredCapacityCommand(command));
    },
    async images() {
      const ids = images.filter((image) => image.startsWith("ami-"));
      if (ids.length === 0) return [];
      const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: ids }));
      return Images.map(({ ImageId = "", Name = "", Architecture }) => ({
        id: ImageId,
        name: Name,
        architecture: Architecture,
      }));
    },
    async flavors() {
      const all = [];
      for await (const { InstanceTypes = [] } of paginateDescribeInstanceTypes({ client: ec2 }, {})) {
        for (const { InstanceType: id = "", VCpuInfo, MemoryInfo } of InstanceTypes) {
          all.push({ id, name: id, processors: VCpuInfo?.DefaultVCpus, memoryMiB: MemoryInfo?.SizeInMiB });
        }
      }
      return all;
    },
    async networks() {
      const all = [];
      for await (const { Vpcs = [] } of paginateDescribeVpcs({ client: ec2 }, {})) {
        for (const { VpcId: id = "", CidrBlock: cidr, Tags = [] } of Vpcs) {
          all.push({ id, name: Tags.find(({ Key }) => Key === "Name")?.Value ?? id, cidr });
        }
      }
      return all;
    },
  };
}
