import type { Properties, ResourceKind } from "./resource.ts";

/**
 * The type of what removes a network's clones (components/clones.ts): when it goes itself, and when another network takes
 * the place of theirs.
 *
 * @param sweep removes what carries the mark of `network`
 */
export function clonesKind<Inputs extends { readonly network: string }>(
  sweep: (inputs: Inputs) => Promise<void>,
): ResourceKind {
  const inputs = (properties: Properties) => properties as unknown as Inputs;
  return {
    replaceOn: [],
    async create(_news, context) {
      return { id: context.name, outputs: {} };
    },
    async update(_id, news, olds) {
      if (inputs(olds).network !== inputs(news).network) await sweep(inputs(olds));
      return {};
    },
    delete: (_id, olds) => sweep(inputs(olds)),
  };
}
