import { readdirSync } from "node:fs";
import { basename } from "node:path";

/** The file that configures a stack, also of one that is named with its organization and project. */
export function stackFile(stack: string): string {
  return `Pulumi.${basename(stack)}.yaml`;
}

/** What asking for a stack ends with that has no file in the project's folder, with those that have one. */
export function noStackFile(root: string, stack: string, file = stackFile(stack)): Error {
  return new Error(
    `There is no ${file} to configure the stack "${stack}". Stacks that have a file: ${stacksWithFile(root)}.`,
  );
}

/** The stacks that have a file in the project's folder, in words. */
export function stacksWithFile(root: string): string {
  const stacks = readdirSync(root).flatMap((entry) => /^Pulumi\.(.+)\.yaml$/.exec(entry)?.[1] ?? []);
  return stacks.sort().join(", ") || "none";
}
