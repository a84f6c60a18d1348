import type * as pulumi from "@pulumi/pulumi";
import { type Owner, rightsOf, roleIdOf, signPermissions } from "../../providers/gcp/machine-account.ts";
import { Account, IAMCustomRole, IAMMember, ProjectIAMMember } from "./resources.ts";

/**
 * Makes who machines are, or the controller, with the roles that the program would make for them. Those for the bucket are
 * granted by the deployment, on its bucket; all others here.
 */
export function makeMachineAccount(
  accountId: string,
  owner: Owner,
  project: string,
  opts: pulumi.CustomResourceOptions,
): Account {
  const { displayName, onBucket, signs, inProject } = rightsOf[owner];
  const account = new Account(accountId, { accountId, displayName, project }, opts);
  const role = (part: string, title: string, permissions: readonly string[]) => {
    const roleId = roleIdOf(accountId, part);
    return new IAMCustomRole(roleId, { roleId, title, permissions: [...permissions], project }, opts).name;
  };
  for (const { name, title, permissions } of onBucket) role(name, title, permissions);
  const { member } = account;
  if (signs) {
    const signing = role("sign", `${displayName}: sign URLs`, signPermissions);
    new IAMMember(`${accountId}-sign`, { serviceAccountId: account.name, role: signing, member }, opts);
  }
  if (inProject.length > 0) {
    const sizing = role("size", `${displayName}: set the size of groups`, inProject);
    new ProjectIAMMember(`${accountId}-size`, { project, role: sizing, member }, opts);
  }
  return account;
}
