import * as v from "valibot";
import { type DeployedStack, readOperator } from "../../operations/outputs.ts";

const schema = v.object({
  authUrl: v.string(),
  region: v.string(),
  project: v.string(),
  loadBalancer: v.string(),
  /** Of the object store, where that speaks S3. */
  s3Endpoint: v.optional(v.string()),
  s3Region: v.optional(v.string()),
});

/** Where a stack is: its Keystone's URL, the region, the project by its id; and its load balancer, which knows the health of machines. */
export type OpenstackOperator = v.InferOutput<typeof schema>;

/**
 * Where a deployed stack is.
 *
 * @throws when a version of the program deployed it that did not say
 */
export function placeOf(stack: DeployedStack): OpenstackOperator {
  return readOperator(schema, stack);
}
