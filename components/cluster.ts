import * as pulumi from "@pulumi/pulumi";
import type { ClusterSettings, HealthCheck, RolloutSettings } from "../config/settings.ts";
import type { Platform } from "../release/runtimes.ts";
import { renderStartup, revisionOf } from "../release/startup.ts";
import type { AppEnvironment, ProxyEnvironment } from "../service/settings/environment.ts";
import type { Bucket } from "./bucket.ts";
import type { Network } from "./network.ts";
import type { MachineRelease } from "./release.ts";

export interface ClusterArgs<
  N extends Network = Network,
  B extends Bucket = Bucket,
  C extends Cluster = Cluster,
> extends Omit<ClusterSettings, "name" | "path" | "weight" | "image" | "release"> {
  readonly network: N;
  readonly bucket: B;
  readonly release: MachineRelease;
  /** What the app is told; the cluster adds what only its cloud knows. */
  readonly environment: pulumi.Input<AppEnvironment>;
  readonly port: number;
  readonly healthCheck: HealthCheck;
  readonly rollout: RolloutSettings;
  readonly sshKey?: string | undefined;
  /** The cloud's own image; absent: the one that this cloud's machines boot. */
  readonly imageId?: string | undefined;
  /** The cluster whose requests its machines take, instead of any of its own. */
  readonly joins?: C;
  /** Identifiers of the groups of which its machines, and no others, set the size; what they keep is below `controller/`. Absent: it is no controller. */
  readonly controls?: readonly pulumi.Input<string>[];
}

type Texts = Readonly<Record<string, pulumi.Input<string | number>>>;

interface CloudStartupInputs {
  readonly functions: pulumi.Input<string>;
  readonly settings: Texts;
  readonly environment: ProxyEnvironment & Texts;
  /**
   * Further variables whose values are secret; the script is a secret then. Whoever reads a machine's user data reads
   * them: only for a cloud whose machines have no identity of their own. Default: none.
   */
  readonly secrets?: Texts;
  /** Room for the script, in bytes. Default: what every cloud takes (release/startup.ts). */
  readonly maxBytes?: number;
}

/** What a cluster's machines start with. */
interface MachineStartup {
  readonly script: pulumi.Output<string>;
  readonly revision: pulumi.Output<string>;
}

/**
 * Machines of one type that run the app from one startup script: a managed group that keeps its size and replaces
 * its machines when the script changes. It owns what a load balancer sends requests to, and never knows which one does.
 */
export abstract class Cluster extends pulumi.ComponentResource {
  /** How many machines the program asks for: `desired`, else `min`. */
  readonly size: number;
  /** How long it may take, in seconds, until all machines run a new release: the time one machine may take, unless a cloud needs longer. */
  readonly rolloutSeconds: number;
  /** Whether machines of the last deployment serve until the end of this one, beside those that replace them. */
  readonly keepsOldMachines: boolean = false;
  /** The cloud's own name for what a machine is. */
  abstract readonly machineType: pulumi.Output<string>;
  /** The cloud's own identifier of the group of machines, by which its machines are found again. */
  abstract readonly groupId: pulumi.Output<string>;
  /** What its machines are replaced for, as one word: it changes when they do. */
  abstract readonly revision: pulumi.Output<string>;

  protected constructor(name: string, args: ClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("switchyard:index:Cluster", name, {}, opts);
    this.size = args.desired ?? args.min;
    this.rolloutSeconds = args.rollout.timeoutSeconds;
  }

  /**
   * The startup script of this cluster's machines, once what it fetches is stored, and their revision.
   * @param machine what else they are replaced for: their type, image, disk
   */
  protected startup(
    args: ClusterArgs,
    platform: Platform,
    cloud: CloudStartupInputs,
    machine: Readonly<Record<string, pulumi.Input<unknown>>>,
  ): MachineStartup {
    const runtime = args.release.runtime(platform);
    const { secrets, ...open } = cloud;
    const rendered = pulumi
      .all([
        args.release.key,
        runtime.key,
        args.environment,
        open,
        secrets && pulumi.secret(secrets),
        pulumi.output(machine),
      ])
      .apply(([releaseKey, runtimeKey, environment, cloudStartup, hidden, machineFacts]) => {
        const startup = {
          release: { key: releaseKey, sha256: args.release.sha256 },
          runtime: { key: runtimeKey, sha512: runtime.sha512 },
          environment,
          timeoutSeconds: args.rollout.timeoutSeconds,
          cloud: { ...cloudStartup, environment: { ...cloudStartup.environment, ...hidden } },
        };
        const revision = revisionOf(startup, machineFacts);
        return { script: renderStartup({ ...startup, revision }), revision };
      });
    return {
      script: rendered.apply(({ script }) => script),
      // Every answer carries it. No secret can be guessed by it: it is a hash of the admin token's hash, too.
      revision: pulumi.unsecret(rendered.apply(({ revision }) => revision)),
    };
  }
}
