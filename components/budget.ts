import * as pulumi from "@pulumi/pulumi";
import type { BudgetSettings } from "../config/settings.ts";
import type { Bucket } from "./bucket.ts";

export interface BudgetArgs<B extends Bucket = Bucket> extends BudgetSettings {
  /** The stack's own: by it a cloud may know what of a bill is the stack's. */
  readonly bucket: B;
}

/** What writes an e-mail when the cloud's charges reach an amount. It stops nothing. */
export abstract class Budget extends pulumi.ComponentResource {
  protected constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("switchyard:index:Budget", name, {}, opts);
  }
}
