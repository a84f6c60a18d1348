import {
  AutoScalingClient,
  type Instance as GroupInstance,
  paginateDescribeAutoScalingGroups,
} from "@aws-sdk/client-auto-scaling";
import {
  EC2Client,
  GetConsoleOutputCommand,
  type Instance,
  paginateDescribeInstances,
} from "@aws-sdk/client-ec2";
import { follow, scrolling } from "../../operations/follow.ts";
import {
  byClusterAndAge,
  type MachineStatus,
  type Machines,
  noSuchMachine,
} from "../../operations/machines.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { clientSettings } from "./outputs.ts";

/** How often a followed console is looked at, in milliseconds. */
const followMs = 5_000;

/** What auto scaling says of a machine, in the words that all clouds share. */
export function healthOf(member: GroupInstance): string {
  const state: string = member.LifecycleState ?? "unknown";
  if (state.startsWith("Pending")) return "starting";
  if (state.startsWith("Terminat")) return "draining";
  if (state !== "InService") return state.toLowerCase();
  return member.HealthStatus?.toLowerCase() === "unhealthy" ? "unhealthy" : "healthy";
}

/** The machines of a stack's auto-scaling groups; their logs are what EC2 keeps of their consoles, 64 KB. */
export function openMachines(deployed: DeployedStack): Machines {
  const { stack, outputs } = deployed;
  const settings = clientSettings(deployed);
  const { region, profile } = settings;
  const scaling = new AutoScalingClient(settings);
  const ec2 = new EC2Client(settings);
  const clusters = new Map(Object.entries(outputs.clusters).map(([name, { group }]) => [group, name]));
  const groups = [...clusters.keys()];

  async function list(): Promise<MachineStatus[]> {
    const machines: MachineStatus[] = [];
    const details = await instances(ec2, groups);
    const names = { AutoScalingGroupNames: groups };
    for await (const page of paginateDescribeAutoScalingGroups({ client: scaling }, names)) {
      for (const { AutoScalingGroupName = "", Instances = [] } of page.AutoScalingGroups ?? []) {
        const cluster = clusters.get(AutoScalingGroupName) ?? "";
        machines.push(...Instances.map((one) => statusOf(cluster, one, details.get(one.InstanceId ?? ""))));
      }
    }
    return machines.sort(byClusterAndAge);
  }

  return {
    list,
    async *logs(id, options) {
      const there = (await list()).map((machine) => machine.id);
      if (!there.includes(id)) {
        throw noSuchMachine(stack, id, there);
      }
      const as = profile ? ` --profile ${profile}` : "";
      console.error(`For a shell on it: aws ssm start-session --region ${region}${as} --target ${id}`);
      yield* follow(
        scrolling(() => consoleOf(ec2, id, options.signal)),
        followMs,
        options,
      );
    },
  };
}

/** Every instance that a group has launched and that is not gone, by id. */
async function instances(ec2: EC2Client, groups: readonly string[]): Promise<Map<string, Instance>> {
  const found = new Map<string, Instance>();
  const Filters = [{ Name: "tag:aws:autoscaling:groupName", Values: [...groups] }];
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters })) {
    for (const instance of Reservations.flatMap(({ Instances = [] }) => Instances)) {
      found.set(instance.InstanceId ?? "", instance);
    }
  }
  return found;
}

function statusOf(cluster: string, member: GroupInstance, instance: Instance | undefined): MachineStatus {
  return {
    cluster,
    id: member.InstanceId ?? "",
    address: instance?.PublicIpAddress ?? instance?.PrivateIpAddress ?? "",
    health: healthOf(member),
    release: instance?.Tags?.find(({ Key }) => Key === "release")?.Value ?? "",
    launchedAt: instance?.LaunchTime ?? new Date(0),
  };
}

/** What EC2 keeps of a machine's console. */
export async function consoleOf(ec2: EC2Client, InstanceId: string, signal: AbortSignal): Promise<string> {
  const get = (Latest: boolean) =>
    ec2.send(new GetConsoleOutputCommand({ InstanceId, Latest }), { abortSignal: signal });
  const { Output = "" } = await get(true).catch((error: Error) => {
    // Families before Nitro (t2, m4) tell only what they once recorded.
    if (error.name === "UnsupportedOperation") return get(false);
    throw error;
  });
  return Buffer.from(Output, "base64").toString();
}
