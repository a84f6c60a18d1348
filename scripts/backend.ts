import { chmod, mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { stacksWithFile } from "../operations/stacks.ts";
import { parseUrn } from "../operations/urn.ts";
import { simpleType } from "../plan/labels.ts";
import type { Context } from "./process.ts";

/** The stack for which a newcomer has to set nothing. */
export const localStack = "local";

/**
 * What a newcomer would have to set for the stack `local`, each only where `env` does not: a `file://` backend in
 * `.switchyard/state` (made with mode 0700), an empty passphrase, no plugin downloads, no check for updates.
 */
export async function localEnvironment(root: string, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const state = join(root, ".switchyard", "state");
  if (!env.PULUMI_BACKEND_URL) {
    await mkdir(state, { recursive: true, mode: 0o700 });
    await chmod(state, 0o700);
  }
  const hasPassphrase =
    env.PULUMI_CONFIG_PASSPHRASE !== undefined || env.PULUMI_CONFIG_PASSPHRASE_FILE !== undefined;
  return {
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    ...env,
    PULUMI_BACKEND_URL: env.PULUMI_BACKEND_URL || pathToFileURL(state).href,
    ...(hasPassphrase ? {} : { PULUMI_CONFIG_PASSPHRASE: "" }),
  };
}

/**
 * Fails where the CLI would ask for a login, or for Pulumi Cloud's token, because nobody has said where the states of
 * stacks are: neither the environment, nor `Pulumi.yaml`, nor a login.
 */
export async function requireBackend({ root, env }: Context, stack: string): Promise<void> {
  if (env.PULUMI_BACKEND_URL || env.PULUMI_ACCESS_TOKEN) return;
  const folder = env.PULUMI_CREDENTIALS_PATH || env.PULUMI_HOME || join(homedir(), ".pulumi");
  const credentials = await readIfThere(join(folder, "credentials.json"));
  if (credentials !== undefined && JSON.parse(credentials).current) return;
  const project = await readIfThere(join(root, "Pulumi.yaml"));
  if (project !== undefined && parse(project)?.backend?.url) return;
  throw new Error(`Nothing says where the state of stack ${stack} is kept. Either
  - log in: npx pulumi login (Pulumi Cloud), or npx pulumi login URL, such as s3://BUCKET, gs://BUCKET or file://FOLDER
  - or set PULUMI_BACKEND_URL to such a URL, and PULUMI_CONFIG_PASSPHRASE to what encrypts its secrets
${npmPlan(stack)} shows what would be deployed, and needs neither.`);
}

function npmPlan(stack: string): string {
  return `npm run plan -- --stack ${basename(stack)}`;
}

/** A file's text; undefined where there is none. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The parts of `pulumi stack export` that the scripts read. */
export interface StackExport {
  readonly version: number;
  readonly deployment: Deployment;
}

/** A stack's state; the names are those of the CLI's JSON. */
export interface Deployment {
  readonly resources?: readonly StackResource[];
  readonly pending_operations?: readonly { readonly type: string; readonly resource: StackResource }[];
}

/** A resource in a stack's state; `id` is absent on components. */
export interface StackResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly protect?: boolean;
  /** What the program gave, secrets encrypted; absent on components that were given nothing. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** URNs of what it needs, and of what each of its properties needs. */
  readonly dependencies?: readonly string[];
  readonly propertyDependencies?: Readonly<Record<string, readonly string[] | null>>;
  /** The URN and the id of its provider. */
  readonly provider?: string;
  /** What went wrong when it was made or changed last. */
  readonly initErrors?: readonly string[];
}

/** A function that runs the CLI on one stack and returns what it prints, or fails with it. */
export type Pulumi = (args: readonly string[], input?: string) => Promise<string>;

/** Reads a stack's state; undefined when the backend has no such stack. */
export async function exportStack(pulumi: Pulumi): Promise<StackExport | undefined> {
  try {
    return JSON.parse(await pulumi(["stack", "export"])) as StackExport;
  } catch (error) {
    if (isNoStack(error)) return undefined;
    throw error;
  }
}

/** The resources of which a deployment that failed or was killed left it open whether they are as recorded: `Firewall app`. */
export function unsettledOf({ resources = [], pending_operations = [] }: Deployment = {}): string[] {
  const failed = resources.filter(({ initErrors = [] }) => initErrors.length > 0);
  const cutOff = pending_operations.map(({ resource }) => resource);
  const names = [...failed, ...cutOff].map(({ urn, type }) => `${simpleType(type)} ${parseUrn(urn).name}`);
  return [...new Set(names)].sort();
}

/** Whether a resource is one for data, not protected, that may be deleted only once nothing is in it (`switchyard:bucket.empty`). */
export function isEmptiedFirst({ type, protect, inputs }: StackResource): boolean {
  if (protect || !/:(Bucket|Container|Contents|S3Bucket)$/.test(type)) return false;
  return inputs?.forceDestroy === false || inputs?.empty === false;
}

/** Whether the CLI failed because its backend has no such stack. */
export function isNoStack(error: unknown): boolean {
  return /no stack named '.*' found/.test((error as Error).message);
}

/** What to do about a stack that the backend does not have. */
export function noStack({ root, env }: Context, stack: string): string {
  if (stack === localStack) return `Stack ${stack} is not deployed: npm run up brings it up.`;
  const backend = env.PULUMI_BACKEND_URL ? ` at ${env.PULUMI_BACKEND_URL}` : "";
  return `The backend${backend} has no stack ${stack}: npx pulumi stack init ${stack} makes one. Stacks that have a file: ${stacksWithFile(root)}.`;
}

/** Makes the stack `local` on first use, without selecting it, and leaving its committed file as it is. */
export async function makeLocalStack(pulumi: Pulumi): Promise<StackExport | undefined> {
  const exported = await exportStack(pulumi);
  if (exported === undefined) await pulumi(["stack", "init", "--no-select"]);
  return exported;
}

/**
 * Makes the stack `local` ready to be changed: makes it on first use, and drops what a killed CLI left as pending.
 * That would otherwise be warned about for ever; dropping it is right for this cloud alone, where creating and
 * deleting again is harmless. Nobody may be changing the stack.
 */
export async function openLocalStack(context: Context, pulumi: Pulumi): Promise<void> {
  const exported = await makeLocalStack(pulumi);
  const { pending_operations: pending = [], ...deployment } = exported?.deployment ?? {};
  if (pending.length === 0) return;
  const names = pending.map(({ type, resource }) => `${type} ${parseUrn(resource.urn).name}`);
  context.log(`An earlier run was cut off while ${names.join(", ")}; going on from what was recorded.`);
  await pulumi(["stack", "import"], JSON.stringify({ ...exported, deployment }));
}
