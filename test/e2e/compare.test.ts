import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { comparePlans } from "../../plan/compare/compare.ts";
import { clouds } from "../../providers/index.ts";
import { planOf, type StackPlan } from "../support/plan.ts";
import { freePort } from "../support/ports.ts";
import { type Config, Deployment, type Step } from "./deployment.ts";

const cluster = (name: string, more: object = {}) => ({ name, min: 1, max: 2, path: `/${name}`, ...more });
const [one, two] = [cluster("one"), cluster("two")];

/** By what is edited: keys over those of what is deployed. Few of them stand for all in every run. */
const edits: Readonly<Record<string, Config>> = {
  "nothing at all": {},
  "a cluster's size": { clusters: [{ ...one, min: 2, desired: 2 }, two] },
  "a cluster's name": { clusters: [{ ...one, name: "uno" }, two] },
  "the bucket's protection": { bucket: { protect: false } },
  "the network's range": { network: { cidr: "10.96.0.0/16", subnets: [{ cidr: "10.96.1.0/24" }] } },
};

/** All others: SWITCHYARD_COMPARE=all runs them, too. */
const more: Readonly<Record<string, Config>> = {
  "two clusters swapped": { clusters: [two, one] },
  "a cluster that comes": { clusters: [one, two, cluster("three")] },
  "a cluster that goes": { clusters: [one] },
  "a path": { clusters: [{ ...one, path: "/other" }, two] },
  "a weight": { clusters: [{ ...one, weight: 3 }, two] },
  "a machine type": { clusters: [{ ...one, machineType: "local.large" }, two] },
  "the app's port": { app: { port: 5001 } },
  "the app's greeting": { app: { root: "health" } },
  "who may come in": { loadBalancer: { allow: ["127.0.0.1/32"] } },
  "the health check": { loadBalancer: { healthCheck: { intervalSeconds: 5 } } },
  "a tag": { tags: { owner: "me" } },
  "the project's name": { project: "other" },
};

let deployment: Deployment;
let base: Config;
let before: StackPlan;

beforeAll(async () => {
  base = { cloud: "local", clusters: [one, two], loadBalancer: { port: await freePort() } };
  deployment = await Deployment.up(base);
  before = await planOf(deployment.stack, { root: deployment.root });
}, 240_000);

afterAll(() => deployment?.remove(), 60_000);

/**
 * What is done to each resource, by URN: a replacement is one operation. The engine's document has neither all resources
 * that stay the same nor those of providers' own that a plan does not have.
 */
function done(steps: readonly Step[]): Record<string, string> {
  return Object.fromEntries(
    steps
      .filter(({ op, urn }) => op !== "same" && !urn.includes("::pulumi:providers:"))
      .map(({ urn, op }) => [urn, /replace/.test(op) ? "replace" : op] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

it.each(Object.entries(process.env.SWITCHYARD_COMPARE === "all" ? { ...edits, ...more } : edits))(
  "says of %s what the engine's preview says of each resource",
  async (_, edit) => {
    const loadBalancer = { ...(base.loadBalancer as object), ...(edit.loadBalancer as object | undefined) };
    const config = { ...base, ...edit, loadBalancer };
    const keys = Object.entries(config).map(([key, value]) => [`switchyard:${key}`, value]);
    const file = join(deployment.root, `Pulumi.${deployment.stack}.yaml`);
    await writeFile(file, JSON.stringify({ config: Object.fromEntries(keys) }));
    const after = await planOf(deployment.stack, { root: deployment.root });
    const { stdout, stderr } = await deployment.pulumi("preview", "--stack", deployment.stack, "--json");
    const { steps } = JSON.parse(stdout || JSON.stringify({ stderr })) as { steps: Step[] };
    const sides = { stack: deployment.stack, base: "deployed", head: "edited" };
    const { comparison } = await comparePlans(before.document, after.document, sides, clouds);
    expect(done(comparison.changes)).toEqual(done(steps));
  },
  180_000,
);
