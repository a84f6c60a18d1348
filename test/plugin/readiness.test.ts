import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { readiness } from "../../plugin/readiness.ts";
import { IncompleteError, type Properties } from "../../plugin/resource.ts";
import { patience } from "../support/local-cloud.ts";
import { operationContext } from "../support/operation-context.ts";

vi.setConfig({ testTimeout: 30_000 });

const revision = "a".repeat(16);
const older = "b".repeat(16);

interface FakeMachine {
  readonly cluster: string;
  readonly instance: string;
  readonly revision: string;
}

function machines(cluster: string, count: number, of = revision): FakeMachine[] {
  return Array.from({ length: count }, (_, index) => ({
    cluster,
    instance: `${cluster}-${index}`,
    revision: of,
  }));
}

interface Balancer {
  readonly url: string;
  readonly server: Server;
  readonly requests: string[];
}

/** One URL in front of machines, by path; each path's machines take turns. */
async function balance(paths: Readonly<Record<string, FakeMachine[]>>): Promise<Balancer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    requests.push(path);
    const turn = paths[path] ?? [];
    const machine = turn.shift();
    if (!machine) {
      response.writeHead(503).end();
      return;
    }
    turn.push(machine);
    response.writeHead(200, {
      "x-cluster": machine.cluster,
      "x-instance-id": machine.instance,
      "x-revision": machine.revision,
    });
    response.end();
  }).listen(0, "127.95.251.1");
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  return { url: `http://127.95.251.1:${(server.address() as AddressInfo).port}`, server, requests };
}

function inputs(url: string, timeoutSeconds = 20): Properties {
  const clusters = [
    { name: "cluster1", path: "/cluster1", machines: 3, revision },
    { name: "cluster2", path: "/cluster2", machines: 2, revision },
  ];
  return { url, healthPath: "/healthz", clusters, timeoutSeconds };
}

const context = (signal?: AbortSignal) => operationContext("ready", signal);

const failureOf = (operation: Promise<unknown>): Promise<Error> =>
  operation.then(
    () => new Error("it did not fail"),
    (error: Error) => error,
  );

test("ends when every machine of every cluster has answered", async () => {
  const { url, requests } = await balance({
    "/cluster1": machines("cluster1", 3),
    "/cluster2": machines("cluster2", 2),
  });
  const { id, outputs } = await readiness.create(inputs(url), context());
  expect(id).toMatch(/^[0-9a-f]{12}$/);
  expect(outputs).toEqual({});
  expect(new Set(requests)).toEqual(new Set(["/cluster1", "/cluster2"]));
});

test("shows in a preview the URL that it will have", () => {
  expect(readiness.preview?.({ url: "http://x" }, undefined, context())).toEqual({ url: "http://x" });
});

test("connects to the load balancer's address before any DNS record leads its name there", async () => {
  const { url, server } = await balance({ "/healthz": machines("app", 1) });
  const hosts: (string | undefined)[] = [];
  server.on("request", ({ headers }) => hosts.push(headers.host));
  const { hostname, port } = new URL(url);
  const named = { url: `http://app.invalid:${port}`, address: hostname };
  await readiness.create(
    { ...inputs(url), ...named, clusters: [{ name: "app", machines: 1, revision }] },
    context(),
  );
  expect(new Set(hosts)).toEqual(new Set([`app.invalid:${port}`]));
});

test("asks a cluster without a path where any cluster answers", async () => {
  const { url, requests } = await balance({ "/healthz": machines("app", 5) });
  const clusters = [{ name: "app", machines: 5, revision }];
  await readiness.create({ ...inputs(url), clusters }, context());
  expect(new Set(requests)).toEqual(new Set(["/healthz"]));
});

test("waits for a machine that comes later, and shows what has come so far", async () => {
  const late = machines("cluster2", 1);
  const { url } = await balance({ "/cluster1": machines("cluster1", 3), "/cluster2": late });
  const waiting = context();
  const ready = readiness.create(inputs(url), waiting);
  await expect
    .poll(() => waiting.lines, patience)
    .toContain("cluster1: 3 of 3 machines, cluster2: 1 of 2 machines");
  late.push({ cluster: "cluster2", instance: "late", revision });
  await ready;
});

test("fails with the cluster that lacks a machine, and the numbers", async () => {
  const { url } = await balance({
    "/cluster1": machines("cluster1", 3),
    "/cluster2": machines("cluster2", 1),
  });
  const { message } = await failureOf(readiness.create(inputs(url, 0.5), context()));
  expect(message).toBe(
    [
      `${url} is not ready after 0.5 s: of the new revision answered cluster1: 3 of 3 machines, cluster2: 1 of 2 machines.`,
      "The last problem: none. `npm run machines` lists the machines and their health.",
    ].join("\n"),
  );
});

test("counts a machine only for its own cluster", async () => {
  const { url } = await balance({
    "/cluster1": machines("cluster1", 3),
    "/cluster2": machines("cluster1", 3),
  });
  const { message } = await failureOf(readiness.create(inputs(url, 0.5), context()));
  expect(message).toContain("cluster1: 3 of 3 machines, cluster2: 0 of 2 machines");
});

test("fails with the machine that still is of an older revision", async () => {
  const { url } = await balance({
    "/cluster1": machines("cluster1", 3),
    "/cluster2": [...machines("cluster2", 2), { cluster: "cluster2", instance: "old", revision: older }],
  });
  const { message } = await failureOf(readiness.create(inputs(url, 0.5), context()));
  expect(message).toContain(
    "The last problem: machine old of cluster2 still answers, of revision bbbbbbbbbbbbbbbb",
  );
});

test("lets an older machine answer that goes only after the deployment, and counts it for nothing", async () => {
  const { url } = await balance({
    "/cluster1": machines("cluster1", 3),
    "/cluster2": [...machines("cluster2", 1), { cluster: "cluster2", instance: "old", revision: older }],
  });
  const [cluster1, cluster2] = inputs(url).clusters as Properties[];
  const waitFor = (machines: number) => {
    const clusters = [cluster1, { ...cluster2, machines, othersMayAnswer: true }];
    return readiness.create({ ...inputs(url, 0.5), clusters }, context());
  };
  await expect(waitFor(1)).resolves.toMatchObject({ outputs: {} });
  const { message } = await failureOf(waitFor(2));
  expect(message).toContain("cluster1: 3 of 3 machines, cluster2: 1 of 2 machines");
});

test("lets clusters that go answer what matches no path, where the old ones go last", async () => {
  const gone = { cluster: "gone", instance: "gone-1", revision: older };
  const { url } = await balance({
    "/cluster1": machines("cluster1", 3),
    "/healthz": [...machines("cluster2", 2), gone],
  });
  const [cluster1, { path: _, ...cluster2 }] = inputs(url).clusters as [Properties, Properties];
  const waitFor = (more: object) =>
    readiness.create({ ...inputs(url, 0.5), clusters: [cluster1, { ...cluster2, ...more }] }, context());
  await expect(waitFor({ othersMayAnswer: true })).resolves.toMatchObject({ outputs: {} });
  expect(await failureOf(waitFor({}))).toMatchObject({
    message: expect.stringContaining("machine gone-1 of gone still answers"),
  });
});

test("waits for each cluster's own revision", async () => {
  const { url } = await balance({
    "/cluster1": machines("cluster1", 3),
    "/cluster2": machines("cluster2", 2),
  });
  const [cluster1, cluster2] = inputs(url).clusters as Properties[];
  const clusters = [cluster1, { ...cluster2, revision: "c".repeat(16) }];
  const { message } = await failureOf(readiness.create({ ...inputs(url, 0.5), clusters }, context()));
  expect(message).toContain("cluster1: 3 of 3 machines, cluster2: 0 of 2 machines");
});

test("waits until no older revision has answered for 5 s", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const cluster2 = [...machines("cluster2", 2), { cluster: "cluster2", instance: "old", revision: older }];
  const { url, requests } = await balance({ "/cluster1": machines("cluster1", 3), "/cluster2": cluster2 });
  const waiting = context();
  let done = false;
  const ready = readiness.create(inputs(url), waiting).then(() => {
    done = true;
  });
  const rounds = async (count: number) => {
    const target = waiting.lines.length + count;
    while (waiting.lines.length < target && !done) await delay(10);
  };
  await rounds(2);
  cluster2.splice(
    cluster2.findIndex(({ instance }) => instance === "old"),
    1,
  );
  await rounds(2);
  vi.advanceTimersByTime(4_999);
  await rounds(2);
  expect(done).toBe(false);
  const before = requests.length;
  vi.advanceTimersByTime(1);
  await ready;
  expect(requests.length).toBeGreaterThan(before);
});

test("advises to look at `allow` when nothing answers at all", async () => {
  const { url, server } = await balance({});
  server.close();
  server.closeAllConnections();
  await once(server, "close");
  const { message } = await failureOf(readiness.create(inputs(url, 0.5), context()));
  expect(message).toContain("cluster1: 0 of 3 machines, cluster2: 0 of 2 machines");
  expect(message).toContain("fetch failed (ECONNREFUSED)");
  expect(message).toContain("Nothing answered at all: is the address of this machine in");
  expect(message).toContain("`allow`?");
});

test("does not take an error answer for a refusal", async () => {
  const { url } = await balance({});
  const { message } = await failureOf(readiness.create(inputs(url, 0.5), context()));
  expect(message).toMatch(/The last problem: .*\/cluster[12] answered 503/);
  expect(message).not.toContain("allow");
});

test("ends with the reason when it is cancelled", async () => {
  const { url } = await balance({});
  const controller = new AbortController();
  const waiting = context(controller.signal);
  const ready = readiness.create(inputs(url, 600), waiting);
  ready.catch(() => {}); // it is looked at below
  await expect.poll(() => waiting.lines.length, patience).toBeGreaterThan(0);
  controller.abort(new Error("the deployment was cancelled"));
  await expect(ready).rejects.toThrow("the deployment was cancelled");
});

test("an update that fails keeps what was tried, so that going back is waited for too", async () => {
  const { url } = await balance({ "/cluster1": machines("cluster1", 3) });
  const news = inputs(url, 0.2);
  const error = await failureOf(readiness.update?.("id-1", news, inputs(url), context()) as Promise<unknown>);
  expect(error).toBeInstanceOf(IncompleteError);
  expect(error).toMatchObject({ id: "id-1", outputs: news });
  expect(error.message).toContain("cluster2: 0 of 2 machines");
});
