import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { Cluster, type ClusterArgs } from "../../components/cluster.ts";
import type { AwsBucket } from "./bucket.ts";
import { type AwsContext, tagsOf } from "./context.ts";
import { imageFor } from "./images.ts";
import type { MachineRole } from "./machine-role.ts";
import { machineTypeOf, platformOf } from "./machine-types.ts";
import type { AwsNetwork } from "./network.ts";
import { Group, KeyPair, LaunchTemplate, TargetGroup } from "./resources.ts";

const functions = readFileSync(join(import.meta.dirname, "startup.sh"), "utf8");

/** How long auto scaling may take to act, by experience of others: to launch, to notice, to terminate; in seconds. */
const slackSeconds = 60;

type Args = ClusterArgs<AwsNetwork, AwsBucket>;

/** An auto-scaling group of EC2 machines, and the target group that they are in. */
export class AwsCluster extends Cluster {
  readonly machineType: pulumi.Output<string>;
  readonly groupId: pulumi.Output<string>;
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
    const template = this.#template(name, args, role, context);
    this.machineType = template.instanceType as pulumi.Output<string>;
    this.targetGroupArn = this.#targetGroup(name, args, context).arn;
    const dependsOn = [...args.network.ways, role.policy];
    this.groupId = new Group(
      name,
      {
        minSize: args.min,
        maxSize: args.max,
        desiredCapacity: this.size,
        ...groupHealth(args),
        ...this.#placement(args, template),
        tags: groupTags(name, args, context),
      },
      { parent: this, dependsOn, ...(args.desired === undefined && { ignoreChanges: ["desiredCapacity"] }) },
    ).arn;
    this.rolloutSeconds = rolloutSeconds(args);
    this.registerOutputs({ machineType: this.machineType });
  }

  #template(name: string, args: Args, role: MachineRole, context: AwsContext): LaunchTemplate {
    const instanceType = machineTypeOf(args);
    const { imageId, rootDevice } = imageFor(platformOf(instanceType));
    const tags = tagsOf(context, name);
    return new LaunchTemplate(
      name,
      {
        imageId,
        instanceType,
        userData: this.#userData(args, context),
        iamInstanceProfile: { arn: role.profileArn },
        vpcSecurityGroupIds: [args.network.appGroupId],
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        blockDeviceMappings: [
          {
            deviceName: rootDevice,
            ebs: { volumeType: "gp3", encrypted: "true", deleteOnTermination: "true" },
          },
        ],
        // The group tags its machines with all else.
        tagSpecifications: [
          { resourceType: "instance", tags: { release: args.release.sha256 } },
          { resourceType: "volume", tags },
          { resourceType: "network-interface", tags },
        ],
        ...this.#login(name, args, context),
        tags,
      },
      { parent: this },
    );
  }

  #userData(args: Args, { region }: AwsContext): pulumi.Output<string> {
    const place = { BUCKET: args.bucket.bucketName, AWS_REGION: region };
    return this.startupScript(args, platformOf(machineTypeOf(args)), {
      functions,
      settings: place,
      environment: { STORE: "s3", ...place },
    }).apply((script) => Buffer.from(script).toString("base64"));
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
      name,
      {
        vpcId: network.vpcId,
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

function groupTags(name: string, args: Args, context: AwsContext) {
  const tags = { ...tagsOf(context, name), ...args.tags };
  return Object.entries(tags).map(([key, value]) => ({ key, value, propagateAtLaunch: true }));
}

/** Launching new machines, their time to become healthy, the warm-up of a refresh, and draining the old ones. */
function rolloutSeconds({ rollout: { timeoutSeconds, drainSeconds } }: Args): number {
  return slackSeconds + timeoutSeconds + (timeoutSeconds + slackSeconds) + drainSeconds + slackSeconds;
}
