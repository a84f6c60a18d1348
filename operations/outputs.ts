import type { Input } from "@pulumi/pulumi";
import * as v from "valibot";

const cluster = v.object({
  /** How many machines the program asks for. */
  size: v.number(),
  /** The cloud's own name for what a machine is. */
  machineType: v.string(),
  /** The cloud's own name of the group of machines. */
  group: v.string(),
  path: v.optional(v.string()),
  /** Hex SHA-256 of its release; absent: the stack's. */
  release: v.optional(v.string()),
  /** Share of what matches no path; 0 too for what joins a cluster. */
  weight: v.number(),
});

const schema = v.object({
  cloud: v.string(),
  /** Where the app answers, without a slash at its end. */
  url: v.string(),
  /** The load balancer's own name or IP address. */
  address: v.string(),
  bucketName: v.string(),
  /** Hex SHA-256 of the release. */
  release: v.string(),
  /** Groups of extra machines and the controller's own among them. */
  clusters: v.record(v.string(), cluster),
  /** Where the controller answers; absent: there is none. */
  controllerUrl: v.optional(v.string()),
  /** What an operator needs to reach the stack in its cloud, beside credentials: a region, a profile. */
  operator: v.record(v.string(), v.string()),
  /** A secret: `[secret]`, unless it is asked for by name. */
  adminToken: v.string(),
});

/** What a stack outputs, the same on every cloud. */
export type StackOutputs = v.InferOutput<typeof schema>;

/** A cloud's own part of the outputs. */
export type OperatorOutputs = StackOutputs["operator"];

/** A value of which any part may not be known yet. */
export type Inputs<T> = Input<T extends object ? { [K in keyof T]: Inputs<T[K]> } : T>;

/** The outputs as the program has them, before their values are known. */
export type ProgramOutputs = { readonly [K in keyof StackOutputs]: Inputs<StackOutputs[K]> };

/** A stack that is deployed: its name, and its outputs. */
export interface DeployedStack {
  readonly stack: string;
  readonly outputs: StackOutputs;
}

/**
 * Reads what `pulumi stack output --json` printed.
 *
 * @throws when nothing is deployed, or a version of the program did that had other outputs
 */
export function readOutputs(stack: string, printed: Readonly<Record<string, unknown>>): DeployedStack {
  if (printed.cloud === undefined)
    throw new Error(`Stack ${stack} is not deployed: npm run up brings it up.`);
  return { stack, outputs: read(schema, printed, stack, "") };
}

/**
 * Reads a cloud's own part of the outputs.
 *
 * @throws when another version of the program wrote it
 */
export function readOperator<T>(schema: v.GenericSchema<unknown, T>, { stack, outputs }: DeployedStack): T {
  return read(schema, outputs.operator, stack, "operator.");
}

function read<T>(schema: v.GenericSchema<unknown, T>, value: unknown, stack: string, prefix: string): T {
  const { success, output, issues = [] } = v.safeParse(schema, value);
  if (success) return output as T;
  const wrong = issues.map((issue) => {
    const found = issue.input === undefined ? "missing" : JSON.stringify(issue.input);
    return `${prefix}${v.getDotPath(issue)} is ${found}`;
  });
  throw new Error(
    `Stack ${stack} was deployed by another version of the program: of its outputs, ${wrong.join(", ")}. npm run up writes them again.`,
  );
}
