import { expect, test } from "vitest";
import { machineTypeOf, machineTypeProblem, platformOf } from "../../../providers/aws/machine-types.ts";
import { certificate, problemsOf, valid, zoned } from "./problems.ts";

test("takes a network in two zones, and who may come in", async () => {
  expect(await problemsOf({})).toEqual([]);
});

test("asks for what has no default: zones, and who may come in", async () => {
  expect(await problemsOf({ loadBalancer: {} })).toEqual([
    expect.stringMatching(/^loadBalancer\.allow is missing; /),
  ]);
  expect(await problemsOf({ network: undefined })).toEqual([
    "network.subnets[0].zone is missing; it must be one of the region's availability zones, such as us-east-1a",
    "network.subnets[1].zone is missing; it must be one of the region's availability zones, such as us-east-1a",
  ]);
});

test.each([
  [
    "one zone alone",
    { network: zoned("us-east-1a", "us-east-1a") },
    /^network\.subnets is .+; the load balancer needs subnets in at least two zones$/,
  ],
  [
    "a word that is no zone",
    { network: zoned("us-east-1a", "us-east-1") },
    /^network\.subnets\[1\]\.zone is "us-east-1"; it must be one of the region's/,
  ],
  [
    "a VPC larger than a /16",
    { network: { ...valid.network, cidr: "10.0.0.0/15" } },
    'network.cidr is "10.0.0.0/15"; on AWS it must be from /16 to /28',
  ],
  [
    "a subnet too small for a load balancer",
    {
      network: {
        cidr: "10.0.0.0/16",
        subnets: [
          { cidr: "10.0.0.0/28", zone: "us-east-1a" },
          { cidr: "10.0.1.0/27", zone: "us-east-1b" },
          { cidr: "10.0.2.0/28", zone: "us-east-1b" },
        ],
      },
    },
    'network.subnets[0].cidr is "10.0.0.0/28"; the load balancer stands in it, and needs a /27 or larger',
  ],
  [
    "a machine type of another cloud",
    { clusters: [{ name: "a", min: 1, machineType: "n1-standard-1" }] },
    'clusters[0].machineType is "n1-standard-1"; it must be an EC2 machine type such as t3.small',
  ],
  [
    "more clusters with a weight than a load balancer splits between",
    { clusters: Array.from({ length: 6 }, (_, index) => ({ name: `c${index}`, min: 1 })) },
    /^clusters is "6 clusters with a weight"; .+ 5 clusters at most: give 1 of them the weight 0$/,
  ],
  [
    "a health check that AWS does not have",
    { loadBalancer: { ...valid.loadBalancer, healthCheck: { intervalSeconds: 4 } } },
    "loadBalancer.healthCheck.intervalSeconds is 4; on AWS it must be at least 5",
  ],
  [
    "one good answer for healthy",
    { loadBalancer: { ...valid.loadBalancer, healthCheck: { healthyThreshold: 1 } } },
    "loadBalancer.healthCheck.healthyThreshold is 1; on AWS it must be at least 2",
  ],
  [
    "a certificate that is no ARN",
    { loadBalancer: { ...valid.loadBalancer, certificate: "mine", host: "api.example.org" } },
    /^loadBalancer\.certificate is "mine"; it must be an ACM certificate's ARN/,
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
    "HTTP on the port of HTTPS",
    { loadBalancer: { ...valid.loadBalancer, certificate, host: "api.example.org", port: 443 } },
    "loadBalancer.port is 443; with a certificate, this port redirects to 443: choose another one, such as 80",
  ],
  [
    "an unknown role",
    { names: { appSecurityGrup: "x" } },
    'names.appSecurityGrup is "x"; there is no such role, did you mean appSecurityGroup?',
  ],
  [
    "a role that objects inherit",
    { names: { toString: "x" } },
    /^names\.toString is "x"; there is no such role, it may be: edgeSecurityGroup, appSecurityGroup, machineRole, bucket, billingTopic, loadBalancer$/,
  ],
  [
    "charges in another currency than AWS estimates them in",
    { budget: { amount: 1, currency: "EUR", email: "me@example.org" } },
    'budget.currency is "EUR"; AWS estimates charges in USD: leave it out, and give the amount in USD',
  ],
  [
    "a billing account, which AWS does not have",
    { budget: { amount: 1, email: "me@example.org", billingAccount: "012345-6789AB-CDEF01" } },
    'budget.billingAccount is "012345-6789AB-CDEF01"; on AWS the account itself pays; leave it out',
  ],
  [
    "an image that is none of AWS's",
    { clusters: [{ name: "a", min: 1, image: "gold" }] },
    'clusters[0].image is "gold"; it must be an image\'s id, ami-…, or a parameter that has one, resolve:ssm:…',
  ],
  [
    "a name that AWS does not take",
    { names: { bucket: "My_Files" } },
    /^names\.bucket is "My_Files"; it must be 3 to 63 lower-case letters, digits and hyphens, no hyphen first or last,/,
  ],
  [
    "a tag of the program's own",
    { tags: { Name: "x" } },
    'tags["Name"] is "x"; that tag is set by the program or by AWS',
  ],
  [
    "a tag of AWS's",
    { clusters: [{ name: "a", min: 1, tags: { "AWS:x": "y" } }] },
    'clusters[0].tags["AWS:x"] is "y"; that tag is set by the program or by AWS',
  ],
  ["a tag with odd characters", { tags: { a: "b?" } }, /^tags\["a"\] is "b\?"; on AWS a tag has letters/],
  [
    "too many tags",
    { tags: Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`k${index}`, "v"])) },
    'tags is "10 tags"; on AWS there may be 9 at most',
  ],
])("refuses %s", async (_, config, problem) => {
  expect(await problemsOf(config)).toEqual([
    typeof problem === "string" ? problem : expect.stringMatching(problem),
  ]);
});

test("lets pass what is allowed", async () => {
  const names = {
    edgeSecurityGroup: "lab1 edge",
    appSecurityGroup: "day02-flask-sg",
    machineRole: "s3_access",
    bucket: "lab1-files",
    loadBalancer: "lab1-lb",
  };
  const loadBalancer = { ...valid.loadBalancer, certificate, host: "api.example.org" };
  expect(await problemsOf({ names, loadBalancer, tags: { "cost centre": "42/a" } })).toEqual([]);
  const local = { network: zoned("us-west-2-lax-1a", "us-west-2-lax-1b") };
  expect(await problemsOf(local, { region: "us-west-2" })).toEqual([]);
  const gov = { network: zoned("us-gov-west-1a", "us-gov-west-1b") };
  expect(await problemsOf(gov, { region: "us-gov-west-1" })).toEqual([]);
});

test("has a machine type for each size, which a machine type of the cluster's own outdoes", () => {
  expect(machineTypeOf({ size: "small" })).toBe("t3.small");
  expect(machineTypeOf({ size: "medium" })).toBe("t3.large");
  expect(machineTypeOf({ size: "large" })).toBe("m6i.xlarge");
  expect(machineTypeOf({ size: "large", machineType: "t2.micro" })).toBe("t2.micro");
});

test.each([
  ...["a1.medium", "t4g.small", "m7g.large", "m7gd.large", "c7gn.xlarge", "im4gn.large", "is4gen.large"],
  ...["x2gd.medium", "g5g.xlarge", "hpc7g.4xlarge", "r8g.metal-24xl"],
])("%s is an ARM machine", (machineType) => {
  expect(platformOf(machineType)).toBe("linux-arm64");
});

test.each([
  ...[
    "t2.micro",
    "m4.large",
    "t2.large",
    "t3.small",
    "m6i.xlarge",
    "g4dn.xlarge",
    "g6.xlarge",
    "gr6.4xlarge",
  ],
  ...["c5n.large", "m5dn.large", "x2iedn.xlarge", "u-6tb1.56xlarge", "u7i-12tb.224xlarge", "p5.48xlarge"],
])("%s is an x64 machine", (machineType) => {
  expect(machineTypeProblem(machineType)).toBeUndefined();
  expect(platformOf(machineType)).toBe("linux-x64");
});
