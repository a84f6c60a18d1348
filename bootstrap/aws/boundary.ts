import * as pulumi from "@pulumi/pulumi";
import { controllerPolicy, machinePolicy } from "../../providers/aws/machine-role.ts";
import { namesOf } from "./names.ts";
import type { Place, Statement } from "./scopes.ts";

/**
 * The most that any role of the deployment's may do: what the program itself gives machines and the controller, with the names
 * that its bucket and groups may get. Whoever deploys can give roles no more than this, whatever policy is put into them.
 */
export function boundaryStatements(place: Place): pulumi.Output<Statement[]> {
  const { partition, region, project, encryptionKey } = place;
  const [bucket = ""] = namesOf(place).buckets;
  const of = { arn: pulumi.output(`arn:${partition}:s3:::${bucket}`), encryptionKey };
  const policies = [machinePolicy(of), controllerPolicy(of, ["*"], { region })];
  return pulumi.all(policies).apply((texts) => {
    const all = texts.flatMap((text) => (JSON.parse(text) as { Statement: Statement[] }).Statement);
    const bySid = new Map(all.map((statement) => [statement.Sid, statement]));
    return [...bySid.values()].map((statement) =>
      // Of all groups, as no group has its name yet; of this deployment's alone.
      statement.Sid === "SetSizes"
        ? { ...statement, Condition: { StringEquals: { "aws:ResourceTag/project_name": project } } }
        : statement,
    );
  });
}
