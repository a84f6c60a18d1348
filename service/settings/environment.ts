import type { LimitVariables } from "./limits.ts";

/** What `GET /` answers: the JSON greeting, or the plain health line (a lab of two clusters uses `/` as its health check). */
export const rootAnswers = ["greeting", "health"] as const;
export type RootAnswer = (typeof rootAnswers)[number];

/** What a deployment tells the app, the same on every cloud: one environment variable each. */
export interface AppEnvironment extends LimitVariables {
  readonly PROJECT: string;
  readonly CLUSTER: string;
  /** Empty: the cluster has no path of its own. */
  readonly CLUSTER_PATH: string;
  readonly ROOT: RootAnswer;
  readonly PORT: number;
  /** Seconds a machine may take to finish its requests once it is told to stop. */
  readonly DRAIN_SECONDS: number;
  readonly PUBLIC: boolean;
  /** Port of the metrics; 0: none. */
  readonly METRICS_PORT: number;
  /** Hex SHA-256 of the token that writing needs. */
  readonly ADMIN_TOKEN_SHA256: string;
}

/** What a deployment tells the controller besides. */
export interface ControllerEnvironment extends AppEnvironment {
  readonly ROLE: "controller";
  /** JSON: `PeakGroup[]` (service/compute/compute.ts). */
  readonly PEAK_GROUPS: string;
  /** JSON: the cloud's own machine types and images, by the names that schedules use. */
  readonly PEAK_FLAVORS: string;
  readonly PEAK_IMAGES: string;
  /** JSON: the schedules of the stack's configuration. */
  readonly SCHEDULES: string;
  /** How many extra machines there may be at once. */
  readonly MAX_MACHINES: number;
}

/** What each cloud tells the app of its load balancer. */
export interface ProxyEnvironment {
  /** The addresses that its load balancer may send requests from: ranges in CIDR notation, with commas between them. */
  readonly TRUSTED_PROXIES: string;
  /**
   * How many addresses its load balancer appends to X-Forwarded-For, the client's the first of them. Default 1; Google's
   * appends two, the second its own (Cloud Load Balancing, "X-Forwarded-For header").
   */
  readonly PROXY_HOPS?: number;
}
