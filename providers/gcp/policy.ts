import { itemsAt, looking, mustBe, mustBePlain, mustHave, valueAt } from "../../plan/policy/checks.ts";
import type { Breach, CloudPolicy } from "../../plan/policy/policy.ts";

const bucket = "gcp:storage/bucket:Bucket";
const template = "gcp:compute/instanceTemplate:InstanceTemplate";

/** Types that can have labels, of those that the program makes and some that users add; a test holds the first to the SDK. */
export const taggable: readonly string[] = [
  bucket,
  template,
  "gcp:compute/disk:Disk",
  "gcp:compute/globalAddress:GlobalAddress",
  "gcp:compute/globalForwardingRule:GlobalForwardingRule",
  "gcp:compute/instance:Instance",
];

/** Grants of a role, on buckets, accounts and projects. */
const grants = [
  "gcp:projects/iAMBinding:IAMBinding",
  "gcp:projects/iAMMember:IAMMember",
  "gcp:serviceaccount/iAMBinding:IAMBinding",
  "gcp:serviceaccount/iAMMember:IAMMember",
  "gcp:storage/bucketIAMBinding:BucketIAMBinding",
  "gcp:storage/bucketIAMMember:BucketIAMMember",
];

/** Roles over all of a project (https://cloud.google.com/iam/docs/roles-overview#basic). */
const basicRoles = ["roles/editor", "roles/owner", "roles/viewer"];

const everybody = ["allAuthenticatedUsers", "allUsers"];

function toEverybody(inputs: unknown): Breach[] {
  const members = [valueAt(inputs, "member"), ...itemsAt(inputs, "members")];
  return members
    .filter((member) => everybody.includes(String(member)))
    .map((member) => ({ property: "member", found: `is ${member}` }));
}

function basicRole(inputs: unknown): Breach[] {
  const role = String(valueAt(inputs, "role"));
  return basicRoles.includes(role)
    ? [
        {
          property: "role",
          found: `is ${role}, which is for all of the project`,
          remedy: "use a role of its own",
        },
      ]
    : [];
}

const tagged = (inputs: unknown): Breach[] =>
  valueAt(inputs, "labels.project_name") === undefined
    ? [{ property: "labels", found: "have no project_name" }]
    : [];

/** What the rules mean on Google Cloud. */
export const policy: CloudPolicy = {
  checks: {
    "bucket-private": {
      one: looking({
        [bucket]: (inputs) => [
          ...mustBe(inputs, "publicAccessPrevention", "enforced"),
          ...mustBe(inputs, "uniformBucketLevelAccess", true),
        ],
        "gcp:storage/bucketIAMBinding:BucketIAMBinding": toEverybody,
        "gcp:storage/bucketIAMMember:BucketIAMMember": toEverybody,
      }),
    },
    "data-encrypted":
      "Google encrypts all that it stores (https://cloud.google.com/docs/security/encryption/default-encryption).",
    "bucket-versioned": {
      one: looking({ [bucket]: (inputs) => mustBe(inputs, "versioning.enabled", true) }),
    },
    "metadata-guarded":
      "Its metadata service answers no request without a header of its own, which nothing that is merely told to fetch a URL sends (https://cloud.google.com/compute/docs/metadata/querying-metadata).",
    tagged: { one: looking(Object.fromEntries(taggable.map((type) => [type, tagged]))) },
    "rights-narrow": {
      one: looking({
        ...Object.fromEntries(
          grants.map((type) => [type, (inputs: unknown) => [...basicRole(inputs), ...toEverybody(inputs)]]),
        ),
        "gcp:projects/iAMCustomRole:IAMCustomRole": (inputs) =>
          itemsAt(inputs, "permissions")
            .filter((permission) => String(permission).includes("*"))
            .map((permission) => ({ property: "permissions", found: `have ${permission}` })),
      }),
    },
    "user-data-plain": {
      one: looking({
        [template]: (inputs) => mustBePlain(inputs, "metadata"),
        "gcp:compute/instance:Instance": (inputs) => mustBePlain(inputs, "metadata"),
      }),
    },
    "health-checked": {
      one: looking({
        "gcp:compute/regionInstanceGroupManager:RegionInstanceGroupManager": (inputs) =>
          mustHave(inputs, "autoHealingPolicies.healthCheck", "let it heal by a health check"),
        "gcp:compute/backendService:BackendService": (inputs) =>
          mustHave(inputs, "healthChecks", "give it the health check of its group"),
      }),
    },
  },
  exceptions: [],
};
