import { scryptSync } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { Cluster, type ClusterArgs } from "../../components/cluster.ts";
import { Readiness } from "../../components/readiness.ts";
import type { Settings } from "../../config/settings.ts";
import { type Platform, releaseKey } from "../../release/runtimes.ts";
import { revisionOf } from "../../release/startup.ts";
import type { AppEnvironment } from "../../service/settings/environment.ts";
import type { MachineAccess, OpenstackBucket } from "./bucket.ts";
import { metadataOf, type OpenstackContext, tagsOf } from "./context.ts";
import type { Flavors } from "./flavors.ts";
import { bootOf } from "./images.ts";
import { type OpenstackNetwork, subnetName } from "./network.ts";
import { Instance, type InstanceArgs, Keypair, Port, ServerGroup } from "./resources.ts";
import { startupFunctions } from "./startup.ts";
import type { PlannedGroup } from "./template.ts";

/** The only platform that images are asked for. */
const platform: Platform = "linux-x64";

/** How long Nova may take until a machine that it calls active boots, by experience of others; in seconds. */
const slackSeconds = 60;

/** How long Nova may take to make or delete a machine. */
const customTimeouts = { create: "30m", delete: "30m" };

/** Room for user data, in bytes: Nova takes 65,535 characters of base64 (Compute API, "Create Server"). */
const maxBytes = 49_149;

type Args = ClusterArgs<OpenstackNetwork, OpenstackBucket, OpenstackCluster>;

/** What makes a cluster's machines controllers. */
export interface Control {
  /** What extra machines are made of, packed; a secret. */
  readonly template: pulumi.Output<string>;
  /** What is there as long as they are, and longer. */
  readonly outlives: pulumi.Resource;
}

/** A machine, as a load balancer needs it. */
export interface OpenstackMachine {
  readonly name: string;
  readonly address: pulumi.Output<string>;
  readonly subnetId: pulumi.Output<string>;
  /** What must be there before requests are sent to it; absent: it comes after the load balancer. */
  readonly instance?: pulumi.Resource;
}

/** A load balancer that asks machines, for a cluster whose machines come after it. */
export interface Front {
  readonly url: pulumi.Output<string>;
  readonly address: pulumi.Output<string>;
  readonly healthPath: string;
  /** The cluster's. */
  readonly path?: string | undefined;
  /** What it needs to answer. */
  readonly parts: readonly pulumi.Resource[];
}

/**
 * Machines that Nova keeps on different hosts where it can. None is ever replaced, which Nova could not do without a
 * gap: each is named for what it is made of, so that other ones come when that changes, and the old ones go at the
 * deployment's end. Where there is no room for both (`openstack.batch`), each has a place for life instead, its port,
 * and is replaced there, some at a time.
 */
export class OpenstackCluster extends Cluster {
  readonly machineType: pulumi.Output<string>;
  readonly groupId: pulumi.Output<string>;
  readonly revision: pulumi.Output<string>;
  readonly machines: readonly OpenstackMachine[];
  readonly port: number;
  /** What the controller makes machines of, where this is a group of extra ones, which are no cluster's own. */
  readonly peak: PlannedGroup | undefined;
  override readonly rolloutSeconds: number;
  override readonly keepsOldMachines: boolean = true;
  readonly #context: OpenstackContext;
  readonly #name: string;
  readonly #joined: string | undefined;
  readonly #control: Control | undefined;
  /** Machines that wait for the load balancer: each is made once others are there. */
  readonly #waiting: ((after: readonly pulumi.Resource[]) => pulumi.Resource)[] = [];

  constructor(
    name: string,
    args: Args,
    access: MachineAccess,
    flavors: Flavors,
    context: OpenstackContext,
    control?: Control,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(name, args, opts);
    this.#context = context;
    this.#name = name;
    this.#control = control;
    this.#joined = args.joins?.clusterName;
    this.port = args.port;
    this.machineType = flavors.nameFor(args);
    const startup = this.#startup(args, access, control);
    this.revision = startup.revision;
    const group = new ServerGroup(name, { policies: ["soft-anti-affinity"] }, { parent: this });
    this.groupId = group.id;
    const keyPair = this.#keyPair(name, args);
    this.peak = args.joins && this.#peak(name, args, startup.script, keyPair);
    const settings = {
      flavorName: this.machineType,
      ...bootOf(args.imageId ?? context.cloud.image, args.diskGiB),
      userData: startup.script,
      ...(keyPair && { keyPair: keyPair.name }),
      schedulerHints: [{ group: group.id }],
    };
    const nameAt = this.size > 0 ? this.#namesOf(name, args) : () => name;
    this.machines = Array.from({ length: this.size }, (_, index) => {
      const place = args.subnets[index % args.subnets.length] ?? 0;
      return this.#machine(nameAt(index, place), place, name, args, settings);
    });
    const { timeoutSeconds } = args.rollout;
    const { intervalSeconds, healthyThreshold } = args.healthCheck;
    this.rolloutSeconds = slackSeconds + timeoutSeconds + intervalSeconds * healthyThreshold;
    this.registerOutputs({ machineType: this.machineType });
  }

  #startup(args: Args, { settings, environment, secrets }: MachineAccess, control: Control | undefined) {
    const { cloud } = this.#context;
    const functions = startupFunctions(cloud.store);
    // Octavia's machines have addresses in the network's subnets, and append one to X-Forwarded-For.
    const told = {
      TRUSTED_PROXIES: args.network.cidr,
      ...environment,
      ...(control && { COMPUTE: "openstack" }),
    };
    const hidden = { ...secrets, ...(control && { PEAK_TEMPLATE: control.template }) };
    const image = args.imageId ?? cloud.image;
    const machine = { flavor: this.machineType, image, ...placementOf(args, this.#context) };
    const startup = { functions, settings, environment: told, secrets: hidden, maxBytes };
    return this.startup(args, platform, startup, machine);
  }

  #keyPair(name: string, { sshKey }: Args): Keypair | undefined {
    return sshKey === undefined ? undefined : new Keypair(name, { publicKey: sshKey }, { parent: this });
  }

  /** What the controller is told of a group of extra machines. */
  #peak(
    name: string,
    { network, subnets, diskGiB, imageId, tags, release }: Args,
    userData: pulumi.Output<string>,
    keyPair: Keypair | undefined,
  ): PlannedGroup {
    const context = this.#context;
    const places = subnets.map((place) => {
      const { id, zone } = network.subnets[place] ?? { id: pulumi.output("") };
      return id.apply((subnet) => ({ subnet, ...(zone !== undefined && { zone }) }));
    });
    const cluster = this.#joined ?? "";
    const metadata = metadataOf(context, { ...tags, cluster, release: release.sha256 });
    const image = imageId ?? context.cloud.image;
    const open = { name, cluster, image, metadata, ...(diskGiB !== undefined && { diskGiB }) };
    return pulumi
      .all([this.groupId, this.revision, this.machineType, userData, keyPair?.name, pulumi.all(places)])
      .apply(([id, revision, flavor, script, key, where]) => ({
        ...open,
        id,
        revision,
        flavor,
        userData: script,
        places: where,
        ...(key !== undefined && { keyPair: key }),
      }));
  }

  /** What each machine is called: by what all are made of, or where it keeps its place, by its subnet. */
  #namesOf(name: string, args: Args): (index: number, place: number) => string {
    const { cloud, settings } = this.#context;
    if (cloud.batch === undefined) {
      const made = revisionOfMachines(name, args, this.#context).slice(0, 8);
      return (index) => `${name}-${made}-${index}`;
    }
    return (index, place) => `${name}-${subnetName(settings.network.subnets[place]?.cidr ?? "")}-${index}`;
  }

  /** A machine on a port of its own, which gives it its address and its firewall from its first packet on. */
  #machine(
    name: string,
    place: number,
    cluster: string,
    { network, release, tags }: Args,
    settings: Partial<InstanceArgs>,
  ): OpenstackMachine {
    const context = this.#context;
    const { id: subnetId, zone } = network.subnets[place] ?? { id: pulumi.output("") };
    const parent = { parent: this };
    const port = new Port(
      name,
      {
        networkId: network.networkId,
        fixedIps: [{ subnetId }],
        securityGroupIds: [network.appGroupId],
        adminStateUp: true,
        tags: tagsOf(context),
      },
      // Of a port that changes a preview does not know the address, and would have its members replaced.
      { ...parent, ignoreChanges: ["tags"] },
    );
    const make = (after: readonly pulumi.Resource[]) =>
      new Instance(
        name,
        {
          name: `${context.project}-${name}`,
          ...settings,
          networks: [{ port: port.id }],
          configDrive: true,
          stopBeforeDestroy: true,
          ...(zone !== undefined && { availabilityZone: zone }),
          metadata: {
            ...metadataOf(context, { ...tags, cluster, release: release.sha256 }),
            // By which controllers know each other.
            ...(this.#control && { revision: this.revision }),
          },
        },
        {
          ...parent,
          dependsOn: [...network.reachability, ...after, ...(this.#control ? [this.#control.outlives] : [])],
          // What is known only while it is deployed may change, too: the port is taken until the old machine is gone.
          deleteBeforeReplace: true,
          customTimeouts,
        },
      );
    const address = port.allFixedIps.apply(([first = ""]) => first);
    if (context.cloud.batch === undefined) return { name, address, subnetId, instance: make([]) };
    this.#waiting.push(make);
    return { name, address, subnetId };
  }

  get clusterName(): string {
    return this.#name;
  }

  /** The cluster that it joins. */
  get joinedName(): string | undefined {
    return this.#joined;
  }

  /**
   * Makes the machines that wait for a load balancer: so many at a time, each time after those before answer with the
   * same revision, so that one which does not work is the end of it.
   */
  makeBehind({ parts, path, url, address, healthPath }: Front, opts: pulumi.CustomResourceOptions): void {
    const { batch = 1 } = this.#context.cloud;
    let after = parts;
    for (let made = 0; made < this.#waiting.length; made += batch) {
      const coming = this.#waiting.slice(made, made + batch).map((make) => make(after));
      const machines = made + coming.length;
      const expected = { name: this.#name, path, machines, revision: this.revision, othersMayAnswer: true };
      const asked = { url, address, healthPath, clusters: [expected], timeoutSeconds: this.rolloutSeconds };
      after = [new Readiness(`${this.#name}-${machines}`, asked, { ...opts, dependsOn: coming })];
    }
  }
}

/**
 * What machines are replaced for besides flavor, image and script. It is a part of their revision, so that a deployment
 * which makes others for it waits until they answer.
 */
function placementOf({ subnets, diskGiB, sshKey }: Args, { cloud, settings }: OpenstackContext) {
  const places = subnets.map((place) => settings.network.subnets[place]);
  return { places, diskGiB, sshKey, inPlace: cloud.batch !== undefined };
}

/** What a controller is told, of which its machines know nothing otherwise. */
function controlFacts({ controller, clusters, tags, loadBalancer }: Settings) {
  const { allow: _, port: __, certificate: ___, host: ____, ...told } = { ...controller };
  return { told, clusters, tags, healthCheck: loadBalancer.healthCheck };
}

/** What machines are named for, as one word: it changes with all that they are made of, as far as the configuration says. */
function revisionOfMachines(name: string, args: Args, context: OpenstackContext): string {
  const { settings, cloud, authUrl, region } = context;
  const { release, size, machineType, port, rollout } = args;
  const { app, project, network, names, clusters } = settings;
  const path = clusters.find((cluster) => cluster.name === name)?.path;
  const runtime = release.runtime(platform).sha512;
  const startup = {
    release: { key: releaseKey(release.sha256), sha256: release.sha256 },
    runtime: { key: "", sha512: runtime },
    // What a script is rendered with; all that it tells the app is in `facts`.
    environment: { PORT: port, DRAIN_SECONDS: rollout.drainSeconds } as AppEnvironment,
    timeoutSeconds: rollout.timeoutSeconds,
    cloud: { functions: startupFunctions(cloud.store), settings: {}, environment: {} },
  };
  const { image, flavors, credential, roles, accessRules, tempUrlKeys, tempUrl, s3 } = cloud;
  const links = tempUrl !== "off";
  const { controllerCredential, controllerRoles } = cloud;
  const ofController = args.controls && { controllerCredential, controllerRoles };
  const login = {
    ...ofController,
    credential,
    roles,
    accessRules,
    tempUrlKeys,
    links,
    s3,
    name: names.machineCredential,
  };
  // A name is no place for what a secret could be guessed by: each guess shall take a while.
  const told = scryptSync(JSON.stringify([app, login]), project, 16).toString("hex");
  const made = { size, machineType, image, flavors, ...placementOf(args, context) };
  const control = args.controls && controlFacts(settings);
  const facts = { name, path, project, told, bucket: names.bucket, cidr: network.cidr, control };
  return revisionOf(startup, { ...facts, ...made, authUrl, region });
}
