import type { Change } from "../changes.ts";
import { readable } from "../names.ts";
import { type FindOpenings, isInternet, type Opening } from "../openings.ts";
import type { PlannedResource } from "../plan.ts";
import { shortList } from "../texts.ts";
import type { CloudEdits } from "./cloud-edits.ts";
import { collisionsOf, tokenOf } from "./collisions.ts";
import { type Finding, topics } from "./comparison.ts";
import type { PlanFacts } from "./facts.ts";
import { componentFindings, machineFindings } from "./machine-findings.ts";
import { type Refusals, refusalsOf } from "./refusals.ts";

/** All that findings are made from. */
export interface Material {
  readonly changes: readonly Change[];
  readonly before: PlanFacts;
  readonly after: PlanFacts;
  readonly edits: CloudEdits;
  readonly openings: FindOpenings;
}

/** What a person decides by. */
export async function findingsOf(material: Material): Promise<Finding[]> {
  const exposure = exposureFindings(material);
  const said = await refusalsOf(material.changes, material.edits);
  return [
    ...dataFindings(material),
    ...exposure,
    ...componentFindings({ ...material, exposed: exposure.length > 0 }),
    ...rightsFindings(material),
    ...machineFindings(material, said.warnings.length > 0),
    ...failureFindings(material, said),
    ...addressFindings(material),
  ];
}

/** The most dangerous first. */
export function inOrder(found: readonly Finding[]): Finding[] {
  const grave = ["danger", "caution", "notice"];
  return found.toSorted(
    (a, b) =>
      grave.indexOf(a.severity) - grave.indexOf(b.severity) ||
      topics.indexOf(a.topic) - topics.indexOf(b.topic),
  );
}

function dataFindings({ changes, edits }: Material): Finding[] {
  return changes.flatMap(({ urn, op, before, after }): Finding[] => {
    const emptied = edits.data[(before ?? after)?.type ?? ""];
    if (emptied === undefined || !before) return [];
    const finding = (severity: Finding["severity"], text: string): Finding[] => [
      { severity, topic: "data", text: `${readable(urn)} ${text}`, urns: [urn] },
    ];
    const mayGo = before.inputs?.[emptied] === true;
    const content = mayGo ? "with all that is in it" : "which the cloud refuses while anything is in it";
    if (op === "delete" && before.retainOnDelete)
      return finding("notice", "leaves the program, and stays where it is with its data");
    if (op === "delete" && !before.protect) return finding("danger", `is deleted, ${content}`);
    if (op === "replace" && !before.protect)
      return finding("danger", `is replaced by an empty one, and then deleted, ${content}`);
    if (!after) return [];
    const found: Finding[] = [];
    if (before.protect && !after.protect)
      found.push(...finding("danger", "is protected no more: whatever deletes it is not refused"));
    if (!before.protect && after.protect)
      found.push(...finding("notice", "is protected: whatever would delete it is refused"));
    const mayGoNow = after.inputs?.[emptied] === true;
    if (!mayGo && mayGoNow)
      found.push(...finding("danger", `may be deleted with all that is in it (${emptied})`));
    if (mayGo && !mayGoNow)
      found.push(...finding("notice", `may not be deleted any more while anything is in it (${emptied})`));
    return found;
  });
}

interface Opened extends Opening {
  readonly urns: readonly string[];
}

/** Openings of all resources, the same ones together. */
function openedBy(resources: readonly PlannedResource[], openings: FindOpenings): Map<string, Opened> {
  const found = resources.flatMap((resource) =>
    openings(resource).map((opening) => ({ ...opening, urn: resource.urn })),
  );
  const groups = Map.groupBy(found, ({ port, from }) => `${port} from ${from}`);
  return new Map(
    [...groups].map(([key, all]) => [
      key,
      { port: all[0]?.port ?? "", from: all[0]?.from ?? "", urns: all.map(({ urn }) => urn) },
    ]),
  );
}

function exposureFindings({ before, after, openings }: Material): Finding[] {
  const [olds, news] = [openedBy(before.resources, openings), openedBy(after.resources, openings)];
  const findings = (from: typeof olds, other: typeof olds, verb: "opens" | "closes"): Finding[] =>
    [...from].flatMap(([key, opened]) => {
      if (other.has(key)) return [];
      const isPublic = isInternet(opened.from);
      const everybody = /\/0$/.test(opened.from) ? ", everybody" : isPublic ? "" : ", which is private";
      const severity = verb === "closes" ? "caution" : isPublic ? "danger" : "caution";
      const text = `${verb} ${opened.port} ${verb === "opens" ? "to" : "for"} ${opened.from}${everybody} (${[...new Set(opened.urns.map(readable))].join(", ")})`;
      return [{ severity, topic: "exposure", text, urns: opened.urns }];
    });
  return [...findings(news, olds, "opens"), ...findings(olds, news, "closes")];
}

function rightsFindings({ changes, edits }: Material): Finding[] {
  return changes.flatMap(({ urn, before, after }): Finding[] => {
    const [olds, news] = [before, after].map((one) => (one ? edits.rights(one) : []));
    const gained = (news ?? []).filter((right) => !olds?.includes(right));
    const lost = (olds ?? []).filter((right) => !news?.includes(right));
    const wider = [
      ...gained.filter((right) => !right.startsWith("deny ")),
      ...lost.filter((right) => right.startsWith("deny ")).map((right) => `no longer ${right}`),
    ];
    const narrower = before && [
      ...lost.filter((right) => !right.startsWith("deny ")),
      ...gained.filter((right) => right.startsWith("deny ")),
    ];
    const finding = (severity: Finding["severity"], verb: string, rights: readonly string[]): Finding[] =>
      rights.length === 0
        ? []
        : [
            {
              severity,
              topic: "rights",
              text: `${readable(urn)} ${verb}: ${shortList(rights, 6)}`,
              urns: [urn],
            },
          ];
    return [
      ...finding("danger", "gives more rights", wider),
      ...finding("notice", "gives fewer rights", narrower ?? []),
    ];
  });
}

function failureFindings({ changes, after, edits }: Material, { failures, warnings }: Refusals): Finding[] {
  const finding = (topic: Finding["topic"], text: string, urns: readonly string[]): Finding => ({
    severity: "danger",
    topic,
    text,
    urns,
  });
  const custom = changes.filter((change) => (change.after ?? change.before)?.custom);
  // What the preview refuses never comes to its collisions.
  const collisions = failures.length > 0 ? [] : collisionsOf(custom, after.resources, edits);
  return [
    ...collisions.map(({ text, urns }) => finding("failure", `the deployment fails: ${text}`, urns)),
    ...failures.map(({ text, urn }) => finding("failure", `the deployment is refused: ${text}`, [urn])),
    ...warnings.map(({ text, urn }) => finding("service", text, [urn])),
  ];
}

/** Outputs that people and DNS records use: other ones, or those of something that is made anew. */
function addressFindings({ changes, before, after }: Material): Finding[] {
  const replaced = changes.filter(({ op, after }) => op === "replace" && after?.custom);
  const names = ["url", "address", "bucketName", "controllerUrl"] as const;
  const finding = (text: string, urns: readonly string[]): Finding => ({
    severity: "danger",
    topic: "address",
    text,
    urns,
  });
  const isOther = (name: string) => before.outputs[name] !== after.outputs[name];
  const others = names.filter(isOther).map((name) => {
    const now = String(after.outputs[name] ?? "none");
    const urns = after.resources.filter((one) => now.includes(tokenOf(one))).map(({ urn }) => urn);
    return finding(`the output ${name} changes: ${before.outputs[name] ?? "none"} → ${now}`, urns);
  });
  const anew = replaced.flatMap(({ urn, after: resource }) => {
    if (!resource) return [];
    const outputs = names.filter(
      (name) => !isOther(name) && String(after.outputs[name]).includes(tokenOf(resource)),
    );
    if (outputs.length === 0) return [];
    const verb = outputs.length === 1 ? "changes" : "change";
    return [
      finding(
        `${outputs.join(" and ")} ${verb}, because ${readable(urn)} is made anew${outputs.some((name) => name === "url" || name === "address") ? ": lead your own DNS name there" : ""}`,
        [urn],
      ),
    ];
  });
  return [...others, ...anew];
}
