import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Plan, PlannedResource } from "../../plan/plan.ts";
import { planOf } from "../support/plan.ts";
import { freePort } from "../support/ports.ts";
import { type Config, Deployment } from "./deployment.ts";

/** What the CLI says for a value that it does not know, and we with a token or `[unknown]`. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** What both sides must then agree on: properties, among them a secret one, and options. */
const transforms = `import { output, runtime, secret } from "@pulumi/pulumi";
runtime.registerStackTransformation(({ type, props, opts }) => {
  if (type === "switchyard:index:AdminToken") return { props: { ...props, note: secret("quiet") }, opts };
  if (type !== "switchyard:local:MachineGroup") return undefined;
  const startupScript = output(props.startupScript).apply((script) => script + "# more");
  return { props: { ...props, startupScript, max: 6 }, opts: { ...opts, ignoreChanges: ["port"] } };
});
`;

let deployment: Deployment;
let engine: Plan;
let plan: Plan;

beforeAll(async () => {
  deployment = await Deployment.create({
    cloud: "local",
    network: { cidr: "10.94.0.0/16", subnets: [{ cidr: "10.94.1.0/24" }, { cidr: "10.94.2.0/24" }] },
    clusters: [
      { name: "cluster1", min: 2, max: 5, desired: 5, path: "/cluster1", subnets: [0] },
      { name: "cluster2", min: 4, max: 5, path: "/cluster2", subnets: [1] },
    ],
    loadBalancer: { port: await freePort() },
  });
  await writeFile(join(deployment.root, "transforms.ts"), transforms);
  const { stdout, stderr } = await deployment.pulumi("preview", "--stack", deployment.stack, "--json");
  engine = JSON.parse(stdout || JSON.stringify({ stderr })) as Plan;
  plan = (await planOf(deployment.stack, { root: deployment.root })).document;
}, 60_000);

afterAll(() => deployment?.remove(), 30_000);

type State = Partial<Record<keyof PlannedResource | "sourcePosition" | "stackTrace", unknown>>;

/** What both must agree on. Besides it, the CLI's steps have a `detailedDiff`, which is null for what is new. */
function comparable(newState: PlannedResource): State {
  const {
    // Lines of this machine's files; a plan has none, so that it is the same on every machine.
    sourcePosition: _,
    stackTrace: __,
    // Of components and the stack: known when the program ends; the CLI's document has the steps as they began.
    outputs: ___,
    inputs: ____,
    ...state
  } = newState as State;
  const sorted = (urns: unknown) => (urns as string[] | undefined)?.toSorted();
  const byProperty = Object.entries(newState.propertyDependencies ?? {});
  return {
    ...state,
    // The engine keeps sets: their order differs from run to run.
    dependencies: sorted(newState.dependencies),
    propertyDependencies: Object.fromEntries(byProperty.map(([key, urns]) => [key, sorted(urns)])),
    // The provider's id, which nobody knows before it runs.
    provider: newState.provider?.replace(unknown, "[unknown]"),
  };
}

/** The plan's value where the engine has one too; where the engine has none, ours must be a token or a text with one. */
function asTheEngineKnows(ours: unknown, theirs: unknown): unknown {
  if (theirs === unknown) return typeof ours === "string" && /\$\{|\[unknown\]/.test(ours) ? unknown : ours;
  if (typeof ours !== "object" || ours === null) return ours;
  if (Array.isArray(ours))
    return ours.map((item, index) => asTheEngineKnows(item, (theirs as unknown[])?.[index]));
  return Object.fromEntries(
    Object.entries(ours).map(([key, value]) => [
      key,
      asTheEngineKnows(value, (theirs as Record<string, unknown> | undefined)?.[key]),
    ]),
  );
}

const states = ({ steps }: Plan) =>
  new Map(
    steps.map(({ newState }) => [newState.urn, newState] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );

describe("a plan, and the real engine's preview of a new stack", () => {
  it("hold the same configuration, operations and resources", () => {
    expect(plan.config).toEqual(engine.config);
    expect(plan.changeSummary).toEqual(engine.changeSummary);
    expect([...states(plan).keys()]).toEqual([...states(engine).keys()]);
    const operations = ({ steps }: Plan) => steps.map(({ op, urn }) => `${op} ${urn}`).toSorted();
    expect(operations(plan)).toEqual(operations(engine));
  });

  it("hold the same parents, dependencies, providers and options", () => {
    for (const [urn, theirs] of states(engine)) {
      expect(comparable(states(plan).get(urn) as PlannedResource), urn).toEqual(comparable(theirs));
    }
  });

  it("hold the same inputs, but for what only one of them knows", () => {
    for (const [urn, theirs] of states(engine)) {
      const { inputs, type } = states(plan).get(urn) as PlannedResource;
      const expected = { ...theirs.inputs };
      if (type === "switchyard:index:Readiness") {
        // The plugin tells the engine in previews what the load balancer's URL will be; a plan asks no plugin.
        expect(expected.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
        expect(inputs?.url).toBe(`\${edge.url}`);
        expected.url = inputs?.url;
        // A hash of what only a deployment tells: a plan's is that of the tokens.
        const clusters = expected.clusters as { revision: unknown }[];
        const ours = inputs?.clusters as { revision: string }[];
        for (const [index, cluster] of clusters.entries()) {
          expect(cluster.revision).toBe(unknown);
          expect(ours[index]?.revision).toMatch(/^[0-9a-f]{16}$/);
          cluster.revision = ours[index]?.revision;
        }
      }
      if (type === "switchyard:local:MachineGroup") {
        expect(expected.revision).toBe(unknown);
        expect(inputs?.revision).toMatch(/^[0-9a-f]{16}$/);
        expected.revision = inputs?.revision;
      }
      expect(asTheEngineKnows(inputs ?? {}, expected), urn).toEqual(expected);
    }
  });
});

describe("previews by the policy pack", () => {
  const preview = (config: Config) => {
    deployment.config = { ...deployment.config, ...config };
    return deployment.npm("preview", "--policy-pack", "policy");
  };
  const found = "Bucket files: protect is not set; protect it";

  it("are refused for what breaks a mandatory rule", { timeout: 60_000 }, async () => {
    const { code, stdout } = await preview({ bucket: { protect: false } });
    expect(stdout).toMatch(/❌ switchyard@v[\d.]+ \(local: policy\)\n +- \[mandatory\] {2}data-protected /);
    expect(stdout).toContain(found);
    expect(code).not.toBe(0);
  });

  it("tell of it when the configuration makes the rule milder", { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await preview({
      policy: [{ rule: "data-protected", level: "advisory", reason: "a lab" }],
    });
    expect(stdout).toMatch(/- \[advisory\] {2}data-protected-advisory /);
    expect(stdout).toContain(found);
    expect(code, stdout + stderr).toBe(0);
  });
});
