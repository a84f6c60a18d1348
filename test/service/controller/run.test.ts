import { createHash } from "node:crypto";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { Buckets } from "../../../providers/local/cloud/buckets.ts";
import { createEndpoint } from "../../../providers/local/cloud/endpoint.ts";
import { stateWithMachine } from "../../storage/stores.ts";
import { temporaryFolder } from "../../support/local-cloud.ts";
import { bearer, token } from "../file-api.ts";
import { type Running, spawnApp, startApp } from "../process.ts";
import { noon } from "./fakes.ts";

vi.setConfig({ testTimeout: 120_000 });

const server = join(import.meta.dirname, "../../../service/server.ts");
const group = "peak-1";

const running: Running[] = [];
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill("SIGKILL");
});

/** The local cloud's endpoint as a controller reaches it, with one group; and controllers as processes of their own. */
async function setUp(controls: string[] | null = [group]) {
  const sizes: number[] = [];
  const listeners = new Set<() => void>();
  const cloud = { size: 0 };
  const state = stateWithMachine("files-of-test", "secret", controls ?? undefined);
  const buckets = new Buckets(temporaryFolder());
  buckets.create("files-of-test");
  const endpoint = createEndpoint(state, buckets, {
    groups: {
      state: (id) => ({ id, size: cloud.size, running: cloud.size }),
      resize: (_, size) => {
        cloud.size = size;
        sizes.push(size);
        for (const listen of listeners) listen();
      },
    },
  });
  await endpoint.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => endpoint.close());
  const { port } = endpoint.server.address() as AddressInfo;
  const variables = {
    ROLE: "controller",
    CLUSTER: "controller",
    CLUSTER_PATH: "",
    ADMIN_TOKEN_SHA256: createHash("sha256").update(token).digest("hex"),
    STORE: "local",
    COMPUTE: "local",
    BUCKET: "files-of-test",
    IDENTITY_URL: `http://127.0.0.1:${port}/machines/secret`,
    PEAK_GROUPS: JSON.stringify([{ cluster: "cluster1", flavor: "standard", image: "default", id: group }]),
    MAX_MACHINES: "5",
  };
  const start = async (more: Record<string, string> = {}) => {
    const app = await startApp(server, { ...variables, ...more });
    running.push(app);
    return app;
  };
  /** The next size that is set. */
  const resized = () =>
    new Promise<number>((resolve) => {
      const listen = () => {
        listeners.delete(listen);
        resolve(cloud.size);
      };
      listeners.add(listen);
    });
  return { variables, cloud, sizes, start, resized };
}

const call = async (app: Running, method: string, path: string, body?: object) => {
  const answer = await fetch(`http://127.0.0.1:${app.port}${path}`, {
    method,
    headers: { ...bearer, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as { status: number; message: string; content?: { id: string } };
};

const now = () => {
  const { end: _, ...open } = noon;
  return { ...open, start: new Date(Date.now() - 60_000).toISOString() };
};

test("two controllers set a group's size; killed, another goes on; told to stop, it ends in order", async () => {
  const { start, resized, cloud } = await setUp();
  const [one, other] = await Promise.all([start({ INSTANCE_ID: "one" }), start({ INSTANCE_ID: "other" })]);
  const up = resized();
  const { content } = await call(one, "POST", "/schedules", now());
  expect(await up).toBe(2);
  one.child.kill("SIGKILL");
  await one.exited;
  const down = resized();
  expect((await call(other, "DELETE", `/schedules/${content?.id}`)).status).toBe(200);
  expect(await down).toBe(0);
  await call(other, "POST", "/schedules", now());
  other.child.kill("SIGKILL");
  await other.exited;
  // Whether it was asked for before the kill or not.
  cloud.size = 0;
  const third = await start();
  await vi.waitFor(() => expect(cloud.size).toBe(2), { timeout: 30_000 });
  third.child.kill("SIGTERM");
  expect(await third.exited).toBe(0);
});

test("the stack's schedules begin without anybody's asking", async () => {
  const { start, resized } = await setUp();
  const up = resized();
  await start({ SCHEDULES: JSON.stringify([now()]) });
  expect(await up).toBe(2);
});

test("a machine that is no controller changes neither sizes nor schedules", async () => {
  const { start, sizes } = await setUp(null);
  const app = await start({ SCHEDULES: JSON.stringify([now()]) });
  expect(await call(app, "POST", "/schedules", now())).toMatchObject({ status: 502 });
  expect(sizes).toEqual([]);
});

test("what is wrong with its environment is said at once, and ends it", async () => {
  const { variables } = await setUp();
  const wrong = { MAX_MACHINES: "none", SCHEDULES: '[{"name":"a"}]', PEAK_GROUPS: "[1]" };
  const { exited, errors } = spawnApp(server, { ...variables, ...wrong });
  expect(await exited).toBe(1);
  expect(errors()).toMatch(/^PEAK_GROUPS is "\[1\]"; it must be a JSON list of groups/);
  expect(errors()).toContain('MAX_MACHINES is "none"; it must be a whole number from 1 to 1000');
  const second = spawnApp(server, { ...variables, SCHEDULES: '[{"name":"a"}]' });
  expect(await second.exited).toBe(1);
  expect(second.errors()).toContain("SCHEDULES[0]: it does not say when");
});
