import * as v from "valibot";
import { type DeployedStack, readOperator } from "../../operations/outputs.ts";

const schema = v.object({ project: v.string(), region: v.string() });

/** Where a stack is: the Google Cloud project, by its id, and the region. */
export type GcpOperator = v.InferOutput<typeof schema>;

/**
 * Where a deployed stack is.
 *
 * @throws when a version of the program deployed it that did not say
 */
export function placeOf(stack: DeployedStack): GcpOperator {
  return readOperator(schema, stack);
}
