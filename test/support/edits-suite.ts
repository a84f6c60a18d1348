import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { CloudEdits } from "../../plan/compare/cloud-edits.ts";
import { comparePlans, tableOf } from "../../plan/compare/compare.ts";
import { renderComparison } from "../../plan/compare/text.ts";
import { clouds } from "../../providers/index.ts";
import { type Edit, editOf } from "./edits.ts";
import { editsPage } from "./edits-page.ts";
import { planStack, type StackPlan } from "./plan.ts";

type Config = Readonly<Record<string, unknown>>;

/** One edit of a deployed stack's configuration; keys are those below `switchyard:`. */
export interface EditRow {
  readonly edit: string;
  /** What is deployed, above the base. Default: the base. */
  readonly from?: Config;
  /** What is to be deployed, above the base. */
  readonly to: Config;
  /** What users and operators notice, for the page. */
  readonly service: string;
  /** Clusters whose machines are replaced. Default: none. */
  readonly rolled?: readonly string[];
  /** How the preview refuses it. */
  readonly refused?: RegExp;
}

export interface EditsSuite {
  readonly cloud: string;
  readonly stack: string;
  readonly base: Config;
  readonly rows: readonly EditRow[];
  /** The cloud's own. */
  readonly edits: CloudEdits;
  /** What the preview says, and stops. Default: nothing. */
  readonly refusals?: (before: StackPlan, after: StackPlan) => Promise<readonly string[]>;
}

/**
 * Tests what edits of a cloud's deployed stack do, by the plans before and after each: that the cloud refuses nothing in
 * the middle of the deployment, which machines are replaced, and that `docs/edits-<stack>.md` says so.
 */
export function editsSuite({
  cloud,
  stack,
  base,
  rows,
  edits: known,
  refusals = async () => [],
}: EditsSuite): void {
  describe(`edits of a deployed stack on ${cloud}`, () => {
    const edits = new Map<
      string,
      { readonly edit: Edit; readonly refused: readonly string[]; readonly text: string }
    >();
    const unknownTypes = new Set<string>();

    beforeAll(async () => {
      const plans = new Map<string, Promise<StackPlan>>();
      const plan = (config: Config) => {
        const key = JSON.stringify(config);
        const planned = plans.get(key) ?? planStack(stack, config);
        plans.set(key, planned);
        return planned;
      };
      const waiting = [...rows];
      const work = async () => {
        for (let row = waiting.shift(); row; row = waiting.shift()) {
          const before = await plan({ ...base, ...row.from });
          const after = await plan({ ...base, ...row.to });
          const refused = await refusals(before, after);
          const resources = [...before.resources, ...after.resources];
          const table = await tableOf(known.replacements, resources, clouds);
          for (const { custom, type } of resources) {
            if (custom && !Object.hasOwn(table, type)) unknownTypes.add(type);
          }
          const sides = { stack, base: "as it is", head: "as it is to be" };
          const compared = await comparePlans(before.document, after.document, sides, clouds);
          edits.set(row.edit, {
            edit: editOf(before, after, known, table),
            refused,
            text: renderComparison(compared),
          });
        }
      };
      await Promise.all([work(), work()]);
    }, 600_000);

    test.each(rows)("$edit", ({ edit: name, refused: refusal, rolled = [] }) => {
      const { edit, refused } = edits.get(name) ?? {};
      if (refusal) expect(refused).toEqual([expect.stringMatching(refusal)]);
      else {
        const happens = { refused, collisions: edit?.collisions, rolled: edit?.rolled };
        expect(happens).toEqual({ refused: [], collisions: [], rolled });
      }
    });

    test("it is known of each type what replaces a resource of it", () => {
      expect([...unknownTypes]).toEqual([]);
    });

    test("comparisons say what a person has to know", async () => {
      const texts = rows.map(({ edit }) => `# ${edit}\n\n${edits.get(edit)?.text}`);
      // Hashes of what machines fetch change with it.
      const text = texts.join("\n").replaceAll(/[0-9a-f]{48,}|(?<=-)[0-9a-f]{8}(?=-\d)/g, "…");
      await expect(text).toMatchFileSnapshot(
        join(import.meta.dirname, `../providers/${stack}/comparisons.txt`),
      );
    });

    test(`docs/edits-${stack}.md says what becomes of each`, async () => {
      const described = rows.map(({ edit, service }) => {
        return { name: edit, service, edit: edits.get(edit)?.edit as Edit };
      });
      const page = join(import.meta.dirname, `../../docs/edits-${stack}.md`);
      await expect(editsPage(cloud, described)).toMatchFileSnapshot(page);
    });
  });
}
