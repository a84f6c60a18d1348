import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { commitIn, commitKey, commitOfKey, commitWord } from "../../release/commit.ts";

test("a release is of the commit that is checked out, and says whether files of the service differ", async () => {
  const root = await mkdtemp(join(tmpdir(), "commit-"));
  onTestFinished(() => rm(root, { recursive: true }));
  expect(await commitIn(root)).toBeUndefined();
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", root, "-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
      encoding: "utf8",
    }).trim();
  git("init", "--quiet");
  expect(await commitIn(root)).toBeUndefined();
  await mkdir(join(root, "service"));
  await writeFile(join(root, "service/app.ts"), "1");
  git("add", ".");
  git("commit", "--quiet", "--message=one");
  const sha = git("rev-parse", "HEAD");
  expect(await commitIn(root)).toEqual({ sha, isChanged: false });
  await writeFile(join(root, "README.md"), "1");
  expect(await commitIn(root)).toEqual({ sha, isChanged: false });
  await writeFile(join(root, "service/new.ts"), "1");
  expect(await commitIn(root)).toEqual({ sha, isChanged: true });
});

test.each([false, true])("a commit's object is told from another release's, changed: %s", (isChanged) => {
  const [one, other] = ["a", "b"].map((digit) => `releases/${digit.repeat(64)}.tar.gz`) as [string, string];
  const commit = { sha: "0123456789".repeat(4), isChanged };
  const key = commitKey(one, commitWord(commit));
  expect(commitOfKey(one, key)).toEqual(commit);
  for (const [archive, wrong] of [
    [other, key],
    [one, one],
    [one, `${key}-more`],
  ] as const)
    expect(commitOfKey(archive, wrong)).toBeUndefined();
});
