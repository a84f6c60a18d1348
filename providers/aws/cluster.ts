import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { Cluster, type ClusterArgs } from "../../components/cluster.ts";
import type { AwsBucket } from "./bucket.ts";
import { type AwsContext, nameOf, tagsOf } from "./context.ts";
import { imageFor } from "./images.ts";
import { logicalName } from "./load-balancer.ts";
import type { MachineRole } from "./machine-role.ts";
import { machineTypeOf, platformOf } from "./machine-types.ts";
import type { AwsNetwork } from "./network.ts";
import { Group, KeyPair, LaunchTemplate, MachineTags, Policy, TargetGroup } from "./resources.ts";

const functions = readFileSync(join(import.meta.dirname, "startup.sh"), "utf8");

/** How long auto scaling may take to act, by experience of others: to launch, to notice, to terminate; in seconds. */
const slackSeconds = 60;

type Args = ClusterArgs<AwsNetwork, AwsBucket, AwsCluster>;

/** An auto-scaling group of EC2 machines, and the target group that they are in: its own, or that of the cluster that it joins. */
export class AwsCluster extends Cluster {
  readonly machineType: pulumi.Output<string>;
  readonly groupId: pulumi.Output<string>;
  readonly revision: pulumi.Output<string>;
  readonly targetGroupArn: pulumi.Output<string>;
  override readonly rolloutSeconds: number;

  constructor(
    name: string,
    args: Args,
    role: MachineRole,
    context: AwsContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(name, args, opts);
    const startup = this.#startup(args, role, context);
    this.revision = startup.revision;
    const template = this.#template(name, args, startup.script, role, context);
    this.machineType = template.instanceType as pulumi.Output<string>;
    this.targetGroupArn = args.joins?.targetGroupArn ?? this.#targetGroup(name, args, context).arn;
    const dependsOn = [...args.network.reachability, role.policy];
    const tags = { ...tagsOf(context, name), ...args.tags };
    const group = new Group(
      name,
      {
        minSize: args.min,
        maxSize: args.max,
        desiredCapacity: this.size,
        ...groupHealth(args),
        ...this.#placement(args, template),
        tags: Object.entries(tags).map(([key, value]) => ({ key, value, propagateAtLaunch: true })),
      },
      {
        parent: this,
        dependsOn,
        // AWS would move it to the new network's subnets, which its target group is not in.
        replaceWith: [args.network.vpc],
        ...(args.desired === undefined && { ignoreChanges: ["desiredCapacity"] }),
      },
    );
    this.groupId = group.name;
    if (args.scale) this.#follow(name, group, args.scale.cpu, args);
    const { region, profile } = context;
    new MachineTags(
      name,
      { group: group.name, tags, region, ...(profile && { profile }) },
      { parent: this, deletedWith: group },
    );
    this.rolloutSeconds = rolloutSeconds(args);
    this.registerOutputs({ machineType: this.machineType });
  }

  /** Target tracking: AWS makes the alarms, and removes them with the policy. */
  #follow(name: string, group: Group, targetValue: number, { rollout }: Args): Policy {
    return new Policy(
      name,
      {
        autoscalingGroupName: group.name,
        policyType: "TargetTrackingScaling",
        // What a machine uses while it starts says nothing of the load.
        estimatedInstanceWarmup: rollout.timeoutSeconds,
        targetTrackingConfiguration: {
          predefinedMetricSpecification: { predefinedMetricType: "ASGAverageCPUUtilization" },
          targetValue,
        },
      },
      { parent: this },
    );
  }

  #template(
    name: string,
    args: Args,
    script: pulumi.Output<string>,
    role: MachineRole,
    context: AwsContext,
  ): LaunchTemplate {
    const instanceType = machineTypeOf(args);
    const { imageId, rootDevice } = this.#image(args);
    const volumeSize = args.diskGiB === undefined ? {} : { volumeSize: args.diskGiB };
    return new LaunchTemplate(
      name,
      {
        imageId,
        instanceType,
        userData: script.apply((text) => Buffer.from(text).toString("base64")),
        iamInstanceProfile: { arn: role.profileArn },
        ...monitoringOf(args),
        vpcSecurityGroupIds: [args.network.appGroupId],
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        blockDeviceMappings: [
          {
            deviceName: rootDevice,
            ebs: { volumeType: "gp3", ...volumeSize, encrypted: "true", deleteOnTermination: "true" },
          },
        ],
        tagSpecifications: tagSpecifications(name, args, context),
        ...this.#login(name, args, context),
        tags: tagsOf(context, name),
      },
      { parent: this },
    );
  }

  #startup(args: Args, role: MachineRole, { region }: AwsContext) {
    const instanceType = machineTypeOf(args);
    const platform = platformOf(instanceType);
    const place = { BUCKET: args.bucket.bucketName, AWS_REGION: region };
    // The load balancer's addresses are in the network's subnets, and it appends one to X-Forwarded-For.
    const proxies = { TRUSTED_PROXIES: args.network.cidr };
    const environment = { ...proxies, STORE: "s3", ...place, ...(args.controls && { COMPUTE: "aws" }) };
    const cloud = { functions, settings: place, environment };
    const { diskGiB = 0, sshKey = "", network } = args;
    const image = this.#image(args);
    const own = { profile: role.profileArn, group: network.appGroupId, ...monitoringOf(args) };
    return this.startup(args, platform, cloud, { instanceType, ...image, diskGiB, sshKey, ...own });
  }

  /** An image of one's own has its root where the cloud's have it. */
  #image(args: Args): ReturnType<typeof imageFor> {
    const image = imageFor(platformOf(machineTypeOf(args)));
    return args.imageId === undefined ? image : { ...image, imageId: args.imageId };
  }

  #login(name: string, { sshKey }: Args, context: AwsContext): { keyName?: pulumi.Output<string> } {
    if (sshKey === undefined) return {};
    const args = { publicKey: sshKey, tags: tagsOf(context, name) };
    return { keyName: new KeyPair(name, args, { parent: this }).keyName };
  }

  #targetGroup(
    name: string,
    { network, port, healthCheck, rollout }: Args,
    context: AwsContext,
  ): TargetGroup {
    return new TargetGroup(
      // One load balancer alone may send to it, so another one comes with new ones.
      logicalName(name, nameOf(context, "loadBalancer")),
      {
        vpcId: network.vpc.id,
        targetType: "instance",
        protocol: "HTTP",
        port,
        deregistrationDelay: rollout.drainSeconds,
        healthCheck: {
          protocol: "HTTP",
          port: String(port),
          path: healthCheck.path,
          matcher: "200",
          interval: healthCheck.intervalSeconds,
          timeout: healthCheck.timeoutSeconds,
          healthyThreshold: healthCheck.healthyThreshold,
          unhealthyThreshold: healthCheck.unhealthyThreshold,
        },
        tags: tagsOf(context, name),
      },
      { parent: this },
    );
  }

  #placement({ network, subnets }: Args, { id, latestVersion }: LaunchTemplate) {
    return {
      vpcZoneIdentifiers: subnets.flatMap((index) => network.subnetIds[index] ?? []),
      // By number: with $Latest, a new version would start no refresh.
      launchTemplate: { id, version: latestVersion.apply(String) },
      targetGroupArns: [this.targetGroupArn],
    };
  }
}

/**
 * Metrics of each minute where the size follows them: those of five come too late
 * (https://docs.aws.amazon.com/autoscaling/ec2/userguide/enable-as-instance-metrics.html).
 */
function monitoringOf({ scale }: Args): { readonly monitoring?: { readonly enabled: true } } {
  return scale ? { monitoring: { enabled: true } } : {};
}

const groupMetrics = [
  "GroupDesiredCapacity",
  "GroupInServiceInstances",
  "GroupMaxSize",
  "GroupMinSize",
  "GroupPendingInstances",
  "GroupStandbyInstances",
  "GroupTerminatingInstances",
  "GroupTotalInstances",
] as const;

/**
 * How machines are found unhealthy, and replaced by new versions: as many new ones come as old ones may go (AWS allows 100
 * points between the two limits). A refresh goes on only when a new machine is past its grace period, and then some: one
 * that never got healthy has been found out by then, and the old ones stay. AWS rolls nothing back of itself when
 * the image is named by a parameter
 * (https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-rollback.html).
 */
function groupHealth({ rollout: { minHealthyPercent, timeoutSeconds } }: Args) {
  return {
    healthCheckType: "ELB",
    healthCheckGracePeriod: timeoutSeconds,
    // Readiness waits for what answers, and says what does not.
    waitForCapacityTimeout: "0",
    // For what heals, and what is moved between zones: another machine comes before one goes.
    instanceMaintenancePolicy: { minHealthyPercentage: 100, maxHealthyPercentage: 110 },
    // All of them; they cost nothing (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-metrics.html).
    enabledMetrics: [...groupMetrics],
    instanceRefresh: {
      strategy: "Rolling",
      preferences: {
        minHealthyPercentage: minHealthyPercent,
        maxHealthyPercentage: minHealthyPercent + 100,
        instanceWarmup: String(timeoutSeconds + slackSeconds),
        autoRollback: false,
      },
    },
  };
}

/** Tags that stand in the template: no more than what replaces machines anyway, because a change of these does. The group gives its machines all others. */
function tagSpecifications(name: string, { release }: Args, { project }: AwsContext) {
  const tags = { project_name: project, Name: `${project}-${name}` };
  return [
    { resourceType: "instance", tags: { release: release.sha256 } },
    { resourceType: "volume", tags },
    { resourceType: "network-interface", tags },
  ];
}

/** Launching new machines, their time to become healthy, the warm-up of a refresh, and draining the old ones. */
function rolloutSeconds({ rollout: { timeoutSeconds, drainSeconds } }: Args): number {
  return slackSeconds + timeoutSeconds + (timeoutSeconds + slackSeconds) + drainSeconds + slackSeconds;
}
