import { expect, test, vi } from "vitest";
import { StoreError } from "../../../service/storage/store.ts";
import { freePort } from "../../support/ports.ts";
import { startController } from "./controller-api.ts";
import { at, noon } from "./fakes.ts";

const workdays = {
  name: "office hours",
  cluster: "cluster1",
  machines: 3,
  flavor: "large",
  cron: "0 8 * * 1-5",
  durationMinutes: 540,
  timeZone: "Europe/Berlin",
  leadMinutes: 5,
};

test("metrics say how many machines are wanted, run, and of how many groups the cloud refuses them", async () => {
  const port = await freePort();
  const { app, compute, call } = await startController(at("12:00:00"), { METRICS_PORT: String(port) });
  compute.refusal = "Quota exceeded";
  await app.listen({ host: "127.0.0.1", port: 0 });
  expect((await call("POST", "/schedules", noon)).status).toBe(201);
  const peaks = await vi.waitUntil(
    async () => {
      const told = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const found = Object.fromEntries(
        [...told.matchAll(/^(peak_\w+)\{.*\} (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]),
      );
      return found.peak_groups_failing === 1 ? found : undefined;
    },
    { timeout: 20_000 },
  );
  expect(peaks).toEqual({
    peak_machines_wanted: noon.machines,
    peak_machines_running: 0,
    peak_groups_failing: 1,
  });
});

test("a schedule is made, read, listed, changed and deleted", async () => {
  const { call } = await startController(at("11:00:00"));
  const made = await call("POST", "/schedules", noon);
  const { id } = made.json.content;
  expect(made.status).toBe(201);
  expect(made.headers).toMatchObject({
    etag: '"1"',
    location: `/schedules/${id}`,
    "cache-control": "no-store",
  });
  const expected = {
    ...noon,
    id: expect.stringMatching(/^[\w-]{36}$/),
    version: 1,
    source: "api",
    state: "waiting",
    machinesNow: 0,
    next: {
      asked: "2026-03-02T12:00:00.000Z",
      start: "2026-03-02T12:00:00.000Z",
      end: "2026-03-02T13:00:00.000Z",
    },
  };
  expect(made.json.content).toEqual(expected);
  expect((await call("GET", `/schedules/${id}`)).json).toEqual({
    status: 200,
    message: "'lunch' is waiting",
    content: expected,
  });
  expect((await call("GET", "/schedules")).json.content).toEqual([expected]);
  const changed = await call("PATCH", `/schedules/${id}`, { machines: 4, end: null }, { "if-match": '"1"' });
  expect(changed.json.content).toMatchObject({ machines: 4, version: 2 });
  expect(changed.json.content).not.toHaveProperty("end");
  const gone = await call("DELETE", `/schedules/${id}`);
  expect(gone.json).toEqual({ status: 200, message: "'lunch' is deleted" });
  expect((await call("GET", `/schedules/${id}`)).status).toBe(404);
  const events = (await call("GET", "/events")).json.content;
  expect(events.map(({ what, who }: { what: string; who: string }) => `${what} by ${who}`)).toEqual([
    "deleted by administrator 127.0.0.1",
    "changed by administrator 127.0.0.1",
    "created by administrator 127.0.0.1",
  ]);
});

test("a recurring schedule says when it comes, all of them in one answer, too", async () => {
  const { call } = await startController(at("11:00:00"));
  const { id } = (await call("POST", "/schedules", workdays)).json.content;
  const range = "begin=2026-03-27T00:00:00Z&finish=2026-03-31T00:00:00Z";
  const periods = [
    {
      schedule: id,
      machines: 3,
      asked: "2026-03-27T06:55:00.000Z",
      start: "2026-03-27T07:00:00.000Z",
      end: "2026-03-27T16:00:00.000Z",
    },
    {
      schedule: id,
      machines: 3,
      asked: "2026-03-30T05:55:00.000Z",
      start: "2026-03-30T06:00:00.000Z",
      end: "2026-03-30T15:00:00.000Z",
    },
  ];
  expect((await call("GET", `/schedules/${id}/occurrences?${range}`)).json.content).toEqual(periods);
  expect((await call("GET", `/occurrences?${range}`)).json.content).toEqual(periods);
  expect((await call("GET", "/occurrences?finish=2026-05-31T00:00:00Z")).json.message).toContain(
    "no more than 31 days",
  );
});

test("a trial says what a schedule would be, and makes none", async () => {
  const { call } = await startController(at("11:00:00"));
  const { status, json } = await call("POST", "/schedules?dryRun=true", workdays);
  expect([status, json.message]).toEqual([200, "'office hours' would be active"]);
  expect(json.content.occurrences.map(({ start }: { start: string }) => start)).toEqual(
    ["02", "03", "04", "05", "06"].map((day) => `2026-03-${day}T07:00:00.000Z`),
  );
  expect((await call("GET", "/schedules")).json.content).toEqual([]);
  expect((await call("POST", "/schedules?dryRun=perhaps", workdays)).json.message).toBe(
    'dryRun is "perhaps"; it must be true or false',
  );
});

test("the same request with the same key makes one schedule, and another one is refused", async () => {
  const { call } = await startController(at("11:00:00"));
  const key = { "idempotency-key": "a-1" };
  const answers = await Promise.all([1, 2, 3].map(() => call("POST", "/schedules", noon, key)));
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
  const ids = new Set(answers.map(({ json }) => json.content.id));
  expect(ids.size).toBe(1);
  expect((await call("GET", "/schedules")).json.content).toHaveLength(1);
  expect((await call("POST", "/schedules", { ...noon, machines: 1 }, key)).status).toBe(422);
  await call("DELETE", `/schedules/${[...ids][0]}`);
  expect((await call("POST", "/schedules", noon, key)).status).toBe(409);
});

test("a request of nothing, with a key, is refused in words", async () => {
  const { call } = await startController(at("11:00:00"));
  const { status, json } = await call("POST", "/schedules", undefined, { "idempotency-key": "a-1" });
  expect([status, json.message]).toEqual([400, expect.stringContaining("it must be an object with name")]);
});

test("a change of another version than the newest is refused, and one of none", async () => {
  const { call } = await startController(at("11:00:00"));
  const { id } = (await call("POST", "/schedules", noon)).json.content;
  const change = (machines: number, headers = {}) => call("PATCH", `/schedules/${id}`, { machines }, headers);
  expect((await change(5)).json).toMatchObject({
    status: 428,
    message: expect.stringContaining('such as "1"'),
  });
  const both = await Promise.all([change(5, { "if-match": '"1"' }), change(6, { "if-match": '"1"' })]);
  expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
  expect((await call("DELETE", `/schedules/${id}`, undefined, { "if-match": '"1"' })).status).toBe(412);
  expect((await change(0, { "if-match": '"2"' })).json.message).toBe(
    "machines is 0; it must be a whole number from 1 to 1000",
  );
});

test("what the deployment does not have is refused, with what it has", async () => {
  const { call } = await startController(at("11:00:00"));
  const refusal = async (changes: object) => {
    const { status, json } = await call("POST", "/schedules", { ...noon, ...changes });
    return `${status} ${json.message}`;
  };
  expect(await refusal({ cluster: "cluster9" })).toBe(
    "400 cluster is 'cluster9'; those that may grow are: cluster1",
  );
  expect(await refusal({ flavor: "huge" })).toBe(
    "400 flavor is 'huge'; for cluster1 the configuration names: standard, large",
  );
  expect(await refusal({ image: "lean" })).toBe(
    "400 image is 'lean'; for cluster1 and standard the configuration names: default",
  );
  expect(await refusal({ machines: 11 })).toBe(
    "400 machines is 11; there may be 10 extra machines in all (maxMachines)",
  );
  expect(await refusal({ end: "2026-03-02T10:00:00Z", start: "2026-03-02T09:00:00Z" })).toContain(
    "All of its periods are over",
  );
  await call("POST", "/schedules", { ...noon, machines: 8 });
  expect(await refusal({ machines: 3, start: "2026-03-02T12:59:00Z", end: "2026-03-02T14:00:00Z" })).toBe(
    "409 With the other schedules, 11 machines would be asked for at 2026-03-02T12:59:00.000Z; there may be 10 in all (maxMachines)",
  );
  expect(
    await refusal({ machines: 3, start: "2026-03-02T13:00:00Z", end: "2026-03-02T14:00:00Z" }),
  ).toContain("201");
});

test("the stack's schedules can be read, and only the configuration changes them", async () => {
  const { call } = await startController(at("11:00:00"), { SCHEDULES: JSON.stringify([noon]) });
  const [{ id, source }] = (await call("GET", "/schedules")).json.content;
  expect([id, source]).toEqual(["stack-f3bb79e48a7a", "stack"]);
  const refusal =
    "'lunch' is in the stack's configuration (switchyard:controller, schedules); change it there, and deploy";
  expect((await call("DELETE", `/schedules/${id}`)).json).toEqual({ status: 409, message: refusal });
  expect((await call("PATCH", `/schedules/${id}`, { machines: 1 }, { "if-match": '"1"' })).status).toBe(409);
});

test("machines follow what is asked for while it is active, and the difference alone", async () => {
  const { app, call, clock, compute } = await startController(at("12:10:00"));
  await app.listen({ host: "127.0.0.1", port: 0 });
  const resized = () =>
    new Promise<string>((resolve) => {
      compute.onResize = (id, size) => resolve(`${id} ${size}`);
    });
  const first = resized();
  const { id } = (await call("POST", "/schedules", { ...noon, start: "2026-03-02T12:00:00Z" })).json.content;
  expect(await first).toBe("peak-standard 2");
  const second = resized();
  clock.now = at("12:20:00");
  await call(
    "PATCH",
    `/schedules/${id}`,
    { machines: 3, start: "2026-03-02T12:05:00Z" },
    { "if-match": '"1"' },
  );
  expect(await second).toBe("peak-standard 3");
  const third = resized();
  const { message } = (await call("DELETE", `/schedules/${id}`)).json;
  expect(message).toBe("'lunch' is deleted; its 3 machines finish their requests and go");
  expect(await third).toBe("peak-standard 0");
});

test("a schedule that is deleted at its end finishes its period, unless it has none", async () => {
  const { call, clock } = await startController(at("12:10:00"));
  const { id } = (await call("POST", "/schedules", noon)).json.content;
  expect((await call("DELETE", `/schedules/${id}?when=end`)).json.message).toBe(
    "'lunch' is deleted at its end, 2026-03-02T13:00:00.000Z",
  );
  expect((await call("GET", `/schedules/${id}`)).json.content).toMatchObject({
    state: "ending",
    deleteAt: "2026-03-02T13:00:00.000Z",
  });
  expect((await call("DELETE", `/schedules/${id}?when=end`)).status).toBe(200);
  clock.now = at("13:00:00");
  expect((await call("GET", `/schedules/${id}`)).json.content.state).toBe("over");
  const { end: _, ...open } = noon;
  const endless = (await call("POST", "/schedules", open)).json.content.id;
  expect((await call("DELETE", `/schedules/${endless}?when=end`)).json.message).toContain("has no end");
});

test("what the cloud has is listed, with the names that schedules may have it by", async () => {
  const { call, compute, log } = await startController(at("11:00:00"));
  expect((await call("GET", "/flavors")).json.content).toEqual([
    { id: "2", name: "m1.small", vcpus: 1, ramMiB: 2048, names: ["standard"] },
    { id: "9", name: "m1.huge", vcpus: 64, names: ["large"] },
  ]);
  expect((await call("GET", "/images")).json.content).toEqual([
    { id: "img-1", name: "debian-13", minDisk: 10, names: ["lean"] },
  ]);
  expect((await call("GET", "/networks")).json.content).toEqual([
    { id: "net-1", name: "switchyard", cidr: "10.0.0.0/16" },
  ]);
  compute.networks = async () => {
    throw new Error("http://10.0.0.9 refused");
  };
  const { status, json } = await call("GET", "/networks");
  expect([status, json.message]).toEqual([
    502,
    expect.stringMatching(/^The cloud does not list its networks; see request/),
  ]);
  expect(JSON.stringify(log())).toContain("10.0.0.9");
});

test("groups are listed with what schedules ask of them", async () => {
  const { call } = await startController(at("11:00:00"));
  const { content, maxMachines } = (await call("GET", "/groups")).json;
  expect(maxMachines).toBe(10);
  expect(content[0]).toEqual({
    id: "peak-standard",
    cluster: "cluster1",
    flavor: "standard",
    image: "default",
    wanted: 0,
  });
});

test("changing anything needs the token, whatever PUBLIC says of files; reading needs none", async () => {
  const { app } = await startController(at("11:00:00"), { PUBLIC: "true" });
  const status = async (method: "GET" | "POST" | "PATCH" | "DELETE", url: string, headers = {}) =>
    (await app.inject({ method, url, headers, ...(method === "POST" && { payload: noon }) })).statusCode;
  expect(await status("POST", "/schedules")).toBe(401);
  expect(await status("POST", "/schedules?dryRun=true", { authorization: "Bearer wrong" })).toBe(401);
  expect(await status("PATCH", "/schedules/a")).toBe(401);
  expect(await status("DELETE", "/schedules/a")).toBe(401);
  for (const url of ["/schedules", "/groups", "/events", "/flavors", "/healthz", "/openapi.json"])
    expect(await status("GET", url)).toBe(200);
});

test("a token that came in clear from elsewhere is refused", async () => {
  const { call } = await startController(at("11:00:00"));
  const clear = { "x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "http" };
  expect((await call("POST", "/schedules", noon, clear)).status).toBe(403);
  expect((await call("POST", "/schedules", noon, { ...clear, "x-forwarded-proto": "https" })).status).toBe(
    201,
  );
});

test("a store that cannot be reached is said, and no change is half made", async () => {
  const { call, store } = await startController(at("11:00:00"));
  store.fault = new StoreError("unavailable", "no");
  expect((await call("POST", "/schedules", noon)).status).toBe(502);
  store.fault = undefined;
  expect((await call("GET", "/schedules")).json.content).toEqual([]);
});

test.each([
  ["no JSON", "{", "application/json", 400],
  ["a list", "[]", "application/json", 400],
  ["nothing", "", "application/json", 400],
  ["a form", "name=a", "application/x-www-form-urlencoded", 415],
  ["too much", JSON.stringify({ ...noon, name: "x".repeat(70_000) }), "application/json", 413],
  ["a prototype", '{"__proto__":{"a":1}}', "application/json", 400],
])("a body that is %s is refused", async (_, payload, type, status) => {
  const { app } = await startController(at("11:00:00"));
  const headers = { authorization: `Bearer correct-horse_battery.staple`, "content-type": type };
  const answer = await app.inject({ method: "POST", url: "/schedules", headers, payload });
  expect([answer.statusCode, answer.json().status]).toEqual([status, status]);
});
