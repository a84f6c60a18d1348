import type { Resource } from "@pulumi/pulumi";
import { Service } from "./resources.ts";

/** What of Google's APIs a deployment, its machines and its operators call. */
const names = ["compute", "iam", "iamcredentials", "iap", "storage"] as const;

/** What a budget needs besides. */
const budgetNames = ["billingbudgets", "monitoring"] as const;

/** Each API, once it is enabled. */
type Enabled<Name extends string> = Readonly<Record<Name, Resource>>;

export interface Apis extends Enabled<(typeof names)[number]> {
  /** Enables those of a budget. */
  ofBudget(): Enabled<(typeof budgetNames)[number]>;
}

/** Enables the APIs in the project. They stay enabled when the stack is destroyed: others may have come to use them. */
export function enableApis(): Apis {
  return { ...enable(names), ofBudget: () => enable(budgetNames) };
}

function enable<Name extends string>(names: readonly Name[]): Enabled<Name> {
  const made = names.map((name) => {
    const args = { service: `${name}.googleapis.com`, disableOnDestroy: false };
    return [name, new Service(`api-${name}`, args)];
  });
  return Object.fromEntries(made) as Enabled<Name>;
}
