import type { ResourceKind } from "../../plugin/resource.ts";
import { clones } from "./clones.ts";
import { contents } from "./contents.ts";
import { layout } from "./layout.ts";
import { s3Bucket } from "./s3-bucket.ts";
import { sweep } from "./sweep.ts";

/** The resource types of this cloud that its SDK does not have. */
export const kinds: Readonly<Record<string, ResourceKind>> = {
  "switchyard:openstack:Clones": clones,
  "switchyard:openstack:Contents": contents,
  "switchyard:openstack:Layout": layout,
  "switchyard:openstack:S3Bucket": s3Bucket,
  "switchyard:openstack:Sweep": sweep,
};
