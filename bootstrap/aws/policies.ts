import { withoutResources } from "../../providers/aws/policy-statements.ts";
import { type Operation, operations, permissionsFor } from "../permissions.ts";
import { permissions } from "./permissions.ts";
import { type Place, type Statement, scopesOf } from "./scopes.ts";

/** The most characters of a managed policy, white space aside (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html). */
export const longestPolicy = 6144;

/** The state of the deployed stack, where it is in a bucket of S3's. */
export interface State {
  readonly bucket: string;
  /** The folder in it, with a slash at its end; empty: none. */
  readonly folder: string;
  /** ARN of the key that the stack's secrets are encrypted with. */
  readonly key?: string;
}

/** What deploys may do: with all that the program makes, whatever of it a stack has. */
export function deployStatements(place: Place, own: readonly string[], state?: State): Statement[] {
  return [
    ...statementsFor(operations, place, ["*"]),
    ...stateStatements(place, state, "write"),
    // Nothing above allows it; nothing that is added to it shall.
    { Sid: "NotItself", Effect: "Deny", Action: "iam:*", Resource: own },
  ];
}

/** What previews may do: read what is deployed, but of the bucket's files only what the deployment itself stores. */
export function previewStatements(place: Place, state?: State): Statement[] {
  return [
    ...statementsFor(["read"], place, ["releases/*", "runtimes/*"]),
    ...stateStatements(place, state, "read"),
  ];
}

/** @throws when an action of the table has no scope, and is none of those that know no resources */
function statementsFor(wanted: readonly Operation[], place: Place, folders: readonly string[]): Statement[] {
  const actions = new Set(permissionsFor(permissions, wanted));
  const scopes = scopesOf(place, folders);
  const scoped = new Set(scopes.flatMap(({ Action }) => Action));
  const everywhere = [...actions].filter((action) => !scoped.has(action));
  const unknown = everywhere.filter((action) => !withoutResources.has(action));
  if (unknown.length > 0)
    throw new Error(`bootstrap/aws/scopes.ts does not say what ${unknown.join(", ")} may be done with`);
  return [
    ...scopes.flatMap(({ Action, Resource, ...rest }): Statement[] => {
      const of = Action.filter((action) => actions.has(action));
      if (of.length === 0 || Resource.length === 0) return [];
      return [{ ...rest, Effect: "Allow", Action: of, Resource }];
    }),
    { Sid: "WithoutResources", Effect: "Allow", Action: everywhere, Resource: "*" },
  ];
}

/** What Pulumi does with a state in S3 (https://www.pulumi.com/docs/iac/concepts/state-and-backends/). */
function stateStatements(
  { partition }: Place,
  state: State | undefined,
  access: "read" | "write",
): Statement[] {
  if (state === undefined) return [];
  const { bucket, folder, key } = state;
  const arn = `arn:${partition}:s3:::${bucket}`;
  const writes = access === "write";
  return [
    { Sid: "FindState", Effect: "Allow", Action: "s3:ListBucket", Resource: arn },
    {
      Sid: "State",
      Effect: "Allow",
      Action: ["s3:GetObject", ...(writes ? ["s3:DeleteObject", "s3:PutObject"] : [])],
      Resource: `${arn}/${folder}.pulumi/*`,
    },
    ...(key === undefined
      ? []
      : [
          {
            Sid: "Secrets",
            Effect: "Allow",
            Action: ["kms:Decrypt", ...(writes ? ["kms:Encrypt"] : [])],
            Resource: key,
          } as const,
        ]),
  ];
}

const textOf = (Statement: readonly Statement[]) => JSON.stringify({ Version: "2012-10-17", Statement });

/** As few documents as hold these statements, in their order, each within the limit. @throws when one alone is too long */
export function documentsOf(statements: readonly Statement[]): string[] {
  const documents: Statement[][] = [];
  for (const statement of statements) {
    const length = textOf([statement]).length;
    if (length > longestPolicy)
      throw new Error(
        `the statement ${statement.Sid} has ${length} characters, and may have ${longestPolicy}`,
      );
    const last = documents.at(-1);
    if (last && textOf([...last, statement]).length <= longestPolicy) last.push(statement);
    else documents.push([statement]);
  }
  return documents.map(textOf);
}
