import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { filesOf } from "../../../providers/gcp/files.ts";
import { healthOf, openMachines } from "../../../providers/gcp/machines.ts";
import { deployedStack } from "../../support/outputs.ts";
import { type ComputeServer, startCompute } from "./compute-server.ts";

const stack = deployedStack("lab", {
  bucketName: "lab-files",
  clusters: {
    web: { size: 2, machineType: "e2-small", group: "web-1a2b3c4", weight: 1 },
    other: { size: 1, machineType: "e2-small", group: "other-1a2b3c4", weight: 1 },
  },
  operator: { project: "lab-123456", region: "us-west1" },
});
const release = "a".repeat(64);

let server: ComputeServer;
let requests: URL[];
/** What machines wrote to their serial ports. */
let written: string;
let status: number;

const project = "/compute/v1/projects/lab-123456";
const url = (zone: string, name: string) =>
  `https://www.googleapis.com${project}/zones/${zone}/instances/${name}`;

function groupOf(name: string, pageToken: string | null) {
  const members: Record<string, object> = {
    "web-1a2b3c4": {
      managedInstances: [
        {
          instance: url("us-west1-b", "web-b"),
          id: "8000000000000000002",
          currentAction: "NONE",
          instanceHealth: [{ detailedHealthState: "HEALTHY" }],
        },
      ],
      nextPageToken: "more",
    },
    "web-1a2b3c4 more": {
      managedInstances: [
        { instance: url("us-west1-c", "web-a"), id: "8000000000000000001", currentAction: "VERIFYING" },
      ],
    },
    "other-1a2b3c4": {
      managedInstances: [
        { instance: url("us-west1-b", "other-c"), id: "8000000000000000003", currentAction: "DELETING" },
      ],
    },
  };
  return members[pageToken ? `${name} ${pageToken}` : name];
}

function instancesOf(zone: string) {
  const instance = (id: string, minute: number, port: object) => ({
    id,
    creationTimestamp: `2026-01-01T0${minute}:00:00.000-07:00`,
    networkInterfaces: [port],
    metadata: { items: [{ key: "startup-script" }, { key: "switchyard-release", value: release }] },
  });
  const strange = instance("8000000000000000009", 0, { networkIP: "10.0.1.9" });
  const items: Record<string, object[]> = {
    "us-west1-b": [
      strange,
      instance("8000000000000000002", 2, { networkIP: "10.0.1.3", accessConfigs: [{ natIP: "192.0.2.8" }] }),
    ],
    "us-west1-c": [instance("8000000000000000001", 1, { networkIP: "10.0.1.2" })],
  };
  return { items: items[zone] };
}

function answer({ pathname, searchParams }: URL, method?: string): object | undefined {
  const path = pathname.replace(`${project}/`, "");
  const [, group] =
    /^regions\/us-west1\/instanceGroupManagers\/([^/]+)\/listManagedInstances$/.exec(path) ?? [];
  if (group && method === "POST") return groupOf(group, searchParams.get("pageToken"));
  const [, zone, rest] = /^zones\/([^/]+)\/instances(\/.*)?$/.exec(path) ?? [];
  if (zone && !rest) return instancesOf(zone);
  if (rest === "/web-b/serialPort" && searchParams.get("port") === "1") {
    const start = Number(searchParams.get("start"));
    // As much at a time as there fits into an answer.
    const contents = written.slice(start, start + 10);
    return { contents, start: String(start), next: String(start + contents.length) };
  }
  return undefined;
}

beforeAll(async () => {
  server = await startCompute((url, method) => {
    requests.push(url);
    return status === 200 ? answer(url, method) : status;
  });
});

afterAll(() => server.stop());

beforeEach(() => {
  requests = [];
  written = "booted\n";
  status = 200;
  server.stub();
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test("lists every machine of the stack's groups, by cluster and age", async () => {
  expect(await openMachines(stack).list()).toEqual([
    {
      cluster: "other",
      id: "8000000000000000003",
      address: "",
      health: "draining",
      release: "",
      launchedAt: new Date(0),
    },
    {
      cluster: "web",
      id: "8000000000000000001",
      address: "10.0.1.2",
      health: "starting",
      release,
      launchedAt: new Date("2026-01-01T01:00:00-07:00"),
    },
    {
      cluster: "web",
      id: "8000000000000000002",
      address: "192.0.2.8",
      health: "healthy",
      release,
      launchedAt: new Date("2026-01-01T02:00:00-07:00"),
    },
  ]);
  const zones = requests.filter(({ pathname }) => pathname.endsWith("/instances"));
  expect(zones).toHaveLength(2);
});

test.each(["8000000000000000002", "web-b"])(
  "shows what machine %s wrote to its serial port, and says how to get a shell",
  async (id) => {
    written = "booted\nfetched runtime\n";
    const said = vi.spyOn(console, "error").mockReturnValue();
    const { signal } = new AbortController();
    const log = await Array.fromAsync(openMachines(stack).logs(id, { follow: false, signal }));
    expect(log.join("")).toBe(written);
    expect(said.mock.calls).toEqual([
      [
        "For a shell on it: gcloud compute ssh web-b --project lab-123456 --zone us-west1-b --tunnel-through-iap",
      ],
    ]);
    const starts = requests
      .filter(({ pathname }) => pathname.endsWith("/serialPort"))
      .map(({ searchParams }) => searchParams.get("start"));
    expect(starts).toEqual(["0", "10", "20", "23"]);
  },
);

test("names the machines that there are when asked for another", async () => {
  const { signal } = new AbortController();
  await expect(Array.fromAsync(openMachines(stack).logs("7", { follow: false, signal }))).rejects.toThrow(
    "there is no machine 7 in stack lab; there are: 8000000000000000003, 8000000000000000001, 8000000000000000002",
  );
});

test("follows a serial port until it is aborted", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  const stop = new AbortController();
  const log = openMachines(stack)
    .logs("web-b", { follow: true, signal: stop.signal })
    [Symbol.asyncIterator]();
  expect(await log.next()).toEqual({ done: false, value: "booted\n" });
  stop.abort();
  expect(await log.next()).toEqual({ done: true, value: undefined });
});

test("says what Google says when it refuses", async () => {
  status = 403;
  await expect(openMachines(stack).list()).rejects.toThrow("Permission denied on resource");
});

test.each([
  ["NONE", "HEALTHY", "healthy"],
  ["NONE", "UNHEALTHY", "unhealthy"],
  ["NONE", "TIMEOUT", "unhealthy"],
  ["NONE", "DRAINING", "draining"],
  ["NONE", "UNKNOWN", "starting"],
  ["CREATING", "UNKNOWN", "starting"],
  ["VERIFYING", "UNHEALTHY", "starting"],
  ["RECREATING", "UNHEALTHY", "starting"],
  ["DELETING", "HEALTHY", "draining"],
])("%s and %s is %s", (currentAction, detailedHealthState, health) => {
  expect(healthOf({ currentAction, instanceHealth: [{ detailedHealthState }] })).toBe(health);
});

test("finds the bucket of a stack", async () => {
  expect(await filesOf(stack)).toEqual({ STORE: "gcs", BUCKET: "lab-files" });
});
