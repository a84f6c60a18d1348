import {
  CreateTagsCommand,
  DeleteTagsCommand,
  EC2Client,
  paginateDescribeInstances,
} from "@aws-sdk/client-ec2";
import type { Properties, ResourceKind } from "../../plugin/resource.ts";

export interface MachineTagsInputs {
  /** The auto-scaling group's name. */
  readonly group: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly region: string;
  readonly profile?: string;
}

/** As many as CreateTags takes in one call (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html). */
const mostResources = 1000;

/** Calls `act` with the ids of the machines that a group has now, a thousand at a time. */
async function forMachines(
  ec2: EC2Client,
  group: string,
  act: (ids: string[]) => Promise<unknown>,
): Promise<void> {
  const ids: string[] = [];
  const Filters = [
    { Name: "tag:aws:autoscaling:groupName", Values: [group] },
    { Name: "instance-state-name", Values: ["pending", "running"] },
  ];
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters })) {
    ids.push(
      ...Reservations.flatMap(({ Instances = [] }) =>
        Instances.flatMap(({ InstanceId }) => InstanceId ?? []),
      ),
    );
  }
  for (let from = 0; from < ids.length; from += mostResources)
    await act(ids.slice(from, from + mostResources));
}

async function apply(news: MachineTagsInputs, olds: MachineTagsInputs | undefined): Promise<void> {
  const { group, tags, region, profile } = news;
  const ec2 = new EC2Client({ region, ...(profile && { profile }) });
  const pairs = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const gone = Object.keys(olds?.tags ?? {}).filter((key) => !Object.hasOwn(tags, key));
  try {
    await forMachines(ec2, group, async (Resources) => {
      if (pairs.length > 0) await ec2.send(new CreateTagsCommand({ Resources, Tags: pairs }));
      const Tags = gone.map((Key) => ({ Key }));
      if (Tags.length > 0) await ec2.send(new DeleteTagsCommand({ Resources, Tags }));
    });
  } finally {
    ec2.destroy();
  }
}

/** Tags that running machines have. An auto-scaling group gives its own only to machines that it launches from then on. */
export const machineTags: ResourceKind = {
  replaceOn: [],
  async create(news: Properties, context) {
    await apply(news as unknown as MachineTagsInputs, undefined);
    return { id: context.name, outputs: {} };
  },
  async update(_id, news, olds) {
    await apply(news as unknown as MachineTagsInputs, olds as unknown as MachineTagsInputs);
    return {};
  },
};
