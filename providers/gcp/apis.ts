import type { Resource } from "@pulumi/pulumi";
import { Service } from "./resources.ts";

/** What of Google's APIs a deployment, its machines and its operators call. */
const names = ["compute", "iam", "iamcredentials", "iap", "storage"] as const;

/** Each API, once it is enabled. */
export type Apis = Readonly<Record<(typeof names)[number], Resource>>;

/** Enables the APIs in the project. They stay enabled when the stack is destroyed: others may have come to use them. */
export function enableApis(): Apis {
  const made = names.map((name) => {
    const args = { service: `${name}.googleapis.com`, disableOnDestroy: false };
    return [name, new Service(`api-${name}`, args)];
  });
  return Object.fromEntries(made) as Apis;
}
