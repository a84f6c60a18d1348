import {
  type Image as Ami,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  EC2Client,
  waitUntilInstanceStopped,
} from "@aws-sdk/client-ec2";
import { type Image, type Images, sealScript, withCopy } from "../../operations/images.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { cloneMaker, openClones, removeIn, snapshotsOf, tagOf } from "./clones.ts";
import { openMachines } from "./machines.ts";
import { clientSettings } from "./outputs.ts";

/** How long a copy may take to boot, to seal itself and to switch itself off, in seconds. */
const sealLimitSeconds = 900;

/** Tags of an image: the stack and the machine that it was made of, and its release. */
const stackTag = "switchyard-image-of-stack";
const machineTag = "switchyard-image-of";
const releaseTag = "release";

/** Images on AWS: AMIs of this account, each made of a copy of the machine that sealed itself. */
export function openImages(deployed: DeployedStack): Images {
  const { stack } = deployed;
  const ec2 = new EC2Client(clientSettings(deployed));

  async function amis(): Promise<Ami[]> {
    const Filters = [{ Name: `tag:${stackTag}`, Values: [stack] }];
    return (await ec2.send(new DescribeImagesCommand({ Owners: ["self"], Filters }))).Images ?? [];
  }

  return {
    // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
    names: {
      pattern: /^[A-Za-z0-9()[\] ./'@_-]{3,128}$/,
      expected: "3 to 128 letters, digits, spaces and ()[]./-'@_",
    },
    async create(machine, name) {
      const source = (await openMachines(deployed).list()).find(({ id }) => id === machine);
      const release = source?.release ?? "";
      const maker = cloneMaker(deployed);
      const remove = (copy: string) => removeIn(maker.ec2, maker.network, (clone) => clone.name === copy);
      return withCopy(machine, remove, async (copy) => {
        const snapshot = await openClones(deployed).snapshot(machine);
        const { id = "" } = await maker.launch(snapshot, machine, copy, sealScript);
        await waitUntilInstanceStopped(
          { client: ec2, maxWaitTime: sealLimitSeconds, minDelay: 1, maxDelay: 10 },
          { InstanceIds: [id] },
        );
        const tags = { Name: name, [stackTag]: stack, [machineTag]: machine, [releaseTag]: release };
        const ImageId = await maker.image(id, name, tags);
        return { id: ImageId, name, release, of: machine, createdAt: new Date() };
      });
    },
    list: async () => (await amis()).map(imageOf),
    async remove(id) {
      const ami = (await amis()).find(({ ImageId }) => ImageId === id);
      if (!ami) return;
      await ec2.send(new DeregisterImageCommand({ ImageId: id }));
      for (const SnapshotId of snapshotsOf(ami)) await ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
    },
  };
}

function imageOf(ami: Ami): Image {
  const { ImageId: id = "", Name: name = "", CreationDate } = ami;
  return {
    id,
    name,
    release: tagOf(ami, releaseTag),
    of: tagOf(ami, machineTag),
    createdAt: new Date(CreationDate ?? 0),
  };
}
