import { expect, test } from "vitest";
import { planStack } from "../../support/plan.ts";
import { type Access, isAllowed, plannedGrants } from "./grants.ts";

const cases: readonly (readonly [boolean, Access])[] = [
  [true, { permission: "storage.objects.get", object: "releases/a.tar.gz" }],
  [true, { permission: "storage.objects.get", object: "runtimes/node.tgz" }],
  [true, { permission: "storage.objects.get", object: "files/a.csv" }],
  [true, { permission: "storage.objects.create", object: "files/a.csv" }],
  [true, { permission: "storage.objects.delete", object: "files/a.csv" }],
  [true, { permission: "storage.objects.list", prefix: "files/" }],
  [true, { permission: "storage.objects.list", prefix: "files/dir/" }],
  [false, { permission: "storage.objects.get", object: "state/a.json" }],
  [false, { permission: "storage.objects.get", object: "releases" }],
  [false, { permission: "storage.objects.create", object: "releases/a.tar.gz" }],
  [false, { permission: "storage.objects.delete", object: "runtimes/node.tgz" }],
  [false, { permission: "storage.objects.list", prefix: "releases/" }],
  [false, { permission: "storage.objects.list" }],
  [false, { permission: "storage.objects.update", object: "files/a.csv" }],
];

test("machines may do with their bucket what they need, and no more", { timeout: 120_000 }, async () => {
  const grants = plannedGrants(await planStack("gcp"), "files");
  for (const [allowed, access] of cases)
    expect([access, isAllowed(grants, "files", access)]).toEqual([access, allowed]);
  expect(isAllowed(grants, "another", { permission: "storage.objects.get", object: "files/a.csv" })).toBe(
    false,
  );
});
