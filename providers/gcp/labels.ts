import type { Draft, Report, Settings } from "../../config/settings.ts";

/** Google's limits of labels (https://cloud.google.com/resource-manager/docs/labels-overview#requirements). */
const mostCharacters = 63;
const mostLabels = 64;

/** Labels that the program sets itself. */
const ownLabels: ReadonlySet<string> = new Set(["project_name", "cluster"]);

/** A text as a label has it: in lower case, and `_` for each character but letters of a to z, digits, `_` and `-`. */
export function labelText(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9_-]/gu, "_");
}

/** The labels that tags become: `Cost centre: 42/A` becomes `cost_centre: 42_a`. */
export function labelsFrom(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).map(([tag, value]) => [labelText(tag), labelText(value)]));
}

/** Refuses tags that cannot become labels, or that would become the same one. */
export function checkTags(key: string, tags: Draft<Settings["tags"]> = {}, report: Report): void {
  const seen = new Map<string, string>();
  for (const [tag, value = ""] of Object.entries(tags)) {
    const name = `${key}[${JSON.stringify(tag)}]`;
    const label = labelText(tag);
    const twin = seen.get(label);
    seen.set(label, tag);
    if (ownLabels.has(label) || /^goog/.test(label))
      report(name, value, `its label, ${label}, is set by the program or by Google: choose another tag`);
    else if (!/^[a-z]/.test(label) || label.length > mostCharacters)
      report(
        name,
        value,
        `on Google Cloud a tag begins with a letter, and has ${mostCharacters} characters at most`,
      );
    else if (value.length > mostCharacters)
      report(name, value, `on Google Cloud a tag's value has ${mostCharacters} characters at most`);
    else if (twin !== undefined)
      report(
        name,
        value,
        `its label, ${label}, is that of the tag ${JSON.stringify(twin)}, too: rename one of the two`,
      );
  }
  const count = Object.keys(tags).length;
  const most = mostLabels / 2 - ownLabels.size;
  if (count > most) report(key, `${count} tags`, `on Google Cloud there may be ${most} at most`);
}
