import * as v from "valibot";
import { type DeployedStack, readOperator } from "../../operations/outputs.ts";

const schema = v.object({ region: v.string(), profile: v.optional(v.string()) });

/** Where a stack is, and the profile that deployed it; without one, the environment's credentials did. */
export type AwsOperator = v.InferOutput<typeof schema>;

/** What a stack tells operators of itself. */
export function operatorOf({ region, profile }: AwsOperator) {
  return { region, ...(profile && { profile }) };
}

/**
 * Where a deployed stack is, and whose rights look at it: those of the environment's `AWS_PROFILE`, else of the profile
 * that deployed it, else what AWS's SDK finds.
 *
 * @throws when a version of the program deployed it that did not say
 */
export function clientSettings(stack: DeployedStack): { region: string; profile?: string } {
  const { region, profile } = readOperator(schema, stack);
  return operatorOf({ region, profile: process.env.AWS_PROFILE || profile });
}
