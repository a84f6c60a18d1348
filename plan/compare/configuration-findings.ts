import type { Plan } from "../plan.ts";
import type { Finding } from "./comparison.ts";

/** What is other in the files, and whose effect plans do not tell. */
export function configurationFindings(before: Plan, after: Plan, otherSecrets: readonly string[]): Finding[] {
  const finding = (text: string): Finding => ({
    severity: "caution",
    topic: "configuration",
    text,
    urns: [],
  });
  const project = (key: string) => key.startsWith("switchyard:");
  const keys = [...new Set([...Object.keys(before.config), ...Object.keys(after.config)])].sort();
  const providers = keys.filter((key) => !project(key) && before.config[key] !== after.config[key]);
  const versions = versionsOf(after).filter(
    ([name, version]) => (new Map(versionsOf(before)).get(name) ?? version) !== version,
  );
  return [
    ...providers.map((key) =>
      finding(
        `${key} is ${after.config[key] ?? "not set"} (was ${before.config[key] ?? "not set"}): a provider's own configuration, of which plans do not tell what it does to what is deployed`,
      ),
    ),
    ...versions.map(([name, version]) =>
      finding(
        `the provider ${name} is ${version} (was ${new Map(versionsOf(before)).get(name)}): another version may find differences of its own`,
      ),
    ),
    ...otherSecrets.map((key) =>
      finding(`${key} is encrypted anew: whether a secret in it is another one, plans do not tell`),
    ),
  ];
}

/** Versions of providers that resources are made with, by package. */
function versionsOf({ steps }: Plan): [string, string][] {
  const found = steps.flatMap(({ provider }): [string, string][] => {
    const [, name, version] = /pulumi:providers:([\w-]+)::default_([\w]+)::/.exec(provider ?? "") ?? [];
    return name && version ? [[name, version.replaceAll("_", ".")]] : [];
  });
  return [...new Map(found)];
}
