import { parseUrn } from "../../operations/urn.ts";
import type { Change } from "../changes.ts";
import type { CloudEdits } from "./cloud-edits.ts";

interface Said {
  readonly urn: string;
  readonly text: string;
}

export interface Refusals {
  readonly failures: readonly Said[];
  readonly warnings: readonly Said[];
}

/** What the preview refuses, and warns of, by what is deployed and what is to be. */
export async function refusalsOf(changes: readonly Change[], { checks }: CloudEdits): Promise<Refusals> {
  const failures: Said[] = [];
  const warnings: Said[] = [];
  for (const { urn, before, after } of changes) {
    const check = checks[after?.type ?? ""]?.check;
    if (!check || !before || !after) continue;
    const context = {
      urn,
      name: parseUrn(urn).name,
      signal: AbortSignal.abort(new Error("comparing plans asks nobody")),
      progress: () => {},
      warn: (text: string) => warnings.push({ urn, text }),
    };
    const found = await check({ ...after.inputs }, { ...before.inputs }, context);
    failures.push(...found.map(({ reason }) => ({ urn, text: reason })));
  }
  return { failures, warnings };
}
