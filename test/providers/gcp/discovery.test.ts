import { describe, expect, it, vi } from "vitest";
import type { PlannedResource } from "../../../plan/plan.ts";
import { replacements } from "../../../providers/gcp/replacements.ts";
import { isInstalled, serverPackages } from "../../servers/cache.ts";
import { planExample, planStack } from "../../support/plan.ts";
import { apiObjectOf } from "./api-shapes.ts";
import { problemsOf, requestProblems } from "./discovery.ts";
import { certificate } from "./problems.ts";

vi.setConfig({ testTimeout: 60_000 });

const fromGoogle = ({ type }: PlannedResource) => type.startsWith("gcp:");

/** What Google's APIs would not take of planned resources. */
function problems(resources: readonly PlannedResource[]): string[] {
  return resources.filter(fromGoogle).flatMap((resource) => {
    const { api, schema, body } = apiObjectOf(resource);
    return problemsOf(api, schema, body).map((problem) => `${resource.urn}: ${problem}`);
  });
}

const subnets = [
  { cidr: "10.0.1.0/24", zone: "us-west1-a" },
  { cidr: "10.0.2.0/24", zone: "us-west1-b", private: true },
];
const controller = {
  allow: ["192.0.2.0/24"],
  certificate,
  host: "peak.example.org",
  images: { gold: "projects/lab-123456/global/images/gold" },
};
const budget = {
  amount: 1.5,
  currency: "EUR",
  email: "me@example.org",
  billingAccount: "012345-6789AB-CDEF01",
};
const loadBalancer = { allow: ["192.0.2.0/24"], accessLogs: true };

describe.skipIf(!isInstalled(serverPackages.google))("Google's discovery documents", () => {
  it.each([
    ["gcp", () => planStack("gcp")],
    ["gcp-lab", () => planExample("gcp-lab")],
    ["gcp-two-clusters", () => planExample("gcp-two-clusters")],
    [
      "a stack with all there is",
      () =>
        planExample("gcp-two-clusters", {
          network: { cidr: "10.0.0.0/16", subnets, nat: "one", flowLogs: true },
          clusters: [
            {
              name: "one",
              min: 0,
              max: 20,
              machineType: "c4a-standard-1",
              diskGiB: 20,
              path: "/one",
              weight: 0,
            },
            { name: "metal", min: 1, machineType: "c3-standard-192-metal", path: "/metal", weight: 0 },
            { name: "two", desired: 3, subnets: [0, 1], path: "/two", weight: 0, tags: { Team: "Web" } },
          ],
          loadBalancer: { ...loadBalancer, certificate, host: "api.example.org" },
          controller,
          budget,
          bucket: {
            empty: true,
            protect: false,
            encryptionKey: "projects/lab-123456/locations/us-west1/keyRings/lab/cryptoKeys/files",
          },
          names: {
            "access-22": "ssh",
            bucket: "lab-files",
            loadBalancer: "lab",
            machineAccount: "lab-machines",
          },
          tags: { owner: "me" },
        }),
    ],
    [
      "a stack with a certificate map",
      () =>
        planStack("gcp", {
          loadBalancer: {
            ...loadBalancer,
            certificate: "projects/lab-123456/locations/global/certificateMaps/api",
            host: "api.example.org",
          },
        }),
    ],
  ])("know every input of %s", async (_, plan) => {
    const { resources } = await plan();
    expect(resources.filter(fromGoogle).length).toBeGreaterThan(25);
    expect(problems(resources)).toEqual([]);
  });

  it("are what the table of replacements speaks of: all types that are planned, and no others", async () => {
    const loadBalancers = { ...loadBalancer, certificate, host: "api.example.org" };
    const { resources } = await planStack("gcp", {
      loadBalancer: loadBalancers,
      network: { cidr: "10.0.0.0/16", subnets, nat: "one" },
      controller,
      budget,
    });
    const types = new Set(resources.filter(fromGoogle).map(({ type }) => type));
    expect([...types].sort()).toEqual(Object.keys(replacements).sort());
  });

  it.each([
    ["Firewall", { sourceRange: ["192.0.2.0/24"] }, "Firewall has no sourceRange"],
    ["Firewall", { direction: "IN" }, /^Firewall\.direction is "IN", and must be one of EGRESS, INGRESS/],
    ["Firewall", { priority: "1" }, 'Firewall.priority is "1", and must be a whole number'],
    ["Firewall", { disabled: 1 }, "Firewall.disabled is 1, and must be true or false"],
    ["Firewall", { sourceRanges: "x" }, 'Firewall.sourceRanges is "x", and must be a list'],
    ["Firewall", { logConfig: [] }, "Firewall.logConfig is [], and must be an object"],
    ["UrlMap", { name: "Edge" }, /^UrlMap\.name is "Edge", and must be \[a-z\]/],
    ["Nothing", {}, "there is no Nothing"],
  ])("refuse what is wrong: %s of %j", (schema, body, problem) => {
    const expected = typeof problem === "string" ? problem : expect.stringMatching(problem);
    expect(problemsOf("compute.beta", schema, body)).toEqual([expected]);
  });

  it.each([
    ["POST", "regions/us-west1/instanceGroupManagers/web-1a2b3c4/listManagedInstances?pageToken=x"],
    ["GET", "regions/us-west1/instanceGroupManagers/web-1a2b3c4"],
    ["GET", "regions/us-west1/instanceGroupManagers/web-1a2b3c4/listErrors?maxResults=1"],
    ["POST", "regions/us-west1/instanceGroupManagers/web-1a2b3c4/resize?size=2"],
    ["GET", "regions/us-west1"],
    ["GET", "zones/us-west1-b/machineTypes?pageToken=x"],
    ["GET", "global/networks?pageToken=x"],
    ["GET", "global/images/family/debian-12"],
    ["GET", "zones/us-west1-b/instances?fields=items(id)&pageToken=x"],
    ["GET", "zones/us-west1-b/instances/web-1x2y/serialPort?port=1&start=0"],
  ])("know what is asked about machines: %s %s", (method, path) => {
    const url = new URL(`https://compute.googleapis.com/compute/v1/projects/lab-123456/${path}`);
    expect(requestProblems("compute.v1", method, url)).toEqual([]);
    expect(requestProblems("compute.v1", "PUT", url)).toEqual([expect.stringMatching(/^there is no PUT /)]);
    url.searchParams.set("offset", "1");
    expect(requestProblems("compute.v1", method, url)).toEqual([expect.stringMatching(/ takes no offset$/)]);
  });

  it("know how a machine fetches an object", () => {
    const url = new URL("https://storage.googleapis.com/storage/v1/b/files/o/releases%2Fa.tar.gz?alt=media");
    expect(requestProblems("storage.v1", "GET", url)).toEqual([]);
  });
});
