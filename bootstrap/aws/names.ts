import type { Settings } from "../../config/settings.ts";
import { roleNamePrefix } from "../../providers/aws/machine-role.ts";

/** What of a stack's settings says how its resources are called. */
export type MachineNames = Pick<Settings, "project" | "names">;

/** Names that Terraform makes of a prefix end in 26 characters, those that Pulumi makes in a hyphen and seven. */
const byTerraform = "?".repeat(26);
const byPulumi = `-${"?".repeat(7)}`;

/** Patterns of the names that AWS's services know a stack's resources by, where they do not go by tags. */
export function namesOf({ project, names }: MachineNames) {
  const { machineRole, bucket, billingTopic, loadBalancer } = names;
  return {
    roles: [
      machineRole ?? `${roleNamePrefix(project, "machines")}${byTerraform}`,
      `${roleNamePrefix(project, "controller")}${byTerraform}`,
    ],
    buckets: [bucket ?? `${project}-${byTerraform}`, `${project}-logs-${byTerraform}`],
    balancers: [loadBalancer ?? `edge${byPulumi}`, `controller${byPulumi}`],
    topic: billingTopic ?? `BillingAlarm${byPulumi}`,
    alarm: `budget${byPulumi}`,
  };
}
