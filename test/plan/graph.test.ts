import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { renderMermaid } from "../../plan/graph/mermaid.ts";
import { fatesOf, graphOf } from "../../plan/graph/model.ts";
import { renderSvg } from "../../plan/graph/svg.ts";
import type { Plan } from "../../plan/plan.ts";
import { openingsOf } from "../../providers/aws/openings.ts";
import { planStack } from "../support/plan.ts";
import { projectRoot } from "../support/project.ts";

let plan: Plan;

beforeAll(async () => {
  plan = (await planStack("aws")).document;
});

const graph = () => graphOf(plan, "aws", openingsOf);

test("the README's picture is that of the stack: vitest run test/plan/graph.test.ts --update makes it so", async () => {
  await expect(renderSvg(graph())).toMatchFileSnapshot(join(projectRoot, "docs/stack-aws.svg"));
});

test("every resource is in one box, and components are in the order of data", () => {
  const { boxes } = graph();
  expect(boxes.map(({ kind, name }) => `${kind} ${name}`.trim())).toEqual([
    "Internet",
    "network network",
    "load balancer edge",
    "cluster cluster1",
    "cluster cluster2",
    "bucket files",
    "release release",
    "the rest",
    "machine role machines",
  ]);
  const count = boxes.flatMap(({ rows }) => rows).reduce((sum, row) => sum + row.count, 0);
  expect(count).toBe(plan.steps.filter(({ newState }) => newState.custom).length);
  expect(boxes.find(({ name }) => name === "cluster1")?.note).toBe("2 × t3.small");
});

test("what faces the internet is marked, with its port and from where", () => {
  const open = graph().boxes.filter(({ openings }) => openings.length > 0);
  expect(open.map(({ name, openings }) => [name, openings])).toEqual([
    ["edge", [{ port: "tcp 80", from: "203.0.113.0/24" }]],
  ]);
});

test("Mermaid has the same boxes and flows", () => {
  expect(renderMermaid(graph())).toBe(`flowchart LR
  b0["Internet"]
  b1["network"]
  b2["load balancer edge<br/>open: tcp 80"]:::open
  b3["cluster1<br/>2 × t3.small"]
  b4["cluster2<br/>2 × t3.small"]
  b5["bucket files"]
  b6["release"]
  b7["machine role machines"]
  b0 --> b1
  b1 --> b2
  b2 -->|"/cluster1, 50 %"| b3
  b2 -->|"/cluster2, 50 %"| b4
  b3 <--> b5
  b7 -.->|"rights"| b3
  b4 <--> b5
  b7 -.->|"rights"| b4
  b6 --> b5
  classDef open stroke:#cf222e,stroke-width:2px
`);
});

test("an edit colours what changes, and shows what goes where it was", () => {
  const isOfCluster2 = (urn: string) => urn.endsWith("::cluster2");
  const after = { ...plan, steps: plan.steps.filter(({ urn }) => !isOfCluster2(urn)) };
  const gone = plan.steps
    .filter(({ urn }) => isOfCluster2(urn))
    .map(({ urn }) => ({ urn, op: "delete" as const }));
  const listener = plan.steps.find(({ urn }) => urn.endsWith("listener:Listener::http"));
  const fates = fatesOf([...gone, { urn: listener?.urn ?? "", op: "update" }]);
  const edited = graphOf(after, "aws", openingsOf, { before: plan, fates });
  const fateOf = Object.fromEntries(edited.boxes.map(({ name, fate }) => [name, fate]));
  expect(fateOf).toMatchObject({ cluster2: "delete", cluster1: "same", edge: "update", files: "same" });
  expect(edited.boxes.find(({ name }) => name === "edge")?.rows).toContainEqual({
    type: "Listener",
    count: 1,
    fate: "update",
  });
  const svg = renderSvg(edited);
  expect(svg).toContain('<text class="row delete"');
  expect(svg).toContain("− cluster2");
  expect(renderMermaid(edited)).toMatch(/\["cluster2.+"\]:::delete/);
});

test("texts of a stack's own are no markup", () => {
  const named = graphOf(plan, '<script>"&', openingsOf);
  expect(renderSvg(named)).toContain('<title id="title">The stack &lt;script&gt;&quot;&amp;</title>');
});
