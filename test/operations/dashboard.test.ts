import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { metricsPort } from "../../config/settings.ts";
import { createDashboard, Observer } from "../../operations/dashboard/server.ts";
import { countedIn, type DeploymentView, viewOf } from "../../operations/dashboard/state.ts";
import type { MachineStatus, Machines } from "../../operations/machines.ts";
import { dashboardFiles } from "../../scripts/dashboard.ts";
import { installedBrowser, launch } from "../service/controller/browser.ts";
import { deployedStack } from "../support/outputs.ts";

vi.setConfig({ testTimeout: 60_000 });

const now = Date.parse("2026-11-27T12:00:00Z");
const [old, recent] = ["a".repeat(64), "b".repeat(64)];

function machine(id: string, more: Partial<MachineStatus> = {}): MachineStatus {
  const launchedAt = new Date(now - 90_000);
  return {
    cluster: "web",
    id,
    address: "127.83.1.7:5000",
    health: "healthy",
    release: old,
    launchedAt,
    ...more,
  };
}

const cluster = { size: 2, machineType: "local.small", group: "g", weight: 1 };
const deployed = deployedStack("lab", {
  clusters: { web: cluster, jobs: { ...cluster, path: "/jobs", weight: 0 } },
});

const metrics = (requests: number, failures: number) =>
  [
    "# TYPE http_request_duration_seconds histogram",
    'http_request_duration_seconds_count{method="GET",route="/healthz",status="200"} 900',
    `http_request_duration_seconds_count{method="GET",route="/",status="200"} ${requests}`,
    `http_request_duration_seconds_count{method="PUT",route="/files/*",status="507"} ${failures}`,
    'http_request_duration_seconds_sum{method="GET",route="/",status="200"} 77',
  ].join("\n");

describe("what is shown of a deployment", () => {
  test("are requests and those that failed, without the load balancer's checks", () => {
    expect(countedIn(metrics(30, 2), 5)).toEqual({ at: 5, requests: 32, errors: 2 });
    expect(countedIn("", 5)).toEqual({ at: 5, requests: 0, errors: 0 });
  });

  test("are rates by cluster and machine; one that was started again counts from nothing", () => {
    const counts = new Map([
      ["m-1", [countedIn(metrics(10, 0), 0), countedIn(metrics(28, 2), 2000)] as const],
      ["m-2", [countedIn(metrics(500, 9), 0), countedIn(metrics(1, 0), 2000)] as const],
    ]);
    const view = viewOf(deployed, [machine("m-1"), machine("m-2"), machine("m-3")], counts, now);
    expect(view).toMatchObject({ stack: "lab", counts: true });
    const [web, jobs] = view.clusters;
    expect(web).toMatchObject({ requestsPerSecond: 10, errorShare: 0.1 });
    expect(web?.machines.map((one) => [one.ageSeconds, one.requestsPerSecond])).toEqual([
      [90, 10],
      [90, 0],
      [90, undefined],
    ]);
    const { group: _, ...shown } = cluster;
    expect(jobs).toEqual({ ...shown, name: "jobs", path: "/jobs", weight: 0, machines: [] });
  });

  test("is a rollout as it goes, and what does not serve", () => {
    const change = (...machines: MachineStatus[]) =>
      viewOf(deployed, machines, new Map(), now).clusters[0]?.change;
    const newer = { release: recent, launchedAt: new Date(now - 1000) };
    expect(change(machine("m-1"), machine("m-2"))).toBeUndefined();
    expect(
      change(machine("m-1"), machine("m-2", newer), machine("m-3", { ...newer, health: "starting" })),
    ).toBe("rolling to bbbbbbbbbbbb: 1 of 3 run it");
    expect(change(machine("m-1", { health: "unhealthy" }), machine("m-2", { health: "draining" }))).toBe(
      "1 unhealthy, 1 draining",
    );
    expect(viewOf(deployed, [], new Map(), now).counts).toBe(false);
  });
});

const noMachines = { "index.html": Buffer.from("<p>page") };

test("it is served to this machine alone, and nothing in it comes from elsewhere", async () => {
  const app = createDashboard({ view: () => Promise.reject(new Error("no credentials")) }, noMachines);
  onTestFinished(() => app.close());
  const ask = (url: string, host: string) => app.inject({ url, headers: { host } });
  for (const host of ["127.0.0.1:9000", "localhost:9000", "[::1]:9000"])
    expect((await ask("/", host)).statusCode, host).toBe(200);
  for (const host of ["evil.example.org", "localhost.evil.example.org:9000", "127.0.0.1.nip.io"])
    expect((await ask("/state", host)).statusCode, host).toBe(421);
  const page = await ask("/", "localhost");
  expect([page.body, page.headers["content-type"]]).toEqual(["<p>page", "text/html; charset=utf-8"]);
  expect(page.headers["content-security-policy"]).toMatch(/^default-src 'none'; script-src 'self';/);
  const state = await ask("/state", "localhost");
  expect([state.statusCode, state.json()]).toEqual([502, { message: "no credentials" }]);
});

test("a machine's metrics are asked for, and one whose cannot be reached is shown without", async () => {
  let requests = 100;
  const server = createServer((_request, response) => response.end(metrics(requests, 0)));
  await new Promise<void>((resolve) => server.listen(metricsPort, "127.83.1.7", resolve));
  onTestFinished(() => void server.close());
  const list = async () => [machine("m-1"), machine("m-2", { address: "127.83.1.8:5000" })];
  const observer = new Observer(async () => deployed, { list } as Machines, 500);
  expect((await observer.view()).counts).toBe(false);
  requests = 200;
  // Whoever asks within a moment gets what was found then.
  expect(await observer.view()).toEqual(await observer.view());
  await vi.waitFor(
    async () => {
      const [one, other] = (await observer.view()).clusters[0]?.machines ?? [];
      expect(one?.requestsPerSecond).toBeGreaterThan(0);
      expect(other).not.toHaveProperty("requestsPerSecond");
    },
    { timeout: 20_000, interval: 100 },
  );
});

const executable = installedBrowser();
if (!executable)
  console.warn("the dashboard's page is skipped: there is no Chromium; install Debian's package chromium");

test.skipIf(!executable)(
  "the page shows clusters and machines, and says when what it shows is old",
  async () => {
    let view: DeploymentView | undefined = viewOf(deployed, [machine("m-<b>1")], new Map(), now);
    const observer = { view: async () => view ?? Promise.reject(new Error("no credentials")) };
    const app = createDashboard(observer, await dashboardFiles(join(import.meta.dirname, "../..")));
    onTestFinished(() => app.close());
    const browser = await launch(`${executable}`);
    onTestFinished(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } });
    const complaints: string[] = [];
    page.on("console", (line) => void complaints.push(line.text()));
    page.on("pageerror", (error) => void complaints.push(String(error)));
    await page.goto(await app.listen({ host: "127.0.0.1", port: 0 }));
    await page.getByText("1 of 1 machines are healthy. Requests are not counted").waitFor();
    expect(await page.getByRole("listitem").innerText()).toContain("m-<b>1");
    expect(await page.getByText("1 of 2 × local.small").count()).toBe(1);
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    view = viewOf(deployed, [machine("m-1"), machine("m-2", { release: recent })], new Map(), now);
    await page.getByText(/rolling to [ab]{12}: 1 of 2 run it/).waitFor();
    expect(complaints).toEqual([]);
    view = undefined;
    await page.getByText("What is shown is old: no credentials").waitFor();
  },
);
