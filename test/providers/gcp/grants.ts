import type { StackPlan } from "../../support/plan.ts";

/** What an account may do with a bucket, and when: permissions, and a condition of IAM's. */
export interface Grant {
  readonly permissions: readonly string[];
  readonly expression: string;
}

/** One thing that is asked of Cloud Storage: the permission it needs, on an object or, of a listing, for a prefix. */
export interface Access {
  readonly permission: string;
  readonly object?: string;
  readonly prefix?: string;
}

/** What machines may do with the bucket, as the program deploys it. */
export function plannedGrants(plan: StackPlan, bucket: string): Grant[] {
  return plan.byType("BucketIAMMember").map(({ inputs = {} }) => {
    const { title, expression } = inputs.condition as { title: string; expression: string };
    const { permissions } = plan.get(`IAMCustomRole::${title}`).inputs ?? {};
    return {
      permissions: permissions as string[],
      expression: expression.replaceAll(String(inputs.bucket), bucket),
    };
  });
}

/** Whether any grant allows it, as IAM's conditions say (https://cloud.google.com/iam/docs/conditions-attribute-reference). */
export function isAllowed(grants: readonly Grant[], bucket: string, access: Access): boolean {
  return grants.some(
    ({ permissions, expression }) =>
      permissions.includes(access.permission) &&
      expression.split(" || ").some((term) => holds(term, bucket, access)),
  );
}

/** The conditions that are used here. @throws for any other */
function holds(term: string, bucket: string, { object, prefix = "" }: Access): boolean {
  const [, ofResource] = /^resource\.name\.startsWith\("([^"]+)"\)$/.exec(term) ?? [];
  const name = `projects/_/buckets/${bucket}${object === undefined ? "" : `/objects/${object}`}`;
  if (ofResource !== undefined) return name.startsWith(ofResource);
  const [, ofPrefix] =
    /^api\.getAttribute\("storage\.googleapis\.com\/objectListPrefix", ""\)\.startsWith\("([^"]+)"\)$/.exec(
      term,
    ) ?? [];
  if (ofPrefix !== undefined) return prefix.startsWith(ofPrefix);
  throw new Error(`a condition that is not known here: ${term}`);
}
