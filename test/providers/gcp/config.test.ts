import { expect, test } from "vitest";
import { imageFor } from "../../../providers/gcp/images.ts";
import { labelsFrom } from "../../../providers/gcp/labels.ts";
import {
  canBeShielded,
  diskTypeOf,
  machineTypeOf,
  machineTypeProblem,
  platformOf,
  stopsForMaintenance,
} from "../../../providers/gcp/machine-types.ts";
import { certificate, problemsOf, valid, zoned } from "./problems.ts";

test("takes a network in zones of one region, and who may come in", async () => {
  expect(await problemsOf({})).toEqual([]);
});

test("asks for what has no default: the project, zones, and who may come in", async () => {
  expect(await problemsOf({ loadBalancer: {}, network: undefined }, {})).toEqual([
    "gcp:project is missing; say which Google Cloud project to deploy to, by its id, such as lab-123456",
    expect.stringMatching(/^loadBalancer\.allow is missing; /),
    "network.subnets[0].zone is missing; it must be a zone of Google Cloud's, where machines are placed, such as us-west1-b",
  ]);
});

const one = { name: "a", min: 1 };

test.each([
  [
    "a word that is no zone",
    { network: zoned("us-west1-b", "us-west1") },
    /^network\.subnets\[1\]\.zone is "us-west1"; it must be a zone of Google Cloud's/,
  ],
  [
    "zones of two regions",
    { network: zoned("us-west1-b", "us-east1-b") },
    'network.subnets[1].zone is "us-east1-b"; all zones must be of one region, which is us-west1 by the first',
  ],
  [
    "a gateway in each zone",
    { network: { ...valid.network, nat: "zonal" } },
    'network.nat is "zonal"; on Google Cloud one gateway serves all zones of the region: make it one',
  ],
  [
    "a gateway that nothing would use",
    { network: { ...valid.network, nat: "one" }, access: [{ port: 22, from: ["192.0.2.0/24"] }] },
    /^network\.nat is "one"; all machines have public addresses/,
  ],
  [
    "a machine type of another cloud",
    { clusters: [{ ...one, machineType: "t3.small" }] },
    'clusters[0].machineType is "t3.small"; it must be a Compute Engine machine type such as e2-small',
  ],
  [
    "a disk smaller than the image",
    { clusters: [{ ...one, diskGiB: 8 }] },
    "clusters[0].diskGiB is 8; the image needs 10 at least",
  ],
  [
    "a first subnet without room for what is rolled",
    {
      network: {
        cidr: "10.0.0.0/16",
        subnets: [
          { cidr: "10.0.0.0/28", zone: "us-west1-b" },
          { cidr: "10.0.1.0/24", zone: "us-west1-c" },
        ],
      },
      clusters: [{ name: "a", min: 10, subnets: [0, 1] }],
    },
    'network.subnets[0].cidr is "10.0.0.0/28"; it has room for 12 machines, and 15 may be placed in it while they are rolled: make it a /27 or larger',
  ],
  [
    "a machine that may take longer than auto-healing waits",
    { rollout: { timeoutSeconds: 2881 } },
    "rollout.timeoutSeconds is 2881; on Google Cloud it must be 2880 at most, because auto-healing waits no longer",
  ],
  [
    "protection of the load balancer",
    { loadBalancer: { ...valid.loadBalancer, protect: true } },
    "loadBalancer.protect is true; Google Cloud has no deletion protection for load balancers; leave it out",
  ],
  [
    "a boundary of permissions",
    { permissionsBoundary: "arn:aws:iam::123456789012:policy/boundary" },
    /^permissionsBoundary is .+; Google Cloud bounds service accounts by an organization's policies alone; leave it out$/,
  ],
  [
    "a machines' account of another project",
    { identities: { machines: "machines@elsewhere.iam.gserviceaccount.com" } },
    /^identities\.machines is "machines@elsewhere\..+; it must be the e-mail of a service account of gcp:project, <name>@/,
  ],
  [
    "a name for an account that is there",
    {
      identities: { machines: "machines@lab-123456.iam.gserviceaccount.com" },
      names: { machineAccount: "machines" },
    },
    'names.machineAccount is "machines"; the account is there already: identities names it',
  ],
  [
    "a certificate of another cloud",
    { loadBalancer: { ...valid.loadBalancer, certificate: "arn:aws:acm:x", host: "api.example.org" } },
    /^loadBalancer\.certificate is "arn:aws:acm:x"; it must be a certificate, projects\//,
  ],
  [
    "a certificate without its name",
    { loadBalancer: { ...valid.loadBalancer, certificate } },
    "loadBalancer.host is missing; say which name the certificate is for, such as api.example.org",
  ],
  [
    "a name without a certificate",
    { loadBalancer: { ...valid.loadBalancer, host: "api.example.org" } },
    'loadBalancer.host is "api.example.org"; it is for HTTPS: give loadBalancer.certificate too',
  ],
  [
    "HTTP on the port of HTTPS, with a certificate",
    { loadBalancer: { ...valid.loadBalancer, certificate, host: "api.example.org", port: 443 } },
    "loadBalancer.port is 443; with a certificate, this port redirects to 443: choose another one, such as 80",
  ],
  [
    "HTTP on the port of HTTPS, without one",
    { loadBalancer: { ...valid.loadBalancer, port: 443 } },
    "loadBalancer.port is 443; that port is for HTTPS: give loadBalancer.certificate, or choose another, such as 80",
  ],
  [
    "more clients than Cloud Armor has rules for",
    {
      loadBalancer: {
        allow: Array.from({ length: 1991 }, (_, at) => `10.${Math.floor(at / 256)}.${at % 256}.0/24`),
      },
    },
    'loadBalancer.allow is "1991 ranges"; Cloud Armor takes 1990 at most: name larger ones',
  ],
  [
    "a key that is none",
    { bucket: { encryptionKey: "mine" } },
    /^bucket\.encryptionKey is "mine"; it must be a Cloud KMS key, projects\//,
  ],
  [
    "a key elsewhere",
    { bucket: { encryptionKey: "projects/lab-123456/locations/us-east1/keyRings/lab/cryptoKeys/files" } },
    /^bucket\.encryptionKey is "projects.+; it must be a key of the bucket's region, us-west1$/,
  ],
  [
    "an unknown role",
    { names: { buket: "x" } },
    'names.buket is "x"; there is no such role, did you mean bucket?',
  ],
  [
    "the rule of a port that is not open",
    { names: { "access-5000": "allow-5000" } },
    'names.access-5000 is "allow-5000"; there is no such role, it may be: bucket, loadBalancer, machineAccount',
  ],
  [
    "one name for two rules",
    {
      access: [
        { port: 22, from: ["192.0.2.0/24"] },
        { port: 5000, from: ["192.0.2.0/24"] },
      ],
      names: { "access-22": "allow", "access-5000": "allow" },
    },
    'names.access-5000 is "allow"; names.access-22 is the same; each rule needs a name of its own',
  ],
  [
    "a name that Google does not take",
    { names: { machineAccount: "web" } },
    /^names\.machineAccount is "web"; it must be 6 to 30 lower-case letters/,
  ],
  [
    "a tag whose label is the program's own",
    { tags: { "Project name": "x" } },
    'tags["Project name"] is "x"; its label, project_name, is set by the program or by Google: choose another tag',
  ],
  [
    "tags that become one label",
    { clusters: [{ ...one, tags: { "Cost Centre": "1", "cost.centre": "2" } }] },
    'clusters[0].tags["cost.centre"] is "2"; its label, cost_centre, is that of the tag "Cost Centre", too: rename one of the two',
  ],
  [
    "a tag that begins with a digit",
    { tags: { "1st": "x" } },
    'tags["1st"] is "x"; on Google Cloud a tag begins with a letter, and has 63 characters at most',
  ],
  [
    "a long value",
    { tags: { owner: "x".repeat(64) } },
    /^tags\["owner"\] is .+; on Google Cloud a tag's value has 63 characters at most$/,
  ],
  [
    "too many tags",
    { tags: Object.fromEntries(Array.from({ length: 31 }, (_, index) => [`k${index}`, "v"])) },
    'tags is "31 tags"; on Google Cloud there may be 30 at most',
  ],
])("refuses %s", async (_, config, problem) => {
  expect(await problemsOf(config)).toEqual([
    typeof problem === "string" ? problem : expect.stringMatching(problem),
  ]);
});

test.each([
  [
    "credentials of its own",
    { credentials: "{}" },
    /^gcp:credentials is "…"; not every part of a deployment/,
  ],
  ["another endpoint", { computeCustomEndpoint: "http://x" }, /^gcp:computeCustomEndpoint is "…"; not every/],
  [
    "another region",
    { region: "us-east1" },
    'gcp:region is "us-east1"; the subnets\' zones are in us-west1: leave it out, or change the zones',
  ],
  ["another zone", { zone: "us-east1-b" }, /^gcp:zone is "us-east1-b"; the subnets' zones are in us-west1/],
])("refuses a provider with %s", async (_, gcp, problem) => {
  const problems = await problemsOf({}, { project: "lab-123456", ...(gcp as Record<string, string>) });
  expect(problems).toEqual([typeof problem === "string" ? problem : expect.stringMatching(problem)]);
});

test("lets pass what is allowed", async () => {
  const names = {
    bucket: "lab1-files",
    loadBalancer: "lab1-lb",
    machineAccount: "lab1-machines",
    "access-22": "allow-ssh",
  };
  const map = "projects/lab-123456/locations/global/certificateMaps/api";
  const access = [{ port: 22, from: ["192.0.2.0/24"] }];
  for (const each of [certificate, map]) {
    const loadBalancer = { ...valid.loadBalancer, certificate: each, host: "api.example.org" };
    expect(await problemsOf({ names, access, loadBalancer, tags: { "Cost centre": "42/A" } })).toEqual([]);
  }
  const provider = { project: "lab-123456", region: "us-west1", zone: "us-west1-a" };
  expect(await problemsOf({ network: { ...valid.network, nat: "one" } }, provider)).toEqual([]);
  // Thirty machines, and fifteen more while they are rolled, have addresses of the first subnet alone.
  const subnets = [
    { cidr: "10.0.0.0/26", zone: "us-west1-b" },
    { cidr: "10.0.1.0/28", zone: "us-west1-c" },
  ];
  const clusters = [{ name: "a", min: 30, subnets: [0, 1] }];
  expect(await problemsOf({ network: { cidr: "10.0.0.0/16", subnets }, clusters })).toEqual([]);
});

test("makes labels of tags", () => {
  expect(labelsFrom({ "Autoscaling Flask": "flask-asg", "cost.centre": "42/A", owner: "Zoë" })).toEqual({
    autoscaling_flask: "flask-asg",
    cost_centre: "42_a",
    owner: "zo_",
  });
});

test("has a machine type for each size, which a machine type of the cluster's own outdoes", () => {
  expect(machineTypeOf({ size: "small" })).toBe("e2-small");
  expect(machineTypeOf({ size: "medium" })).toBe("e2-standard-2");
  expect(machineTypeOf({ size: "large" })).toBe("e2-standard-4");
  expect(machineTypeOf({ size: "large", machineType: "f1-micro" })).toBe("f1-micro");
});

const ubuntu = "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-";
const debian = "projects/debian-cloud/global/images/family/debian-12";

test.each([
  ["f1-micro", "linux-x64", debian, "pd-balanced", true],
  ["g1-small", "linux-x64", `${ubuntu}amd64`, "pd-balanced", true],
  ["e2-micro", "linux-x64", debian, "pd-balanced", true],
  ["n2-standard-2", "linux-x64", `${ubuntu}amd64`, "pd-balanced", true],
  ["n2-custom-4-8192-ext", "linux-x64", `${ubuntu}amd64`, "pd-balanced", true],
  ["custom-2-4096", "linux-x64", `${ubuntu}amd64`, "pd-balanced", true],
  ["a2-highgpu-1g", "linux-x64", `${ubuntu}amd64`, "pd-balanced", true],
  ["c3d-standard-4", "linux-x64", `${ubuntu}amd64`, "pd-balanced", true],
  ["c3-standard-192-metal", "linux-x64", `${ubuntu}amd64`, "pd-balanced", false],
  ["c4-standard-2", "linux-x64", `${ubuntu}amd64`, "hyperdisk-balanced", true],
  ["n4-standard-2", "linux-x64", `${ubuntu}amd64`, "hyperdisk-balanced", true],
  ["t2a-standard-1", "linux-arm64", `${ubuntu}arm64`, "pd-balanced", false],
  ["c4a-standard-1", "linux-arm64", `${ubuntu}arm64`, "hyperdisk-balanced", true],
  ["n4a-standard-1", "linux-arm64", `${ubuntu}arm64`, "hyperdisk-balanced", true],
] as const)("%s is %s, with its image, disk and protections", (type, platform, image, disk, shielded) => {
  expect(machineTypeProblem(type)).toBeUndefined();
  expect([platformOf(type), imageFor(type), diskTypeOf(type), canBeShielded(type)]).toEqual([
    platform,
    image,
    disk,
    shielded,
  ]);
});

test.each([
  ["a2-highgpu-1g", true],
  ["g2-standard-4", true],
  ["c3-standard-192-metal", true],
  ["g1-small", false],
  ["e2-small", false],
])("%s stops for maintenance: %s", (type, stops) => {
  expect(stopsForMaintenance(type)).toBe(stops);
});
