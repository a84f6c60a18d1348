import type * as pulumi from "@pulumi/pulumi";
import { Bucket } from "../../components/bucket.ts";

/** Whose credential it is. */
export type Owner = "machines" | "controller";

type Texts = Readonly<Record<string, pulumi.Input<string>>>;

/** How machines reach the store: what their startup script fetches with, and what the app is told. */
export interface MachineAccess {
  /** Variables of the script's own. */
  readonly settings: Texts;
  readonly environment: Texts;
  readonly secrets: Texts;
}

/** Where a deployment on OpenStack keeps files and releases: Swift, or a service that speaks S3. */
export abstract class OpenstackBucket extends Bucket {
  /** Makes the credential of machines, of which a deployment has one, or of the controller's; in user data it is a secret. */
  abstract machineAccess(owner: Owner): MachineAccess;
}
