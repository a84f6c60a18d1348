import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { IncompleteError } from "../../../plugin/resource.ts";
import { stableGroup } from "../../../providers/gcp/stable-group.ts";
import { operationContext } from "../../support/operation-context.ts";
import { type ComputeServer, startCompute } from "./compute-server.ts";

const path = "/compute/v1/projects/lab-123456/regions/us-west1/instanceGroupManagers/web-1a2b3c4";
const news = {
  project: "lab-123456",
  region: "us-west1",
  group: "web-1a2b3c4",
  revision: "0123456789abcdef",
  size: 2,
  timeoutSeconds: 60,
};
const stable = { status: { isStable: true, versionTarget: { isReached: true } } };
const rolling = {
  currentActions: { none: 2, verifying: 2, deleting: 1, creating: 0 },
  status: { isStable: false, versionTarget: { isReached: false } },
};

let server: ComputeServer;
/** What the group is, one for each look, the last one for ever. */
let states: object[];
let paths: string[];

beforeAll(async () => {
  server = await startCompute(({ pathname, search }) => {
    paths.push(pathname + search);
    const [state] = states.length > 1 ? states.splice(0, 1) : states;
    return state;
  });
});

afterAll(() => server.stop());

beforeEach(() => {
  paths = [];
  server.stub();
});

afterEach(() => void vi.unstubAllEnvs());

const context = (signal?: AbortSignal) => operationContext("web", signal);

test("ends when the group is stable", async () => {
  states = [stable];
  const during = context();
  expect(await stableGroup.create(news, during)).toEqual({ id: "web", outputs: {} });
  expect(paths).toEqual([path]);
  expect(during.lines).toEqual([]);
});

test("waits while machines are replaced, and says what is done", { timeout: 120_000 }, async () => {
  // Stable, but not yet told of the new version.
  states = [rolling, { status: { isStable: true, versionTarget: { isReached: false } } }, stable];
  const during = context();
  expect(await stableGroup.update?.("web", news, news, during)).toEqual({});
  expect(during.lines).toEqual([
    "group web-1a2b3c4: 2 verifying, 1 deleting",
    "group web-1a2b3c4: its machines are being replaced",
  ]);
});

test("fails when the time is over, and is recorded as it was tried", async () => {
  states = [rolling];
  const late = { ...news, timeoutSeconds: 0 };
  const problem = /The group web-1a2b3c4 is not stable after 0 s: 2 verifying, 1 deleting\./;
  await expect(stableGroup.create(late, context())).rejects.toThrow(problem);
  const failed = await stableGroup.update?.("web", late, news, context()).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(IncompleteError);
  expect(failed).toMatchObject({ id: "web", outputs: late, message: expect.stringMatching(problem) });
});

test("ends when the deployment is cancelled", async () => {
  states = [rolling];
  const stop = new AbortController();
  const during = context(stop.signal);
  const waiting = stableGroup.create(news, { ...during, progress: () => stop.abort() });
  await expect(waiting).rejects.toThrow("aborted");
});

test("says what Google says when it refuses", async () => {
  states = [];
  await expect(stableGroup.create(news, context())).rejects.toThrow("Permission denied on resource");
});
