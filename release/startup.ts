import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AppEnvironment } from "../service/settings/environment.ts";

/** One cloud's part of the startup script: how a machine identifies itself, fetches an object, and runs the app. */
export interface CloudStartup {
  /** Shell functions, from the cloud's own startup.sh. */
  readonly functions: string;
  /** Values those functions use, as shell variables; names in capitals. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** What the app is told on this cloud alone: its load balancer's addresses, which store, which bucket. */
  readonly environment: Readonly<Record<string, string | number>>;
  /** Room for the script, in bytes. Default 16,384: EC2 takes 16 KB of user data, the least of all clouds. */
  readonly maxBytes?: number;
}

export interface StartupArgs {
  readonly release: { readonly key: string; readonly sha256: string };
  readonly runtime: { readonly key: string; readonly sha512: string };
  readonly environment: AppEnvironment;
  /** How long the app may take to its first healthy answer, in seconds. */
  readonly timeoutSeconds: number;
  readonly cloud: CloudStartup;
  /** What `revisionOf` says of all else; the app's answers carry it. Default: none. */
  readonly revision?: string;
}

type Value = string | number | boolean;

const template = readFileSync(join(import.meta.dirname, "startup.sh"), "utf8");

/**
 * Renders the script that a machine runs when it starts: the settings, the cloud's functions, then what all clouds
 * share (startup.sh says what it does, and adds the app's `INSTANCE_ID` and `HOST` on the machine). It is a pure function of its arguments, so a new release is a new script, which
 * is what makes a cloud replace its machines. It holds no secret as long as `args` hold none.
 *
 * @throws Error when a value or name cannot stand in a script, a hash is malformed, a name is used twice, or the result
 * has `maxBytes` or more.
 */
export function renderStartup(args: StartupArgs): string {
  const { release, runtime, environment, cloud, revision } = args;
  const settings = merge("setting", [
    {
      RELEASE_KEY: release.key,
      RELEASE_SHA256: hexHash("release.sha256", release.sha256, 64),
      RUNTIME_KEY: runtime.key,
      RUNTIME_SHA512: hexHash("runtime.sha512", runtime.sha512, 128),
      PORT: environment.PORT,
      STOP_SECONDS: stopSeconds(args),
      TIMEOUT_SECONDS: args.timeoutSeconds,
    },
    cloud.settings,
  ]);
  const identity = { RELEASE: release.sha256, ...(revision !== undefined && { REVISION: revision }) };
  const app = merge("environment variable", [{ ...environment, ...identity }, cloud.environment]);
  const block = [
    ...settings.map(([name, value]) => `${name}=${quote(value)}`),
    "APP_ENVIRONMENT=(",
    ...app.map(([name, value]) => `  ${quote(`${name}=${value}`)}`),
    ")",
  ].join("\n");
  const functions = cloud.functions.replace(/^# shellcheck shell=.*\n/, "").trim();
  const script = template.replace("#{settings}", () => block).replace("#{functions}", () => functions);
  const bytes = Buffer.byteLength(script);
  const { maxBytes = 16_384 } = cloud;
  if (bytes >= maxBytes) {
    throw new Error(
      `The startup script has ${bytes} bytes, and must have fewer than ${maxBytes}: shorten switchyard:app.environment, or the cloud's functions or values`,
    );
  }
  return script;
}

/**
 * Names everything that a cluster replaces its machines for: 16 hexadecimal digits, others after any change of the script
 * or of the machine. The script gets it by its own argument and is hashed without it.
 * @param machine what the machines are besides: their type, image, disk
 */
export function revisionOf(
  { revision: _, ...args }: StartupArgs,
  machine: Readonly<Record<string, unknown>>,
): string {
  const hash = createHash("sha256").update(renderStartup(args)).update(JSON.stringify(machine));
  return hash.digest("hex").slice(0, 16);
}

/**
 * How long a supervisor waits, in seconds, before it kills an app that was told to stop: while the app still takes
 * requests (`DEREGISTER_SECONDS`, which only some clouds set), while it drains, and 10 s to spare.
 */
function stopSeconds({ environment, cloud }: StartupArgs): number {
  return Number(cloud.environment.DEREGISTER_SECONDS ?? 0) + environment.DRAIN_SECONDS + 10;
}

/** Joins groups of named values into one list of checked texts; `kind` names them in errors. */
function merge(kind: string, groups: readonly object[]): [name: string, value: string][] {
  const texts = new Map<string, string>();
  for (const [name, value] of groups.flatMap((group) => Object.entries<Value>({ ...group }))) {
    if (!/^[A-Z][A-Z0-9_]*$/.test(name)) {
      throw new Error(`Startup script: ${kind} ${JSON.stringify(name)} must be named [A-Z][A-Z0-9_]*`);
    }
    if (texts.has(name))
      throw new Error(`Startup script: ${kind} ${name} is set twice; rename the cloud's own`);
    texts.set(name, text(`${kind} ${name}`, value));
  }
  return [...texts];
}

function text(what: string, value: Value): string {
  if (typeof value === "number" && !(Number.isSafeInteger(value) && value >= 0)) {
    throw new Error(`Startup script: ${what} is ${value}, and must be a whole number, 0 or more`);
  }
  const result = String(value);
  // A line end cannot stand in systemd's environment file, nor NUL in a variable.
  if (/[\0\n\r]/.test(result)) {
    throw new Error(`Startup script: ${what} is ${JSON.stringify(result)}, and must be one line without NUL`);
  }
  return result;
}

function hexHash(what: string, hash: string, digits: number): string {
  if (new RegExp(`^[0-9a-f]{${digits}}$`).test(hash)) return hash;
  throw new Error(
    `Startup script: ${what} is ${JSON.stringify(hash)}, and must be ${digits} hexadecimal digits in lower case`,
  );
}

/** Quotes a text for a POSIX shell. */
function quote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
