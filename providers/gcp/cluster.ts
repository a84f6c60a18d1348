import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { Cluster, type ClusterArgs } from "../../components/cluster.ts";
import type { GcpBucket } from "./bucket.ts";
import { type GcpContext, labelsOf } from "./context.ts";
import { machineTag } from "./firewalls.ts";
import { imageFor } from "./images.ts";
import type { MachineAccount } from "./machine-account.ts";
import {
  canBeShielded,
  diskTypeOf,
  machineTypeOf,
  platformOf,
  stopsForMaintenance,
} from "./machine-types.ts";
import type { GcpNetwork } from "./network.ts";
import { proxyRanges } from "./ranges.ts";
import { releaseMetadata } from "./release-metadata.ts";
import {
  HealthCheck,
  InstanceTemplate,
  RegionAutoscaler,
  RegionInstanceGroupManager,
  StableGroup,
} from "./resources.ts";
import { initialDelaySeconds, rolloutSeconds, surgeOf, unavailableOf } from "./rollout.ts";

const functions = readFileSync(join(import.meta.dirname, "startup.sh"), "utf8");

/** What a group calls the app's port, by which a load balancer finds it. */
export const portName = "app";

/** Who may log in with `switchyard:sshKey`. */
const loginName = "switchyard";

type Args = ClusterArgs<GcpNetwork, GcpBucket, GcpCluster>;

/**
 * A managed instance group over the zones of its subnets; its machines have addresses of the first of them. One that joins
 * a cluster has that one's health check, and no limits for an autoscaler: its size is the controller's.
 */
export class GcpCluster extends Cluster {
  readonly machineType: pulumi.Output<string>;
  readonly groupId: pulumi.Output<string>;
  readonly revision: pulumi.Output<string>;
  /** What a load balancer sends requests to, and by which check it finds machines healthy. */
  readonly instanceGroup: pulumi.Output<string>;
  readonly healthCheckId: pulumi.Output<string>;
  /** How long a machine that leaves may finish its requests, in seconds. */
  readonly drainSeconds: number;
  override readonly rolloutSeconds: number;

  constructor(
    name: string,
    args: Args,
    account: MachineAccount,
    context: GcpContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(name, args, opts);
    const machine = machineOf(name, args, account, context);
    const zones = zonesOf(args);
    const { script, revision } = this.#startup(args, machine, zones, context);
    this.revision = revision;
    const { metadata, ...rest } = machine;
    const template = new InstanceTemplate(
      name,
      { ...rest, metadata: { ...metadata, "startup-script": script } },
      // An address in the bucket is not enough: machines must be allowed to read what is there.
      { parent: this, dependsOn: [...account.grants] },
    );
    this.machineType = template.machineType;
    this.healthCheckId = args.joins?.healthCheckId ?? this.#healthCheck(name, args, context).id;
    const group = this.#group(name, args, zones, template, context);
    this.groupId = group.name;
    this.instanceGroup = group.instanceGroup;
    this.drainSeconds = args.rollout.drainSeconds;
    this.rolloutSeconds = rolloutSeconds(args.max, args.rollout);
    const { gcpProject: project, region } = context;
    new StableGroup(
      name,
      { project, region, group: group.name, revision, size: this.size, timeoutSeconds: this.rolloutSeconds },
      { parent: this, deletedWith: group },
    );
    this.registerOutputs({ machineType: this.machineType });
  }

  #startup(
    args: Args,
    machine: ReturnType<typeof machineOf>,
    zones: readonly string[],
    { gcpProject, region }: GcpContext,
  ) {
    const place = { BUCKET: args.bucket.bucketName };
    // The load balancer appends two addresses to X-Forwarded-For: the client's, and its own.
    const proxies = { TRUSTED_PROXIES: proxyRanges.join(","), PROXY_HOPS: 2 };
    // A machine need not look for its metadata server, and take one that is slow to answer for none.
    const identity = { METADATA_SERVER_DETECTION: "assume-present" };
    const compute = { COMPUTE: "gcp", COMPUTE_PROJECT: gcpProject, COMPUTE_REGION: region };
    const own = { ...proxies, STORE: "gcs", ...place, ...identity };
    const environment = { ...own, ...(args.controls && compute) };
    const cloud = { functions, settings: place, environment };
    // In other zones they are another group's.
    const startup = this.startup(args, platformOf(machine.machineType), cloud, { ...machine, zones });
    return { script: startup.script, revision: startup.revision };
  }

  /** By which the load balancer and auto-healing find a machine healthy. */
  #healthCheck(name: string, { port, healthCheck }: Args, { apis }: GcpContext): HealthCheck {
    return new HealthCheck(
      name,
      {
        httpHealthCheck: { port, requestPath: healthCheck.path },
        checkIntervalSec: healthCheck.intervalSeconds,
        timeoutSec: healthCheck.timeoutSeconds,
        healthyThreshold: healthCheck.healthyThreshold,
        unhealthyThreshold: healthCheck.unhealthyThreshold,
      },
      { parent: this, dependsOn: apis.compute },
    );
  }

  #group(
    name: string,
    args: Args,
    zones: string[],
    template: InstanceTemplate,
    { region }: GcpContext,
  ): RegionInstanceGroupManager {
    const { network, min, max, desired, port, rollout, scale } = args;
    const healing = { healthCheck: this.healthCheckId, initialDelaySec: initialDelaySeconds(rollout) };
    const group = new RegionInstanceGroupManager(
      name,
      {
        region,
        baseInstanceName: name,
        distributionPolicyZones: zones,
        distributionPolicyTargetShape: "EVEN",
        versions: [{ instanceTemplate: template.selfLink }],
        targetSize: this.size,
        namedPorts: [{ name: portName, port }],
        autoHealingPolicies: healing,
        updatePolicy: {
          type: "PROACTIVE",
          minimalAction: "REPLACE",
          replacementMethod: "SUBSTITUTE",
          maxSurgeFixed: surgeOf(max),
          maxUnavailableFixed: unavailableOf(this.size, rollout),
        },
        // Readiness waits for what answers, and says what does not.
        waitForInstances: false,
      },
      {
        parent: this,
        dependsOn: [...network.reachability],
        ...(desired === undefined && { ignoreChanges: ["targetSize"] }),
      },
    );
    if (args.joins) return group;
    new RegionAutoscaler(
      name,
      {
        region,
        target: group.id,
        // Off, it keeps the limits for who switches it on.
        autoscalingPolicy: {
          mode: scale ? "ON" : "OFF",
          minReplicas: min,
          maxReplicas: max,
          cpuUtilization: { target: scale ? scale.cpu / 100 : 0.6 },
          // What a machine uses while it starts says nothing of the load.
          ...(scale && { cooldownPeriod: rollout.timeoutSeconds }),
        },
      },
      // One that has come to another group would leave this one, and its limits.
      { parent: this, replaceOnChanges: ["target"] },
    );
    return group;
  }
}

/** Where a cluster's machines are. */
function zonesOf({ network, subnets }: Args): string[] {
  return [...new Set(subnets.flatMap((place) => network.subnets[place]?.zone ?? []))].sort();
}

/** What a machine is, all but its startup script: every change of it replaces machines. */
function machineOf(name: string, args: Args, account: MachineAccount, context: GcpContext) {
  const machineType = machineTypeOf(args);
  const labels = { ...labelsOf(context, args.tags), cluster: name };
  const [place = 0] = args.subnets;
  const subnet = args.network.subnets[place];
  return {
    machineType,
    disks: [
      {
        boot: true,
        autoDelete: true,
        sourceImage: args.imageId ?? imageFor(machineType),
        diskType: diskTypeOf(machineType),
        ...(args.diskGiB !== undefined && { diskSizeGb: args.diskGiB }),
        labels,
      },
    ],
    networkInterfaces: [
      {
        subnetwork: subnet?.id ?? "",
        ...(subnet?.isPublic && { accessConfigs: [{ networkTier: "PREMIUM" }] }),
      },
    ],
    serviceAccount: { email: account.email, scopes: ["https://www.googleapis.com/auth/cloud-platform"] },
    ...(canBeShielded(machineType) && {
      shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
    }),
    ...(stopsForMaintenance(machineType) && { scheduling: { onHostMaintenance: "TERMINATE" } }),
    metadata: { ...login(args), [releaseMetadata]: args.release.sha256 },
    tags: [machineTag],
    labels,
  };
}

/** By OS Login, as IAM says; with a key of the stack's own, by that one alone, because OS Login heeds no keys of machines. */
function login({ sshKey }: Args): Record<string, string> {
  const project = { "block-project-ssh-keys": "TRUE" };
  if (sshKey === undefined) return { ...project, "enable-oslogin": "TRUE" };
  return { ...project, "enable-oslogin": "FALSE", "ssh-keys": `${loginName}:${sshKey}` };
}
