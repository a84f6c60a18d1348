import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { isWireSecret } from "../plan/values.ts";
import { type Deployment, readIfThere, type StackResource } from "./backend.ts";
import type { Context } from "./process.ts";

/** A stack's state as the CLI's file backend writes it (sdk/go/common/apitype, CheckpointV3). */
interface StateFile {
  readonly checkpoint?: { readonly latest?: Deployment };
}

type Place = Pick<Context, "root" | "env">;

/** Where a `file://` backend keeps what it knows; undefined for other backends. */
export function backendFolder({ root, env }: Place): string | undefined {
  const url = env.PULUMI_BACKEND_URL ?? "";
  if (!url.startsWith("file://")) return undefined;
  const path = decodeURIComponent(url.slice("file://".length).replace(/\?.*$/, ""));
  return join(resolve(root, path.replace(/^~/, homedir())), ".pulumi");
}

/**
 * A stack's state by the file that a `file://` backend has it in: the CLI takes a fifth of a second to read it. Undefined
 * for other backends, and where there is no such file, or none that can be read: the CLI then says what is wrong.
 */
export async function readState(
  context: Place,
  project: string,
  stack: string,
): Promise<Deployment | undefined> {
  const folder = backendFolder(context);
  if (folder === undefined) return undefined;
  const text = await readIfThere(join(folder, "stacks", project, `${stack}.json`));
  if (text === undefined) return undefined;
  try {
    return (JSON.parse(text) as StateFile).checkpoint?.latest;
  } catch {
    return undefined;
  }
}

/** What a stack outputs by its state, as `pulumi stack output --json` prints it; undefined before it was deployed. */
export function outputsIn({ resources = [] }: Deployment): Readonly<Record<string, unknown>> | undefined {
  const root: (StackResource & { readonly outputs?: Readonly<Record<string, unknown>> }) | undefined =
    resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  if (!root) return undefined;
  const shown = Object.entries(root.outputs ?? {}).map(([name, value]) => [
    name,
    isWireSecret(value) ? "[secret]" : value,
  ]);
  return Object.fromEntries(shown);
}
