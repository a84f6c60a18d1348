import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { OperationContext } from "../../../plugin/resource.ts";
import { kinds } from "../../../providers/aws/kinds.ts";
import { layout } from "../../../providers/aws/layout.ts";

/** The tags of each machine, as a server keeps them that speaks as much of EC2's protocol as is asked. */
let tags: Map<string, Record<string, string>>;
let server: Server;
let status: number;
const lines: string[] = [];
const show = (line: string) => void lines.push(line);
const { signal } = new AbortController();
const context: OperationContext = { urn: "urn", name: "cluster1", signal, progress: show, warn: show };

const numbered = (query: URLSearchParams, pattern: RegExp) =>
  [...query].filter(([key]) => pattern.test(key)).map(([, value]) => value);

function change(query: URLSearchParams): string {
  const action = query.get("Action");
  if (action === "DescribeInstances") {
    expect(query.get("Filter.1.Name")).toBe("tag:aws:autoscaling:groupName");
    expect(query.get("Filter.1.Value.1")).toBe("cluster1-1a2b3c4");
    const items = [...tags.keys()].map((id) => `<item><instanceId>${id}</instanceId></item>`).join("");
    return `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet><item><instancesSet>${items}</instancesSet></item></reservationSet></DescribeInstancesResponse>`;
  }
  const keys = numbered(query, /^Tag\.\d+\.Key$/);
  const values = numbered(query, /^Tag\.\d+\.Value$/);
  for (const id of numbered(query, /^ResourceId\.\d+$/)) {
    const own = tags.get(id) ?? {};
    for (const [index, key] of keys.entries()) {
      if (action === "CreateTags") own[key] = values[index] ?? "";
      else delete own[key];
    }
  }
  return `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><return>true</return></${action}Response>`;
}

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const body = await text(request);
    if (status !== 200) response.writeHead(status).end();
    else response.writeHead(200, { "content-type": "text/xml" }).end(change(new URLSearchParams(body)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
});

afterAll(() => {
  vi.unstubAllEnvs();
  server.close().closeAllConnections();
});

beforeEach(() => {
  status = 200;
  lines.length = 0;
  tags = new Map([
    ["i-0a", { release: "r", owner: "me" }],
    ["i-0b", { release: "r" }],
  ]);
});

test("running machines get tags, lose those that went, and keep all others", async () => {
  const kind = kinds["switchyard:aws:MachineTags"];
  const inputs = { group: "cluster1-1a2b3c4", region: "us-east-1", tags: { owner: "you", team: "a" } };
  await kind?.create(inputs, context);
  expect([...tags.values()]).toEqual([
    { release: "r", owner: "you", team: "a" },
    { release: "r", owner: "you", team: "a" },
  ]);
  await kind?.update?.("cluster1", { ...inputs, tags: { team: "b" } }, inputs, context);
  expect([...tags.values()]).toEqual([
    { release: "r", team: "b" },
    { release: "r", team: "b" },
  ]);
});

test("a group without machines needs no tags", async () => {
  tags.clear();
  const inputs = { group: "cluster1-1a2b3c4", region: "us-east-1", tags: { owner: "you" } };
  await expect(kinds["switchyard:aws:MachineTags"]?.create(inputs, context)).resolves.toMatchObject({
    id: "cluster1",
  });
});

test("a change of the app's port is warned of, also in a preview", async () => {
  const before = { cidr: "10.0.0.0/16", subnets: [], appPort: 80, protect: true };
  expect(await layout.check?.({ ...before, appPort: 8080 }, before, context)).toEqual([]);
  expect(lines).toEqual([
    expect.stringMatching(/^switchyard:app\.port changes from 80 to 8080: .+Nobody is served/),
  ]);
  lines.length = 0;
  expect(await layout.check?.(before, before, context)).toEqual([]);
  expect(await layout.check?.(before, undefined, context)).toEqual([]);
  expect(lines).toEqual([]);
});
