import type { DeployedStack } from "../operations/outputs.ts";
import { parseUrn } from "../operations/urn.ts";
import { type Deployment, isEmptiedFirst, localStack, type StackResource } from "./backend.ts";
import { formatRows } from "./table.ts";

/** `npm run <script>` for a stack, with the arguments that follow. */
export function npmRun(script: string, stack: string, ...args: readonly string[]): string {
  const all = [...(stack === localStack ? [] : ["--stack", stack]), ...args];
  return ["npm run", script, ...(all.length > 0 ? ["--", ...all] : [])].join(" ");
}

/** How long `up` took, in milliseconds: getting the CLI and the stack ready, and the CLI's own run. */
export interface UpDurations {
  readonly before: number;
  readonly inPulumi: number;
}

/** What to do with a stack that is up: its URL and commands to paste. */
export function upReport({ stack, outputs }: DeployedStack, { before, inPulumi }: UpDurations): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const took = `${seconds(before + inPulumi)} (${seconds(inPulumi)} of it in pulumi up)`;
  const { url, bucketName, release } = outputs;
  const paths: [path: string, note: string][] = [
    ["/", ""],
    ["/healthz", ""],
  ];
  for (const [name, { path, machineType, size }] of Object.entries(outputs.clusters)) {
    if (path !== undefined) paths.push([path, `  # ${name}: ${size} × ${machineType}`]);
  }
  const commands = paths.map(([path, note]) => `  curl ${quote(new URL(path, url).href)}${note}`);
  commands.push(
    "",
    `  TOKEN=$(${npmRun("--silent outputs", stack, "adminToken", "--show-secrets")})`,
    `  curl -H "Authorization: Bearer $TOKEN" -F file=@README.md ${quote(new URL("/upload", url).href)}`,
    `  curl ${quote(new URL("/list_files", url).href)}`,
    `  curl ${quote(new URL("/download/README.md", url).href)}`,
  );
  const rows = [
    ["Files", bucketName],
    ["Release", release.slice(0, 12)],
    ["Machines", npmRun("machines", stack)],
    ["Remove it", npmRun("destroy", stack)],
  ];
  const lines = formatRows(rows).map((line) => `  ${line}`);
  return [`Stack ${stack} is up at ${url} after ${took}`, ...commands, "", ...lines].join("\n");
}

/** What `destroy` left: protected resources with how to delete them for good, other ones, or nothing. */
export function destroyReport(stack: string, deployment: Deployment | undefined): string {
  const resources = deployment?.resources ?? [];
  const kept = resources.filter(({ protect }) => protect);
  if (kept.length > 0) return keptReport(stack, kept);
  const left = resources.filter(({ type }) => !/^pulumi:(pulumi:Stack$|providers:)/.test(type));
  if (left.length > 0) return `Stack ${stack} still has these:\n${table(left)}`;
  return `Nothing is left of stack ${stack}.`;
}

function keptReport(stack: string, kept: readonly StackResource[]): string {
  return [
    `Kept, because they are protected:\n${table(kept)}`,
    `To delete them for good, with all they hold: ${npmRun("destroy", stack, "--with-data")}`,
  ].join("\n");
}

/** What to do when `destroy` has failed where data may be in the way; undefined: nowhere. */
export function fullReport(stack: string, { resources = [] }: Deployment): string | undefined {
  const full = resources.filter(isEmptiedFirst);
  if (full.length === 0) return undefined;
  return [
    `Not deleted while anything is in them, for want of switchyard:bucket.empty:\n${table(full)}`,
    `To delete them for good, with all they hold: ${npmRun("destroy", stack, "--with-data")}`,
  ].join("\n");
}

/** Resources of a state: what each is, its name in the program, its id. */
export function table(resources: readonly StackResource[]): string {
  const rows = resources.map(({ type, urn, id }) => [type, parseUrn(urn).name, id ?? ""]);
  return formatRows(rows)
    .map((line) => `  ${line}`)
    .join("\n");
}

function quote(text: string): string {
  return /^[\w:/.%~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
