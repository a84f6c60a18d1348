import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { clones as kind, openClones } from "../../../providers/gcp/clones.ts";
import { openImages } from "../../../providers/gcp/machine-images.ts";
import { isInstalled, serverPackages } from "../../servers/cache.ts";
import { operationContext } from "../../support/operation-context.ts";
import { deployedStack } from "../../support/outputs.ts";
import { type ComputeServer, startCompute } from "./compute-server.ts";
import { problemsOf, requestProblems } from "./discovery.ts";

// Read before a test says that there is no home, below which they are.
const isDescribed = isInstalled(serverPackages.google);
if (isDescribed) problemsOf("compute.v1", "Instance", {});

const network = "network-1a2b3c4";
const place = { project: "lab-123456", region: "us-west1", network };
const stack = deployedStack("lab", { operator: place });
const project = "/compute/v1/projects/lab-123456/";
const path = (name: string) => `https://www.googleapis.com${project}${name}`;

// biome-ignore lint/suspicious/noExplicitAny: bodies are whatever JSON
type Body = Record<string, any>;

const first: Body = {
  id: "8000000000000000001",
  name: "lab-x1y2",
  zone: path("zones/us-west1-b"),
  status: "RUNNING",
  creationTimestamp: "2026-01-01T00:00:00.000-08:00",
  machineType: path("zones/us-west1-b/machineTypes/f1-micro"),
  disks: [{ boot: true, source: path("zones/us-west1-b/disks/lab-x1y2"), deviceName: "persistent-disk-0" }],
  networkInterfaces: [
    {
      subnetwork: path("regions/us-west1/subnetworks/sn-1a2b3c4"),
      networkIP: "10.0.1.2",
      accessConfigs: [{ natIP: "192.0.2.8", type: "ONE_TO_ONE_NAT" }],
    },
  ],
  metadata: {
    fingerprint: "x",
    items: [
      { key: "startup-script", value: "#!/bin/sh\n" },
      { key: "switchyard-release", value: "a".repeat(64) },
      { key: "ssh-keys", value: "ann:ssh-ed25519 AAAA" },
      { key: "instance-template", value: "projects/1/global/instanceTemplates/lab" },
      { key: "created-by", value: "projects/1/zones/us-west1-b/instanceGroupManagers/lab" },
    ],
  },
  labels: { project_name: "lab" },
  serviceAccounts: [
    {
      email: "machines@lab.iam.gserviceaccount.com",
      scopes: ["https://www.googleapis.com/auth/cloud-platform"],
    },
  ],
  scheduling: { onHostMaintenance: "MIGRATE", automaticRestart: true },
  tags: { fingerprint: "y", items: ["app"] },
};

let server: ComputeServer;
let instances: Body[];
let snapshots: Body[];
let images: Body[];
let bodies: { schema: string; body: Body }[];
/** What Google's description of its API says against a request. */
let wrong: string[];
let failing: string | undefined;

/** Things of which a filter's `id=` or `labels.NAME=` holds. */
function filtered(things: readonly Body[], filter: string | null): Body[] {
  const [, label, id, value] = /^(?:labels\.(\w+)|(id))=(.+)$/.exec(filter ?? "") ?? [];
  return things.filter((thing) => (id ? thing.id : thing.labels?.[label ?? ""]) === value);
}

const operation = () => ({ name: "operation-1", status: "RUNNING" });

function answer(url: URL, method: string, body?: Body): object | undefined {
  if (isDescribed) wrong.push(...requestProblems("compute.v1", method, url));
  const asked = `${method} ${url.pathname.replace(project, "")}`;
  const filter = url.searchParams.get("filter");
  if (asked === "GET aggregated/instances") {
    const found = filtered(instances, filter);
    return { items: { "zones/us-west1-b": { instances: found }, "zones/us-west1-c": { warning: {} } } };
  }
  if (asked === "GET global/snapshots") return { items: filtered(snapshots, filter) };
  if (asked === "GET global/images") return { items: filtered(images, filter) };
  const [, name] = /\/(?:instances|snapshots|images)\/([^/]+)/.exec(url.pathname) ?? [];
  if (/^GET zones\/us-west1-b\/instances\/[^/]+$/.test(asked))
    return instances.find((one) => one.name === name);
  if (asked.endsWith("/serialPort")) {
    const start = Number(url.searchParams.get("start"));
    const text = "switchyard: app is healthy in 0.4 s, at 2026-01-01T08:01:00.000Z\n";
    return { contents: text.slice(start), next: String(text.length) };
  }
  if (/^POST (zones\/us-west1-b|global)\/operations\/operation-1\/wait$/.test(asked))
    return {
      name: "operation-1",
      status: "DONE",
      ...(failing && { error: { errors: [{ message: failing }] } }),
    };
  if (asked === "POST zones/us-west1-b/disks/lab-x1y2/createSnapshot" && body) {
    bodies.push({ schema: "Snapshot", body });
    snapshots.push(body);
    return operation();
  }
  if (asked === "POST zones/us-west1-b/instances" && body) {
    bodies.push({ schema: "Instance", body });
    const { zone, creationTimestamp } = first;
    const id = `900000000000000000${instances.length}`;
    const disks = [{ boot: true, source: path(`zones/us-west1-b/disks/${body.name}`) }];
    // It runs no script: one that seals a copy ends with switching it off.
    const status = body.name.includes("sealing") ? "TERMINATED" : "PROVISIONING";
    instances.push({ ...body, id, zone, status, disks, creationTimestamp });
    return operation();
  }
  if (asked === "POST global/images" && body) {
    bodies.push({ schema: "Image", body });
    images.push({ ...body, creationTimestamp: first.creationTimestamp });
    return operation();
  }
  if (/^DELETE zones\/us-west1-b\/instances\//.test(asked))
    instances = instances.filter((one) => one.name !== name);
  else if (/^DELETE global\/snapshots\//.test(asked))
    snapshots = snapshots.filter((one) => one.name !== name);
  else if (/^DELETE global\/images\//.test(asked)) images = images.filter((one) => one.name !== name);
  else return undefined;
  return operation();
}

beforeAll(async () => {
  server = await startCompute(answer);
});

afterAll(() => server.stop());

beforeEach(() => {
  [instances, snapshots, images, bodies, wrong, failing] = [[first], [], [], [], [], undefined];
  server.stub();
});

afterEach(() => {
  vi.unstubAllEnvs();
  expect(wrong).toEqual([]);
});

test("clones are made of a snapshot of the machine's disk, like it but for their address, and listed", async () => {
  const clones = openClones(stack);
  const snapshot = await clones.snapshot(first.id);
  expect(snapshot).toMatch(/^network-1a2b3c4-\d+$/);
  const names = ["clone-1", "clone-2", "clone-3"];
  const made = await Promise.all(names.map((name) => clones.create(snapshot, first.id, name)));
  expect(made.map(({ name }) => name)).toEqual(names);
  const labels = { switchyard_network: network, switchyard_clone_of: first.id };
  expect(bodies.slice(0, 2)).toEqual([
    { schema: "Snapshot", body: { name: snapshot, labels } },
    {
      schema: "Instance",
      body: {
        name: "network-1a2b3c4-clone-1",
        machineType: "zones/us-west1-b/machineTypes/f1-micro",
        disks: [
          {
            boot: true,
            autoDelete: true,
            initializeParams: {
              sourceSnapshot: `global/snapshots/${snapshot}`,
              labels: { project_name: "lab", ...labels },
            },
          },
        ],
        networkInterfaces: [
          {
            subnetwork: path("regions/us-west1/subnetworks/sn-1a2b3c4"),
            accessConfigs: [{ networkTier: "PREMIUM" }],
          },
        ],
        metadata: { items: first.metadata.items.slice(0, 3) },
        labels: { project_name: "lab", ...labels },
        serviceAccounts: first.serviceAccounts,
        scheduling: { onHostMaintenance: "MIGRATE" },
        tags: { items: ["app"] },
      },
    },
  ]);
  if (isDescribed)
    expect(bodies.flatMap(({ schema, body }) => problemsOf("compute.v1", schema, body))).toEqual([]);
  expect(await clones.list()).toMatchObject([
    { name: "clone-1", of: first.id, state: "provisioning" },
    { name: "clone-2", of: first.id },
    { name: "clone-3", of: first.id },
  ]);
  expect(await clones.answeredAt(made[0]?.id ?? "")).toEqual(new Date("2026-01-01T08:01:00Z"));
  expect(await clones.answeredAt(first.id)).toEqual(new Date("2026-01-01T08:01:00Z"));
});

test("the last clone takes the snapshots along, and the machine stays", async () => {
  const clones = openClones(stack);
  const snapshot = await clones.snapshot(first.id);
  for (const name of ["clone-1", "clone-2"]) await clones.create(snapshot, first.id, name);
  await clones.remove(["clone-1", "gone"]);
  expect((await clones.list()).map(({ name }) => name)).toEqual(["clone-2"]);
  expect(snapshots).toHaveLength(1);
  await clones.remove(["clone-2"]);
  expect([instances, snapshots]).toEqual([[first], []]);
});

test("clones go before their network does, and with it another takes its place", async () => {
  const context = operationContext("clones", AbortSignal.abort());
  const make = async () => {
    const clones = openClones(stack);
    await clones.create(await clones.snapshot(first.id), first.id, "clone-1");
  };
  await make();
  await kind.update?.("clones", place, place, context);
  expect(instances).toHaveLength(2);
  await kind.update?.("clones", { ...place, network: "network-other" }, place, context);
  expect([instances, snapshots]).toEqual([[first], []]);
  await make();
  await kind.delete?.("clones", place, context);
  expect([instances, snapshots]).toEqual([[first], []]);
});

test("an image is made of a copy that has sealed itself, and stays when the clones and the copy are gone", async () => {
  const made = openImages(stack);
  const image = await made.create(first.id, "day02-flask-api-image");
  const [, copy, sent] = bodies;
  expect(copy?.body).toMatchObject({
    name: `network-1a2b3c4-sealing-${first.id}`,
    metadata: {
      items: [
        { key: "startup-script", value: readFileSync("release/seal.sh", "utf8") },
        { key: "block-project-ssh-keys", value: "TRUE" },
      ],
    },
  });
  expect(copy?.body).not.toHaveProperty("serviceAccounts");
  expect(sent?.body).toEqual({
    name: "day02-flask-api-image",
    description: `Release ${"a".repeat(64)} of stack lab`,
    labels: { switchyard_image_of_stack: "lab", switchyard_image_of: first.id },
    sourceDisk: path(`zones/us-west1-b/disks/network-1a2b3c4-sealing-${first.id}`),
  });
  if (isDescribed)
    expect(bodies.flatMap(({ schema, body }) => problemsOf("compute.v1", schema, body))).toEqual([]);
  expect([instances, snapshots]).toEqual([[first], []]);
  expect(image).toEqual({
    id: "projects/lab-123456/global/images/day02-flask-api-image",
    name: "day02-flask-api-image",
    release: "a".repeat(64),
    of: first.id,
    createdAt: new Date("2026-01-01T08:00:00Z"),
  });
  const others = openImages(deployedStack("LAB", { operator: place }));
  expect(await others.list()).toEqual([]);
  await others.remove(image.id);
  expect(await made.list()).toEqual([image]);
  await made.remove(image.id);
  await made.remove(image.id);
  expect(await made.list()).toEqual([]);
});

test("an image that cannot be made leaves no copy", async () => {
  failing = "Quota 'IMAGES' exceeded.";
  await expect(openImages(stack).create(first.id, "one")).rejects.toThrow("Quota 'IMAGES' exceeded.");
  expect([instances, snapshots]).toEqual([[first], []]);
});

test("what Google says of a failure is said", async () => {
  failing = "Quota 'CPUS' exceeded.";
  await expect(openClones(stack).create("s", first.id, "clone-1")).rejects.toThrow(
    "zones/us-west1-b/instances: Quota 'CPUS' exceeded.",
  );
  await expect(openClones(stack).snapshot("7")).rejects.toThrow("machine 7 is gone");
});

test("a stack that an older version deployed is to be deployed again first", () => {
  const old = deployedStack("lab", { operator: { project: "lab-123456", region: "us-west1" } });
  expect(() => openClones(old)).toThrow("operator.network is missing");
});
