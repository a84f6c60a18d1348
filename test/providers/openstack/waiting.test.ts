import { describe, expect, it } from "vitest";
import { planStack, type StackPlan } from "../../support/plan.ts";
import { cloud } from "./problems.ts";

type Config = Readonly<Record<string, unknown>>;

const [first, second] = [{ cidr: "10.0.1.0/24", zone: "az1" }, { cidr: "10.0.2.0/24" }];
const web = { name: "web", min: 3, subnets: [0] };
const config = {
  openstack: cloud,
  network: { cidr: "10.0.0.0/16", subnets: [first, second] },
  machines: undefined,
  clusters: [web],
};
const inPlaces = { ...config, openstack: { ...cloud, batch: 1 } };
const sshKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me";

const edits: Readonly<Record<string, object>> = {
  "another zone": { network: { ...config.network, subnets: [{ ...first, zone: "az2" }, second] } },
  "other subnets": { clusters: [{ ...web, subnets: [1] }] },
  "a disk of their own": { clusters: [{ ...web, diskGiB: 20 }] },
  "an SSH key": { sshKey },
};

/** What each Readiness waits for, by its URN. */
function expected(plan: StackPlan): Map<string, unknown> {
  return new Map(plan.byType("Readiness").map(({ urn, inputs }) => [urn, inputs?.clusters]));
}

async function expectWaits(before: Config, after: Config): Promise<void> {
  const [old, next] = [expected(await planStack("openstack", before)), await planStack("openstack", after)];
  for (const [urn, clusters] of expected(next)) expect(clusters, urn).not.toEqual(old.get(urn));
}

describe("a deployment by which other machines come", { timeout: 240_000 }, () => {
  it.each(Object.entries(edits))("waits for those with %s before the old ones go", async (_, edit) => {
    await expectWaits(config, { ...config, ...edit });
  });

  it.each(Object.entries(edits))("waits for each batch of those with %s", async (_, edit) => {
    await expectWaits(inPlaces, { ...inPlaces, ...edit });
  });

  it("waits for machines in places of their own, and for those that have none any more", async () => {
    await expectWaits(config, inPlaces);
    await expectWaits(inPlaces, config);
  });
});
