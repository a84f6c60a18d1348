import type { Schedule } from "../service/schedules/schedule.ts";
import type { RootAnswer } from "../service/settings/environment.ts";
import type { Limits } from "../service/settings/limits.ts";

/** Portable machine sizes; each cloud maps them to a machine type of its own. */
export const sizes = ["small", "medium", "large"] as const;
export type Size = (typeof sizes)[number];

export interface SubnetSettings {
  readonly cidr: string;
  /** The cloud's own zone name; clouds without zones ignore it. */
  readonly zone?: string | undefined;
  /** Whether its machines have no public addresses; the load balancer then stands elsewhere. Default false. */
  readonly private: boolean;
}

/** How machines of private subnets reach the internet: not at all, by one gateway, or by one in each zone. */
export const natModes = ["none", "one", "zonal"] as const;
export type NatMode = (typeof natModes)[number];

export interface NetworkSettings {
  readonly cidr: string;
  readonly subnets: readonly SubnetSettings[];
  /** Default `none`. */
  readonly nat: NatMode;
  /** Whether the cloud records which connections there were. Default false. */
  readonly flowLogs: boolean;
}

/** Opens one TCP port of the machines themselves to the given CIDRs. */
export interface AccessRule {
  readonly port: number;
  readonly from: readonly string[];
}

/** Where each machine's metrics are, for whoever may reach it: Prometheus' port for exporters of this kind (OpenTelemetry). */
export const metricsPort = 9464;

export interface AppSettings extends Limits {
  readonly port: number;
  readonly root: RootAnswer;
  /** Whether writing needs no token. Default false. */
  readonly public: boolean;
  /** Further environment variables of the app's process, by name. Default none. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether that was configured as a secret. */
  readonly environmentIsSecret: boolean;
}

/** How a load balancer, and a group that heals, decide that a machine may get requests. */
export interface HealthCheck {
  readonly path: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  /** Answers in a row that make a machine healthy. */
  readonly healthyThreshold: number;
  /** Failures in a row that make it unhealthy. */
  readonly unhealthyThreshold: number;
}

export interface LoadBalancerSettings {
  readonly port: number;
  /** CIDRs that may reach the listener. */
  readonly allow: readonly string[];
  /** What HTTPS is served with, in the cloud's own words; `port` is then redirected to it. */
  readonly certificate?: string | undefined;
  /** The name that the certificate is for. */
  readonly host?: string | undefined;
  /** Whether the cloud records each request. Default false. */
  readonly accessLogs: boolean;
  /** Whether `destroy`, and whatever else would delete it, is refused. Default false. */
  readonly protect: boolean;
  readonly healthCheck: HealthCheck;
}

/** How a cluster's size follows its load, between `min` and `max`. */
export interface ScaleSettings {
  /** What its machines are to use of their processors on average, in percent. */
  readonly cpu: number;
}

export interface ClusterSettings {
  readonly name: string;
  readonly size: Size;
  /** The cloud's own machine type; wins over `size`. */
  readonly machineType?: string | undefined;
  /** The size of each machine's disk, in GiB; absent: the image's. */
  readonly diskGiB?: number | undefined;
  readonly min: number;
  readonly max: number;
  /** How many machines the program asks for; absent: `min` at creation, then whatever an autoscaler makes of it. */
  readonly desired?: number | undefined;
  /** Absent: its size is what the program, or somebody else, asks for. */
  readonly scale?: ScaleSettings | undefined;
  /** Requests to `path` and `path/…` go to this cluster. */
  readonly path?: string | undefined;
  /** Share of the requests that match no cluster's path, relative to the other weights; 0 takes none. */
  readonly weight: number;
  /** The image that its machines boot, in the cloud's own words; absent: that of the stack. */
  readonly image?: string | undefined;
  /** Hex SHA-256 of the kept release that its machines run; absent: the stack's. */
  readonly release?: string | undefined;
  /** Indices into `network.subnets`. */
  readonly subnets: readonly number[];
  readonly tags: Readonly<Record<string, string>>;
}

export interface BucketSettings {
  /** Whether `destroy` keeps the bucket. */
  readonly protect: boolean;
  /** Whether destroying the bucket may delete what is in it. */
  readonly empty: boolean;
  /** The key that objects are encrypted with, in the cloud's own words; absent: a key of the store's own. */
  readonly encryptionKey?: string | undefined;
}

/** How a changed release, startup script or machine type replaces running machines. */
export interface RolloutSettings {
  /** Share of a cluster that stays healthy throughout, in percent of its size. */
  readonly minHealthyPercent: number;
  /** How long a machine that leaves may finish its requests, in seconds. */
  readonly drainSeconds: number;
  /** How long a new machine may take to its first healthy answer, in seconds. */
  readonly timeoutSeconds: number;
}

/** The machine that gives clusters extra machines by schedule, and how it is reached. */
export interface ControllerSettings
  extends Pick<LoadBalancerSettings, "port" | "allow" | "certificate" | "host"> {
  readonly size: Size;
  /** The cloud's own machine type; wins over `size`. */
  readonly machineType?: string | undefined;
  /** How many extra machines there may be at once. */
  readonly maxMachines: number;
  /** What schedules call a size, or one of the cloud's own machine types. */
  readonly flavors: Readonly<Record<string, string>>;
  /** What schedules call one of the cloud's own images. */
  readonly images: Readonly<Record<string, string>>;
  readonly schedules: readonly Schedule[];
}

/** Whose flavors machines have: the cloud's own, or two that the program makes. */
export const flavorModes = ["given", "create"] as const;

/** What has the keys that links to files are signed with, in Swift; `off`: there are no links. */
export const tempUrlModes = ["container", "account", "off"] as const;

/** What keeps files and releases on OpenStack. */
export const openstackStores = ["swift", "s3"] as const;

/** An S3 service of an OpenStack cloud, such as Ceph's. */
export interface OpenstackS3Settings {
  /** Its URL; the bucket stands in the path. */
  readonly endpoint: string;
  /** The region that requests are signed for. Default `us-east-1`. */
  readonly region: string;
  /** The access key of machines. */
  readonly credential?: { readonly id: string; readonly secret: string } | undefined;
  /** Whether the program makes one, which may do whatever who deploys may. Default false. */
  readonly createCredential: boolean;
}

/** What one OpenStack cloud calls its parts, and what it can do. */
export interface OpenstackSettings {
  /** The network that floating IPs are of, and that routers lead to. */
  readonly externalNetwork: { readonly id: string; readonly name: string };
  /** The image of machines, by id or name. */
  readonly image: string;
  /** Default `given`. */
  readonly flavors: (typeof flavorModes)[number];
  /** IPv4 addresses that machines ask for names; none: the cloud's. Default none. */
  readonly dnsServers: readonly string[];
  /** Whether networks are asked to heed security groups. Default true. */
  readonly portSecurity: boolean;
  /** Which of Octavia's providers; absent: the cloud's own choice. */
  readonly loadBalancerProvider?: string | undefined;
  /** The application credential of machines; absent: the program makes one. */
  readonly credential?: { readonly id: string; readonly secret: string } | undefined;
  /** Roles of the one that the program makes, with all that they imply. */
  readonly roles: readonly string[];
  /** Whether that one is limited to what the app asks of its containers. Default true. */
  readonly accessRules: boolean;
  /** The application credential of the controller; absent: the program makes one. */
  readonly controllerCredential?: { readonly id: string; readonly secret: string } | undefined;
  /** Roles of that one, with all that they imply. */
  readonly controllerRoles: readonly string[];
  /** Default `swift`. */
  readonly store: (typeof openstackStores)[number];
  /** How the store is reached, where that is `s3`. */
  readonly s3?: OpenstackS3Settings | undefined;
  /** How many machines of a cluster are replaced at a time, each in its place; absent: new ones come before the old ones go. */
  readonly batch?: number | undefined;
  /** Default `container`. */
  readonly tempUrl: (typeof tempUrlModes)[number];
  /** Up to two keys, of which the first signs; none: the program makes one. Default none. */
  readonly tempUrlKeys: readonly string[];
}

/** Of which amount of charges in a month somebody is told, by e-mail. */
export interface BudgetSettings {
  readonly amount: number;
  /** By ISO 4217: `USD`. */
  readonly currency: string;
  readonly email: string;
  /** What pays, in the cloud's own words, where it has to be said. */
  readonly billingAccount?: string | undefined;
}

/** What this system promises of whatever it deploys; plan/policy/rules.ts says what each means. */
export const policyRules = [
  "bucket-private",
  "data-encrypted",
  "bucket-versioned",
  "data-protected",
  "open-as-configured",
  "metadata-guarded",
  "tagged",
  "rights-narrow",
  "user-data-plain",
  "health-checked",
] as const;
export type PolicyRule = (typeof policyRules)[number];

/** What becomes of what breaks a rule: it is refused, it is told, or neither. */
export const policyLevels = ["mandatory", "advisory", "disabled"] as const;
export type PolicyLevel = (typeof policyLevels)[number];

/** Another level for a rule than it has, or than it has for one resource. */
export interface PolicySetting {
  readonly rule: PolicyRule;
  readonly level: PolicyLevel;
  /** A resource's name in the program; absent: all. */
  readonly resource?: string | undefined;
  /** Why, for who reads the configuration later. */
  readonly reason: string;
}

/** The whole of a stack's configuration, validated, with every default filled in. */
/** Identities that were made beforehand. */
export interface IdentitySettings {
  readonly machines: string;
  /** Absent: there is no controller. */
  readonly controller?: string | undefined;
}

export interface Settings {
  /** The name of a folder below providers/. */
  readonly cloud: string;
  /** Names, tags and the greeting use it. */
  readonly project: string;
  readonly network: NetworkSettings;
  readonly access: readonly AccessRule[];
  readonly sshKey?: string | undefined;
  readonly app: AppSettings;
  readonly clusters: readonly ClusterSettings[];
  readonly loadBalancer: LoadBalancerSettings;
  readonly bucket: BucketSettings;
  readonly rollout: RolloutSettings;
  /** Exact physical names, by the resource's conventional role, for systems that must carry them. */
  readonly names: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** The policy that bounds what the machines may ever do, in the cloud's own words. */
  readonly permissionsBoundary?: string | undefined;
  /** Whom machines and the controller are, in the cloud's own words; absent: the program makes them. */
  readonly identities?: IdentitySettings | undefined;
  /** What all machines boot, in the cloud's own words; absent: what the cloud's own folder says. */
  readonly image?: string | undefined;
  /** Hex SHA-256 of the kept release that machines run; absent: what is built. */
  readonly release?: string | undefined;
  /** Absent: nobody is told. */
  readonly budget?: BudgetSettings | undefined;
  /** Levels that rules do not have by themselves. Default none. */
  readonly policy: readonly PolicySetting[];
  /** Absent: no extra machines. */
  readonly controller?: ControllerSettings | undefined;
  /** What the cloud calls its parts, where that is OpenStack. */
  readonly openstack?: OpenstackSettings | undefined;
}

/**
 * A value of which any part may be missing. A key that is there but undefined had a wrong value, which is reported
 * already, so that nothing may be concluded from its absence.
 */
export type Draft<T> = T extends readonly (infer E)[]
  ? readonly Draft<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: Draft<T[K]> | undefined }
    : T;

/** Reports one wrong key: its path below `switchyard:` (or `aws:region` and the like, whole), the value found, and what it may be. */
export type Report = (key: string, value: unknown, remedy: string) => void;

/** What a cloud contributes to reading the configuration: its defaults, and what it cannot do. */
export interface CloudRules {
  readonly defaults: {
    readonly machines: number;
    readonly network: Pick<NetworkSettings, "cidr"> & {
      readonly subnets: readonly Pick<SubnetSettings, "cidr" | "zone">[];
    };
    readonly appPort: number;
    readonly loadBalancerPort: number;
    /** Absent: the stack must say who may reach the load balancer. */
    readonly allow?: readonly string[];
    readonly healthCheckSeconds: number;
  };
  /**
   * Whether its machines may be told what is secret, which then stands in their user data: for a cloud that has no better
   * way. Default false.
   */
  readonly takesSecrets?: true;
  /** Whether it has groups of machines whose size a controller can set. Default false. */
  readonly takesController?: true;
  /** Whether a cluster's size can follow its load. Default false. */
  readonly takesScale?: true;
  /** Whether it tells what it charges, so that there can be an alarm. Default false. */
  readonly takesBudget?: true;
  /** How many controllers there are: more than one where the cloud replaces none that dies. Default 1. */
  readonly controllers?: number;
  /** How many addresses of the subnet at a place in the configuration are left for machines, beside so many load balancers. */
  roomIn(network: Draft<NetworkSettings>, place: number, loadBalancers: number): number;
  /** Which of a cluster's subnets its machines have addresses in, as many in each. Default: all of them. */
  placesOf?(subnets: readonly number[]): readonly number[];
  /** The most machines that a cluster of `max` has at once, which is while it is rolled. */
  mostAtOnce(max: number, rollout: Draft<RolloutSettings>): number;
  /**
   * Refuses, before anything is deployed, what this cloud cannot do. Gets what could be read of the settings.
   * @param raw every configuration value, those of the cloud's own provider among them (`aws:region`)
   */
  check(settings: Draft<Settings>, report: Report, raw: Readonly<Record<string, string>>): void;
}
