import { expect, test } from "vitest";
import { answeredIn, type Clone, type Clones } from "../../operations/clones.ts";
import { clonesReport, createClones, freeNames, parseClonesRequest } from "../../scripts/clones.ts";

const create = { command: "create", stack: "local", from: "m-1", count: 3, timing: "TIMING.md" };

test.each([
  ["create --from m-1", create],
  ["create --from m-1 --count 2 --timing t.md -s lab", { ...create, count: 2, timing: "t.md", stack: "lab" }],
  ["ls", { ...create, command: "ls", from: "" }],
  ["rm clone-1 clone-2", { ...create, command: "rm", from: "", names: ["clone-1", "clone-2"] }],
  ["rm --all", { ...create, command: "rm", from: "" }],
])("clones %s", (line, request) => {
  expect(parseClonesRequest(line.split(" "))).toEqual(request);
});

test.each([
  "",
  "create",
  "ls clone-1",
  "ls --all",
  "rm",
  "rm clone-1 --all",
  "rm --from m-1 clone-1",
  "make",
])("clones %s is refused with its usage", (line) => {
  expect(() => parseClonesRequest(line.split(" "))).toThrow("Usage: npm run clones");
});

test.each(["0", "21", "three"])("a count of %s is refused", (count) => {
  expect(() => parseClonesRequest(["create", "--from", "m-1", "--count", count])).toThrow("from 1 to 20");
});

test("new clones get the lowest numbers that are free", () => {
  expect(freeNames([{ name: "clone-2" }, { name: "clone-4" }], 3)).toEqual(["clone-1", "clone-3", "clone-5"]);
});

test("a log says when a machine answered first", () => {
  const line = (at: string) => `[  1.2] boot: switchyard: app is healthy in 0.4 s, at ${at}\r\n`;
  const log = `noise\n${line("2026-01-01T00:00:01.250Z")}${line("2026-01-02T00:00:00.000Z")}`;
  expect(answeredIn(log)).toEqual(new Date("2026-01-01T00:00:01.250Z"));
  expect(answeredIn("switchyard: started the app in 0.1 s\n")).toBeUndefined();
});

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));

test("the times of clones stand beside the first machine's own", () => {
  const report = clonesReport({
    stack: "lab",
    snapshot: { id: "snap-1", askedAt: at(10), readyAt: at(12) },
    first: { name: "the first machine", id: "m-1", createdAt: at(0), answeredAt: at(9) },
    clones: [
      { name: "clone-1", id: "m-2", askedAt: at(12), createdAt: at(13), answeredAt: at(15) },
      { name: "clone-2", id: "m-3", askedAt: at(12), createdAt: at(13) },
    ],
  });
  expect(report).toContain(`# Clones of machine m-1 of stack lab

Snapshot snap-1: asked for at 2026-01-01T00:00:10.000Z, ready after 2.0 s.

| Machine           | Id  | Asked for                | Created                  | First answered           | Took (s) |
|-------------------|-----|--------------------------|--------------------------|--------------------------|----------|
| the first machine | m-1 |                          | 2026-01-01T00:00:00.000Z | 2026-01-01T00:00:09.000Z | 9.0      |
| clone-1           | m-2 | 2026-01-01T00:00:12.000Z | 2026-01-01T00:00:13.000Z | 2026-01-01T00:00:15.000Z | 3.0      |
| clone-2           | m-3 | 2026-01-01T00:00:12.000Z | 2026-01-01T00:00:13.000Z |                          |          |
`);
});

const first = {
  cluster: "one",
  id: "m-1",
  address: "",
  health: "healthy",
  release: "",
  launchedAt: at(0),
};

/** Clones of which all are asked for before one is made, each answers at the second look, and some cannot be made. */
function cloud(count: number, broken: readonly string[] = []): Clones {
  const { promise: together, resolve } = Promise.withResolvers<void>();
  const looks = new Map<string, number>();
  let asked = 0;
  return {
    everyMs: 1,
    snapshot: async (machine) => `snapshot of ${machine}`,
    async create(snapshot, of, name): Promise<Clone> {
      asked += 1;
      if (asked === count) resolve();
      await together;
      if (broken.includes(name)) throw new Error(`no room for ${name} of ${snapshot}`);
      return { name, id: `id-${name}`, of, address: "", state: "starting", createdAt: at(1) };
    },
    async answeredAt(id) {
      looks.set(id, (looks.get(id) ?? 0) + 1);
      return looks.get(id) === 2 || id === first.id ? at(2) : undefined;
    },
    list: async () => [],
    remove: async () => {},
  };
}

const context = { log: () => {}, signal: new AbortController().signal };

test("clones are made side by side, and each is waited for", async () => {
  const report = await createClones(cloud(3), first, { stack: "lab", count: 3 }, context);
  expect(report.snapshot.id).toBe("snapshot of m-1");
  expect(report.first).toMatchObject({ id: "m-1", createdAt: at(0), answeredAt: at(2) });
  const clone = { createdAt: at(1), answeredAt: at(2) };
  expect(report.clones).toMatchObject([
    { name: "clone-1", id: "id-clone-1", ...clone },
    { name: "clone-2", id: "id-clone-2", ...clone },
    { name: "clone-3", id: "id-clone-3", ...clone },
  ]);
});

test("of clones that could not be made it is said which, why, and how to remove all", async () => {
  const making = createClones(cloud(2, ["clone-2"]), first, { stack: "lab", count: 2 }, context);
  await expect(making).rejects.toThrow(
    "Not every clone answers. To remove them: npm run clones -- --stack lab rm clone-1 clone-2\nclone-2: no room for clone-2 of snapshot of m-1",
  );
});
