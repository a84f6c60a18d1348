import {
  CreateImageCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  EC2Client,
  type Image,
  type Instance,
  paginateDescribeInstances,
  paginateDescribeSnapshots,
  RunInstancesCommand,
  type Tag,
  TerminateInstancesCommand,
  waitUntilImageAvailable,
  waitUntilInstanceRunning,
  waitUntilInstanceTerminated,
} from "@aws-sdk/client-ec2";
import { answeredIn, type Clone, type Clones, networkOf } from "../../operations/clones.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { clonesKind } from "../../plugin/clones.ts";
import { consoleOf } from "./machines.ts";
import { clientSettings } from "./outputs.ts";

/** How long EC2 may take to make an image, a machine, or to end one, in seconds. */
const limits = { image: 1800, machine: 600 } as const;

/** Tags of clones and of what they are made of: the VPC, by which a deployment finds what is its own, and the machine. */
const networkTag = "switchyard-network";
const sourceTag = "switchyard-clone-of";

/** How to make clones, and what else is made of a machine's disk (machine-images.ts). */
export function cloneMaker(deployed: DeployedStack) {
  const network = networkOf(deployed);
  const ec2 = new EC2Client(clientSettings(deployed));

  async function instanceOf(InstanceId: string): Promise<Instance> {
    const found = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [InstanceId] }));
    const [instance] = found.Reservations?.[0]?.Instances ?? [];
    if (!instance) throw new Error(`machine ${InstanceId} is gone`);
    return instance;
  }

  return {
    ec2,
    network,
    /**
     * Makes an image, without a reboot; resolves with its id once it can be booted.
     *
     * @param tags of the image and of the snapshots that it consists of
     */
    async image(InstanceId: string, Name: string, tags: Readonly<Record<string, string>>): Promise<string> {
      const Tags = pairs(tags);
      const { ImageId = "" } = await ec2.send(
        new CreateImageCommand({
          InstanceId,
          Name,
          NoReboot: true,
          TagSpecifications: [{ ResourceType: "image", Tags }],
        }),
      );
      await waitUntilImageAvailable(
        { client: ec2, maxWaitTime: limits.image, minDelay: 2, maxDelay: 10 },
        { ImageIds: [ImageId] },
      );
      const { Images = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: [ImageId] }));
      await ec2.send(new CreateTagsCommand({ Resources: Images.flatMap(snapshotsOf), Tags }));
      return ImageId;
    },
    /**
     * Makes an instance of an image that is like a machine; resolves once it runs.
     *
     * @param script what it runs instead of the machine's startup script, without the machine's rights, until it switches
     * itself off
     */
    async launch(ImageId: string, machine: string, name: string, script?: string): Promise<Clone> {
      const source = await instanceOf(machine);
      const { UserData } = await ec2.send(
        new DescribeInstanceAttributeCommand({ InstanceId: machine, Attribute: "userData" }),
      );
      const { IamInstanceProfile: profile, KeyName } = source;
      const own = {
        ...(profile && { IamInstanceProfile: { Arn: profile.Arn } }),
        ...(KeyName && { KeyName }),
        UserData: UserData?.Value,
      };
      const run = script && {
        UserData: Buffer.from(script).toString("base64"),
        InstanceInitiatedShutdownBehavior: "stop" as const,
      };
      const Tags = [
        ...(source.Tags ?? []).filter(({ Key = "" }) => Key !== "Name" && !Key.startsWith("aws:")),
        ...pairs({ Name: name, [networkTag]: network, [sourceTag]: machine }),
      ];
      const { Instances = [] } = await ec2.send(
        new RunInstancesCommand({
          ImageId,
          InstanceType: source.InstanceType,
          MinCount: 1,
          MaxCount: 1,
          // The same call again makes no second one.
          ClientToken: `${ImageId}-${name}`,
          SubnetId: source.SubnetId,
          SecurityGroupIds: (source.SecurityGroups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
          ...(run || own),
          MetadataOptions: { HttpEndpoint: "enabled", HttpTokens: "required", HttpPutResponseHopLimit: 1 },
          TagSpecifications: [
            { ResourceType: "instance", Tags },
            { ResourceType: "volume", Tags },
          ],
        }),
      );
      const InstanceId = Instances[0]?.InstanceId ?? "";
      await waitUntilInstanceRunning(
        { client: ec2, maxWaitTime: limits.machine, minDelay: 1, maxDelay: 5 },
        { InstanceIds: [InstanceId] },
      );
      return cloneOf(await instanceOf(InstanceId));
    },
  };
}

/** Clones on AWS: instances of an image of the machine, which no auto-scaling group has. */
export function openClones(deployed: DeployedStack): Clones {
  const { ec2, network, image, launch } = cloneMaker(deployed);
  return {
    everyMs: 5_000,
    snapshot: (id) =>
      image(id, `${deployed.stack}-${id}-${Date.now()}`, { [networkTag]: network, [sourceTag]: id }),
    create: (image, machine, name) => launch(image, machine, name),
    answeredAt: async (id) => answeredIn(await consoleOf(ec2, id, AbortSignal.timeout(30_000))),
    list: async () => (await clonesIn(ec2, network)).map(cloneOf),
    remove: (names) => removeIn(ec2, network, ({ name }) => names.includes(name)),
  };
}

function pairs(tags: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export function tagOf({ Tags = [] }: Instance | Image, name: string): string {
  return Tags.find(({ Key }) => Key === name)?.Value ?? "";
}

function cloneOf(instance: Instance): Clone {
  const { InstanceId: id = "", PublicIpAddress, PrivateIpAddress, State, LaunchTime } = instance;
  return {
    name: tagOf(instance, "Name"),
    id,
    of: tagOf(instance, sourceTag),
    address: PublicIpAddress ?? PrivateIpAddress ?? "",
    state: State?.Name ?? "",
    createdAt: LaunchTime ?? new Date(0),
  };
}

/** Clones that are there, and not about to go. */
async function clonesIn(ec2: EC2Client, network: string): Promise<Instance[]> {
  const Filters = [
    { Name: `tag:${networkTag}`, Values: [network] },
    { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] },
  ];
  const found: Instance[] = [];
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters }))
    found.push(...Reservations.flatMap(({ Instances = [] }) => Instances));
  return found;
}

/** Removes clones, once they are gone the images of which none is left, and the snapshots of those. */
export async function removeIn(
  ec2: EC2Client,
  network: string,
  which: (clone: Clone) => boolean,
): Promise<void> {
  const clones = await clonesIn(ec2, network);
  const InstanceIds = clones.map(cloneOf).flatMap((clone) => (which(clone) && clone.id ? [clone.id] : []));
  if (InstanceIds.length > 0) {
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
    await waitUntilInstanceTerminated(
      { client: ec2, maxWaitTime: limits.machine, minDelay: 1, maxDelay: 5 },
      { InstanceIds },
    );
  }
  const used = new Set(
    clones.flatMap(({ InstanceId = "", ImageId = "" }) =>
      InstanceIds.includes(InstanceId) ? [] : [ImageId],
    ),
  );
  const Filters = [{ Name: `tag:${networkTag}`, Values: [network] }];
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ Owners: ["self"], Filters }));
  const [staying, going] = [true, false].map((stays) =>
    Images.filter(({ ImageId = "" }) => used.has(ImageId) === stays),
  ) as [Image[], Image[]];
  for (const { ImageId } of going) await ec2.send(new DeregisterImageCommand({ ImageId }));
  const kept = staying.flatMap(snapshotsOf);
  const unused = new Set(going.flatMap(snapshotsOf));
  // And those of an image that went when this was cut off.
  for await (const { Snapshots = [] } of paginateDescribeSnapshots(
    { client: ec2 },
    { OwnerIds: ["self"], Filters },
  ))
    for (const { SnapshotId = "" } of Snapshots) if (!kept.includes(SnapshotId)) unused.add(SnapshotId);
  for (const SnapshotId of unused) await ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
}

/** The snapshots that an image consists of. */
export function snapshotsOf({ BlockDeviceMappings = [] }: Image): string[] {
  return BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []);
}

interface Inputs {
  readonly network: string;
  readonly region: string;
  readonly profile?: string;
}

/** Removes the clones of a VPC. */
export const clones = clonesKind(async ({ network, region, profile }: Inputs) => {
  const ec2 = new EC2Client({ region, ...(profile && { profile }) });
  try {
    await removeIn(ec2, network, () => true);
  } finally {
    ec2.destroy();
  }
});
