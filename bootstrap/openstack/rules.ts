import type { Settings } from "../../config/settings.ts";
import { type Operation, permissionsFor } from "../permissions.ts";
import { containers, permissions } from "./permissions.ts";

/** An access rule of an application credential (Identity API v3, "Application Credentials"). */
export interface AccessRule {
  readonly method: string;
  readonly service: string;
  readonly path: string;
}

/** What a stack's containers are called: exactly, or by what begins their names. */
export function containersOf({ project, names }: Pick<Settings, "project" | "names">) {
  const files = names.bucket ?? `${project}-files-*`;
  return { documents: `${files}-controller`, files, releases: `${project}-releases-*` };
}

/** What some operations ask of the cloud's services, with this stack's containers. */
export function rulesFor(
  wanted: readonly Operation[],
  settings: Pick<Settings, "project" | "names">,
): AccessRule[] {
  const names = containersOf(settings);
  return permissionsFor(permissions, wanted).map((rule) => {
    const [method = "", service = "", path = ""] = rule.split(" ");
    return {
      method,
      service,
      path: (Object.keys(containers) as (keyof typeof containers)[]).reduce(
        (text, name) => text.replace(containers[name], names[name]),
        path,
      ),
    };
  });
}
