import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { isUnchanged, outcomeLine, problemIn } from "../../scripts/dev.ts";
import { watchSources } from "../../scripts/watch.ts";

const failed = `Updating (local):

 @ updating....
    pulumi:pulumi:Stack switchyard-local running error: the service's types are wrong:
    pulumi:pulumi:Stack switchyard-local **failed** 1 error
Diagnostics:
  pulumi:pulumi:Stack (switchyard-local):
    error: the service's types are wrong:
    service/routes/root.ts(25,9): error TS2322: no.

Resources:
    17 unchanged

Duration: 2s
`;

test("of an engine that failed, what it says of why is told", () => {
  expect(problemIn(failed)).toBe(
    "error: the service's types are wrong:\n    service/routes/root.ts(25,9): error TS2322: no.",
  );
  expect(problemIn("error: the stack is locked\n")).toBe("error: the stack is locked");
});

test("an engine that had nothing to do is told from one that had", () => {
  expect(isUnchanged("Resources:\n    17 unchanged\n\nDuration: 2s\n")).toBe(true);
  expect(isUnchanged("Resources:\n    ~ 3 updated\n    13 unchanged\n\nDuration: 2s\n")).toBe(false);
});

test("a deployment is told by its release, and by how long each took", () => {
  const release = "ab".repeat(32);
  expect(outcomeLine({ isChanged: false }, 0, 900)).toMatch(/^Nothing to deploy/);
  expect(outcomeLine({ isChanged: true }, 0, 900)).toBe("Deployed: all is done after 0.9 s.");
  expect(outcomeLine({ isChanged: true, answered: { release, at: 1500 } }, 0, 2600)).toBe(
    "Release abababababab answers after 1.5 s, all is done after 2.6 s.",
  );
});

test("what is saved is seen, as editors save it, and nothing else", async () => {
  const root = await mkdtemp(join(tmpdir(), "watch-"));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const folder of ["service/routes", "node_modules/a", ".git"])
    await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, "service/routes/root.ts"), "1");
  const watcher = watchSources(root);
  onTestFinished(() => watcher.close());
  const { signal } = new AbortController();
  for (const file of [
    "node_modules/a/a.ts",
    ".git/index.ts",
    "README.md",
    "service/.root.ts.swp",
    "service/4913",
  ])
    await writeFile(join(root, file), "1");
  for (const content of ["2", "3", "4"]) {
    await writeFile(join(root, "service/routes/.root.ts.new"), content);
    await rename(join(root, "service/routes/.root.ts.new"), join(root, "service/routes/root.ts"));
    expect(await watcher.changes(signal)).toEqual(["service/routes/root.ts"]);
  }
  await mkdir(join(root, "service/more"));
  await vi.waitFor(async () => {
    await writeFile(join(root, "service/more/new.ts"), "1");
    expect(await watcher.changes(AbortSignal.timeout(200))).toContain("service/more/new.ts");
  });
  await writeFile(join(root, "Pulumi.local.yaml"), "1");
  expect(await watcher.changes(signal)).toEqual(["Pulumi.local.yaml"]);
  expect(await watcher.changes(AbortSignal.timeout(200))).toEqual([]);
});
