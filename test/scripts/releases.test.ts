import { expect, test } from "vitest";
import { formatReleases, parseReleasesRequest } from "../../scripts/releases.ts";

const usual = { command: "ls", stack: "local", ids: [], keep: 10, full: false };

test.each([
  ["", usual],
  ["ls --full -s lab", { ...usual, stack: "lab", full: true }],
  ["rm cafe 0123abcd", { ...usual, command: "rm", ids: ["cafe", "0123abcd"] }],
  ["prune", { ...usual, command: "prune" }],
  ["prune --keep 0", { ...usual, command: "prune", keep: 0 }],
])("releases %s", (line, request) => {
  expect(parseReleasesRequest(line.split(" ").filter(Boolean))).toEqual(request);
});

test.each(["ls cafe", "rm", "make", "rm cafe --full", "ls --keep 3", "prune cafe"])(
  "releases %s is refused with its usage",
  (line) => {
    expect(() => parseReleasesRequest(line.split(" "))).toThrow("Usage: npm run releases");
  },
);

test("ids and counts that are none are named", () => {
  expect(() => parseReleasesRequest(["rm", "../x"])).toThrow(
    '"../x" is no release\'s id: it must be 4 to 64',
  );
  expect(() => parseReleasesRequest(["prune", "--keep", "-1"])).toThrow();
  expect(() => parseReleasesRequest(["prune", "--keep", "ten"])).toThrow("--keep ten: it must be a number");
});

test("releases are listed with their commit, and where they run", () => {
  const storedAt = new Date("2026-11-27T12:00:00Z");
  const one = {
    sha256: "a".repeat(64),
    storedAt,
    size: 2_280_000,
    runs: { one: 2, two: 1 },
    isDeployed: true,
  };
  const commit = { sha: "0123456789abcdef0123456789abcdef01234567", isChanged: true };
  const two = { ...one, sha256: "b".repeat(64), runs: {}, commit };
  expect(
    formatReleases([one, two], true)
      .split("\n")
      .map((line) => line.split(/ {2,}/)),
  ).toEqual([
    ["RELEASE", "COMMIT", "STORED", "SIZE", "RUNS ON"],
    [one.sha256, "2026-11-27T12:00:00.000Z", "2.28 MB", "2 × one, 1 × two"],
    [two.sha256, "0123456789ab+", "2026-11-27T12:00:00.000Z", "2.28 MB", "deployed"],
  ]);
  expect(formatReleases([two], false)).toMatch(/\nb{12} {2}0123456789ab\+ {2}2026-11-27 \d\d:00 /);
});
