import { describe, expect, it } from "vitest";
import {
  type KeptRelease,
  pruned,
  reasonToKeep,
  releaseNamed,
  releaseOfKey,
} from "../../operations/releases.ts";

const hour = 3_600_000;
const now = Date.parse("2026-11-27T12:00:00Z");

function kept(digit: string, hoursAgo: number, more: Partial<KeptRelease> = {}): KeptRelease {
  const storedAt = new Date(now - hoursAgo * hour);
  return { sha256: digit.repeat(64), storedAt, size: 1, runs: {}, isDeployed: false, ...more };
}

const ids = (releases: readonly KeptRelease[]) => releases.map(({ sha256 }) => sha256[0]).join("");

describe("releases that a bucket keeps", () => {
  const all = [
    kept("a", 0.5),
    kept("b", 0.9),
    kept("c", 2, { isDeployed: true }),
    kept("d", 3),
    kept("e", 4, { runs: { one: 2, two: 1 } }),
    kept("f", 5),
  ];

  it("go by their number, but not those in use, nor those of the last hour", () => {
    expect(ids(pruned(all, 0, now))).toBe("df");
    expect(ids(pruned(all, 4, now))).toBe("f");
    expect(pruned(all, 6, now)).toEqual([]);
  });

  it("stay while machines run them, or are made of them later, and say so", () => {
    expect(all.map(reasonToKeep)).toEqual([
      undefined,
      undefined,
      "cccccccccccc is deployed: machines that are made later fetch it",
      undefined,
      "machines run eeeeeeeeeeee: 2 × one, 1 × two",
      undefined,
    ]);
  });

  it("are named by how their ids begin, if that names one", () => {
    const twin = { ...kept("a", 9), sha256: `aaaa${"b".repeat(60)}` };
    expect(releaseNamed([...all, twin], "aaaab", "lab")).toBe(twin);
    expect(() => releaseNamed([...all, twin], "aaaa", "lab")).toThrow(
      "Release aaaa may be each of aaaaaaaaaaaa, aaaabbbbbbbb: give more of its digits.",
    );
    expect(() => releaseNamed([twin], "cafe", "lab")).toThrow(
      "Stack lab keeps no release cafe; it keeps: aaaabbbbbbbb",
    );
    expect(() => releaseNamed([], "cafe", "lab")).toThrow("it keeps: none");
  });

  it("are told from notes and other objects by their keys", () => {
    const sha256 = "a".repeat(64);
    expect(releaseOfKey(`releases/${sha256}.tar.gz`)).toBe(sha256);
    for (const key of [
      `releases/${sha256}.commit-${"b".repeat(40)}`,
      `files/${sha256}.tar.gz`,
      "releases/a.tar.gz",
    ])
      expect(releaseOfKey(key), key).toBeUndefined();
  });
});
