import { type Operation, operations, permissionsFor } from "../permissions.ts";
import { permissions } from "./permissions.ts";

/** What is deployed, in Google's words. */
export interface Place {
  /** The Google Cloud project. */
  readonly project: string;
  /** The bucket's exact name, if it must have one. */
  readonly bucket?: string | undefined;
}

/** A role, and on what of the project it is granted. */
export interface RoleSpec {
  /** What ends its id. */
  readonly part: string;
  readonly permissions: readonly string[];
  /** Absent: everything of the project. Compute Engine's resources have no name of the deployment's own, and are all of it. */
  readonly condition?: string;
}

/** Checked on the project, before there is a bucket that a condition could name. */
const onProject = ["storage.buckets.create"];

/** What deploys may do: with all that the program makes, whatever of it a stack has. */
export function deployRoles(place: Place): RoleSpec[] {
  return rolesFor("deploy", operations, onBucket(place));
}

/** What previews may do: read what is deployed, but of the bucket's files only what the deployment itself stores. */
export function previewRoles(place: Place): RoleSpec[] {
  const folder = 'resource.name.extract("/objects/{folder}/")';
  const stored = ["releases", "runtimes"].map((name) => `${folder} == "${name}"`);
  const readable = ['resource.type != "storage.googleapis.com/Object"', ...stored].join(" || ");
  return rolesFor("preview", ["read"], `(${onBucket(place)}) && (${readable})`);
}

function rolesFor(part: string, wanted: readonly Operation[], condition: string): RoleSpec[] {
  const all = permissionsFor(permissions, wanted);
  const ofBucket = (permission: string) =>
    permission.startsWith("storage.") && !onProject.includes(permission);
  return [
    { part, permissions: all.filter((permission) => !ofBucket(permission)) },
    { part: `${part}_bucket`, permissions: all.filter(ofBucket), condition },
  ];
}

/** The stack's bucket, and what is in it (https://cloud.google.com/iam/docs/conditions-resource-attributes). */
function onBucket({ project, bucket }: Place): string {
  const buckets = "projects/_/buckets/";
  // As providers/gcp/bucket.ts calls it; Pulumi puts seven characters behind.
  if (bucket === undefined) return `resource.name.startsWith("${buckets}${project}-files-")`;
  return `resource.name == "${buckets}${bucket}" || resource.name.startsWith("${buckets}${bucket}/")`;
}
