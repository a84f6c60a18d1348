import { gunzipSync } from "node:zlib";

/** A pool of Octavia's, and the weight that a machine has in it. */
export interface PoolShare {
  readonly pool: string;
  readonly weight: number;
}

/** Where a machine is put. */
export interface Place {
  readonly subnet: string;
  /** One of Nova's availability zones; absent: Nova chooses. */
  readonly zone?: string;
}

/** What a group's machines are made of, as the deployment's own of the same cluster are. */
export interface GroupTemplate {
  /** The id of its server group. */
  readonly id: string;
  /** What begins the names of its machines. */
  readonly name: string;
  readonly cluster: string;
  /** What its machines are replaced for, as one word. */
  readonly revision: string;
  /** By name or id; the same goes for the image. */
  readonly flavor: string;
  readonly image: string;
  /** The size of a volume to boot from, in GiB; absent: the image itself. */
  readonly diskGiB?: number;
  readonly keyPair?: string;
  /** The startup script, a secret. */
  readonly userData: string;
  /** Machines are spread over these, slot by slot. */
  readonly places: readonly Place[];
  readonly pools: readonly PoolShare[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** What the controller is told of the deployment that it is part of, beside its groups' ids. */
export interface Template {
  /** The network by its id, which marks all that belongs to this deployment and no other. */
  readonly network: string;
  /** What begins the names of all machines. */
  readonly project: string;
  readonly securityGroup: string;
  /** Neutron's tags. */
  readonly tags: readonly string[];
  /** The app's port. */
  readonly port: number;
  readonly healthPath: string;
  /** How long a machine that leaves may finish its requests, in seconds. */
  readonly drainSeconds: number;
  /** How long a machine may take from its creation, or a restart, until it answers, in seconds. */
  readonly bootSeconds: number;
  /** What the controller's own cluster is called. */
  readonly controller: string;
  /** Clusters of the deployment's own machines, which are healed. */
  readonly clusters: readonly string[];
  /** All pools whose members are machines of the app. */
  readonly pools: readonly string[];
  readonly groups: readonly GroupTemplate[];
}

/** Reads what `packTemplate` (providers/openstack/template.ts) made, gzipped JSON in base64. */
export function readTemplate(text: string): Template | undefined {
  try {
    return JSON.parse(gunzipSync(Buffer.from(text, "base64")).toString()) as Template;
  } catch {
    return undefined;
  }
}
