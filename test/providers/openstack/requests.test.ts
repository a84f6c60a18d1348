import { beforeAll, describe, expect, it, vi } from "vitest";
import { simpleType } from "../../../plan/labels.ts";
import type { PlannedResource } from "../../../plan/plan.ts";
import { replacements } from "../../../providers/openstack/replacements.ts";
import { isInstalled, serverPackages } from "../../servers/cache.ts";
import { planExample, planStack } from "../../support/plan.ts";
import { cloud } from "./problems.ts";
import { requestOf, requestProblems } from "./requests.ts";
import { typeProblems } from "./sdk-types.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const sshKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHKJc2sGKnVLc5lyMgHp4WkVqdnSBaAhgLxHYm0lSrpP me";
const barbican = "https://barbican.example.org/v1/containers";

/** What OpenStack itself is asked for, of examples and of stacks with all that these have not. */
let planned: PlannedResource[];

beforeAll(async () => {
  const plans = [
    await planExample("openstack-two-clusters"),
    await planExample("openstack-peak-hours"),
    await planStack("openstack", {
      openstack: {
        ...cloud,
        dnsServers: ["192.0.2.53"],
        loadBalancerProvider: "amphora",
        tempUrlKeys: ["new", "old"],
      },
      sshKey,
      machines: undefined,
      clusters: [{ name: "one", min: 1, diskGiB: 20, path: "/one", tags: { "cost centre": "42" } }],
      loadBalancer: {
        allow: ["192.0.2.0/24"],
        certificate: `${barbican}/${cloud.image}`,
        host: "api.example.org",
      },
      names: {
        appSecurityGroup: "app",
        bucket: "lab-files",
        edgeSecurityGroup: "edge",
        loadBalancer: "lab",
        machineCredential: "lab-machines",
      },
      tags: { owner: "me" },
    }),
    await planStack("openstack", {
      openstack: {
        ...cloud,
        store: "s3",
        s3: { endpoint: "https://rgw.example.org", createCredential: true },
      },
    }),
  ];
  planned = plans.flatMap(({ resources }) => resources).filter(({ type }) => type.startsWith("openstack:"));
});

const one = (kind: string): PlannedResource => {
  const found = planned.find(({ type }) => simpleType(type) === kind);
  if (!found) throw new Error(`no ${kind} is planned`);
  return found;
};
const changed = (kind: string, inputs: object) => ({
  ...one(kind),
  inputs: { ...one(kind).inputs, ...inputs },
});

it("plans all types that the table of replacements speaks of, and no others", () => {
  const types = new Set(planned.map(({ type }) => type));
  expect([...types].sort()).toEqual(Object.keys(replacements).sort());
});

describe("the SDK's types", () => {
  it("have every input by its name and type, and nothing else", () => {
    const wrong = [
      changed("Instance", { stopBeforeDestruction: true }),
      one("Network"),
      changed("Instance", { networks: [{ portId: "a" }] }),
      changed("Member", { protocolPort: "80" }),
      changed("Subnet", { networkId: undefined }),
    ];
    expect(typeProblems([...planned, ...wrong])).toEqual([
      expect.stringMatching(/Instance::.+'"stopBeforeDestruction"' does not exist in type 'InstanceArgs'/),
      expect.stringMatching(/Instance::.+'"portId"' does not exist in type/),
      expect.stringMatching(/Member::.+Type 'string' is not assignable to type 'Input<number>'/),
      expect.stringMatching(/Subnet::.+Property 'networkId' is missing/),
    ]);
  });
});

describe.skipIf(!isInstalled(serverPackages.swift))("the services' own schemas", () => {
  it("take what is asked for, and not what is wrong", async () => {
    const wrong: [PlannedResource, RegExp][] = [
      [changed("Instance", { adminPassword: "a" }), /'admin_password' was unexpected/],
      [changed("Instance", { availabilityZone: "" }), /availability_zone/],
      [changed("ServerGroup", { policies: ["soft"] }), /'soft' is not one of/],
      [changed("ApplicationCredential", { accessRules: [{ method: "FETCH" }] }), /'FETCH' is not one of/],
      [changed("Subnet", { cidr: "10.0.1.0/33" }), /10\.0\.1\.0\/33 is not in a CIDR format/],
      [changed("Network", { protect: true }), /Unrecognized attribute\(s\) 'protect'/],
      [changed("SecGroupRule", { direction: "in" }), /Invalid input for direction/],
      [changed("Member", { weight: 300 }), /lower or equal to 256/],
      [changed("Listener", { port: 80 }), /Octavia knows no port/],
      [changed("L7RuleV2", { compareType: "PREFIX" }), /Value should be one of: .*STARTS_WITH/],
    ];
    const asked = planned.flatMap((resource) => {
      const request = requestOf(resource);
      return request ? [{ urn: resource.urn, request }] : [];
    });
    const refused = wrong.map(([resource]) => requestOf(resource));
    const all = [...asked.map(({ request }) => request), ...refused.filter((one) => one !== undefined)];
    const problems = await requestProblems(all);
    expect(
      asked.flatMap(({ urn }, at) => (problems[at] ?? []).map((problem) => `${urn}: ${problem}`)),
    ).toEqual([]);
    expect(problems.slice(asked.length)).toEqual(
      wrong.map(([, problem]) => [expect.stringMatching(problem)]),
    );
  });
});
