import { type AppEnvironment, rootAnswers } from "./environment.ts";
import { type LimitVariables, mapLimits } from "./limits.ts";
import { reservedPath } from "./reserved-paths.ts";
import {
  matching,
  oneOf,
  ranges,
  readVariables,
  sha256,
  trueOrFalse,
  type Variable,
  wholeNumber,
} from "./variables.ts";

/** What a machine of the deployment is: one that runs the app, or the one that sets how many do. */
const roles = ["app", "controller"] as const;

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** What the app runs with; each field is the environment variable of its name. */
export interface ServiceSettings extends AppEnvironment {
  /** What this process is. Default `app`. */
  readonly ROLE: (typeof roles)[number];
  /** Address to listen on. Default 0.0.0.0. */
  readonly HOST: string;
  /** What the cloud calls this machine; unique in the deployment. */
  readonly INSTANCE_ID: string;
  /** Hex SHA-256 of the archive that this app came in. Default `development`. */
  readonly RELEASE: string;
  /** All that the machine was made from, in one word (release/startup.ts). Default `development`. */
  readonly REVISION: string;
  /** Seconds for which a stopping app still takes requests while its health check already fails. Default 0. */
  readonly DEREGISTER_SECONDS: number;
  /** Ranges in CIDR notation that the cloud's load balancer may send requests from. Default: none, and no header says who the client is. */
  readonly TRUSTED_PROXIES: readonly string[];
  /** How many addresses the load balancer appends to X-Forwarded-For, the client's the first of them. Default 1. */
  readonly PROXY_HOPS: number;
  /** Least severe level that is logged. Default `info`; health checks are logged at `debug`. */
  readonly LOG_LEVEL: (typeof logLevels)[number];
  /**
   * Seconds for which a client may send less than 500 bytes/s, and the store take nothing, before an upload is given up.
   * Default 60.
   */
  readonly UPLOAD_IDLE_SECONDS: number;
  /** Seconds that the store may take to list, find, sign or delete. Default 20. */
  readonly STORE_SECONDS: number;
}

const variables: { readonly [Name in keyof ServiceSettings]: Variable<ServiceSettings[Name]> } = {
  PROJECT: matching(/^[\x20-\x7e]{1,100}$/, "1 to 100 printable ASCII characters"),
  CLUSTER: matching(/^[\w.-]{1,63}$/, "1 to 63 letters, digits, `.`, `_` or `-`"),
  CLUSTER_PATH: {
    parse: (text) => (/^(\/[\w.~-]+)+$/.test(text) && !reservedPath(text) ? text : undefined),
    allowed: `a path such as /cluster1, without a slash at its end and none that the app answers itself; or empty`,
    fallback: "",
  },
  ROOT: oneOf(rootAnswers),
  PORT: wholeNumber(0, 65_535, "0: any free port"),
  DRAIN_SECONDS: wholeNumber(0, 86_400, "seconds"),
  PUBLIC: trueOrFalse(),
  ADMIN_TOKEN_SHA256: { ...sha256(), secret: true },
  ROLE: { ...oneOf(roles), fallback: "app" },
  HOST: { ...matching(/^[\w.:%-]+$/, "a host name or IP address"), fallback: "0.0.0.0" },
  INSTANCE_ID: matching(/^[\w.:/-]{1,255}$/, "1 to 255 letters, digits, `.`, `:`, `/`, `_` or `-`"),
  RELEASE: { ...sha256(), fallback: "development" },
  REVISION: { ...matching(/^[0-9a-f]{16}$/, "16 hexadecimal digits"), fallback: "development" },
  DEREGISTER_SECONDS: { ...wholeNumber(0, 86_400, "seconds"), fallback: 0 },
  TRUSTED_PROXIES: { ...ranges(), fallback: [] },
  PROXY_HOPS: {
    ...wholeNumber(1, 10, "addresses that the load balancer appends to X-Forwarded-For"),
    fallback: 1,
  },
  LOG_LEVEL: { ...oneOf(logLevels), fallback: "info" },
  UPLOAD_IDLE_SECONDS: { ...wholeNumber(1, 3600, "seconds"), fallback: 60 },
  STORE_SECONDS: { ...wholeNumber(1, 300, "seconds"), fallback: 20 },
  ...(mapLimits("variable", ({ min, max, fallback, unit }) => ({
    ...wholeNumber(min, max, unit),
    fallback,
  })) as Record<keyof LimitVariables, Variable<number>>),
  METRICS_PORT: { ...wholeNumber(0, 65_535, "0: no metrics"), fallback: 0 },
};

/** Those of the app's settings that a stack may set by itself; all others are the program's, the cloud's or the machine's. */
const tunable: ReadonlySet<string> = new Set(["LOG_LEVEL", "UPLOAD_IDLE_SECONDS", "STORE_SECONDS"]);

/** Variables of which the app's store, Node.js, the loader or the script that starts the app makes something of its own. */
const foreign =
  /^((AWS|GCS|GOOGLE|LD|OS|PEAK|S3|SWIFT|SWITCHYARD)_.*|BUCKET|COMPUTE|HOME|IDENTITY_URL|MAX_MACHINES|MAX_OLD_SPACE_MB|METADATA_SERVER_DETECTION|NODE_OPTIONS|PATH|SCHEDULES|STORE)$/;

/** Variables that bash lets nobody set, or gives another value ("Bash Variables" in its manual). */
const shells =
  /^(BASH.*|DIRSTACK|EPOCH(REALTIME|SECONDS)|E?UID|FUNCNAME|GROUPS|HISTCMD|IFS|LINENO|OPTIND|PIPESTATUS|PPID|S?RANDOM|SECONDS|SHELLOPTS|SHLVL)$/;

/**
 * Why a stack cannot give the app a variable, to follow its name and value in a message; undefined: it can. A value of
 * the app's own settings is held to what the app would take.
 */
export function variableProblem(name: string, value: string): string | undefined {
  const variable = Object.entries<Variable<unknown>>(variables).find(([known]) => known === name)?.[1];
  if (foreign.test(name) || shells.test(name) || (variable && !tunable.has(name)))
    return "the program, the cloud or the machine sets it: leave it out, or choose another name";
  if (variable && value !== "" && variable.parse(value) === undefined)
    return `it must be ${variable.allowed}`;
  return undefined;
}

/**
 * Reads the app's settings from environment variables; one that is set to nothing counts as unset.
 * @throws {Error} whose message has a line for each variable that is missing or wrong.
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): ServiceSettings {
  return Object.freeze(readVariables(environment, variables)) as unknown as ServiceSettings;
}
