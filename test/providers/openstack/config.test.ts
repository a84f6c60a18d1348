import { expect, test } from "vitest";
import { problemsOf as homeProblemsOf } from "../../support/config.ts";
import { cloud, problemsOf, valid } from "./problems.ts";

const one = { name: "a", min: 1 };
const s3 = { endpoint: "https://rgw.example.org", credential: { id: "a", secret: "hunter2" } };
const barbican = "https://barbican.example.org/v1/containers/0f3c3a52-6a53-4f1f-8a37-0a3a9a1d6a11";

test("takes what a cloud calls its parts, and who may come in", async () => {
  expect(await problemsOf({})).toEqual([]);
});

test("asks for what has no default: where the cloud is, what it calls its parts, and who may come in", async () => {
  expect(await problemsOf({ loadBalancer: {}, openstack: undefined }, {})).toEqual([
    expect.stringMatching(/^loadBalancer\.allow is missing; /),
    expect.stringMatching(
      /^openstack is missing; .+ \(openstack network list --external\), and image \(openstack image list\)$/,
    ),
    expect.stringMatching(/^openstack:authUrl is missing; say where Keystone is, /),
    "openstack:region is missing; say which region, such as RegionOne (openstack region list)",
    "openstack:useOctavia is missing; load balancers are Octavia's: it must be true",
  ]);
});

test("lets all of the environment's login be, and no part of it in the configuration", async () => {
  const provider = { authUrl: "https://keystone.example.org", region: "RegionOne", useOctavia: "true" };
  const [problem, ...others] = await problemsOf({}, { ...provider, password: "hunter2" });
  expect(problem).toMatch(
    /^openstack:password is "…"; .+: set it in the environment \(OS_USERNAME, OS_PASSWORD and so on/,
  );
  expect(others).toEqual([]);
});

test("may tell machines secrets", async () => {
  const { rules } = await import("../../../providers/openstack/config.ts");
  expect(rules.takesSecrets).toBe(true);
});

test("is refused on another cloud, without a word of what it says", async () => {
  const openstack = { ...cloud, credential: { id: "a", secret: "hunter2" } };
  expect(await homeProblemsOf({ openstack })).toEqual([
    'openstack is "…"; it is for OpenStack alone; leave it out',
  ]);
});

test.each([
  [
    "a size that follows the load",
    { clusters: [{ ...one, max: 3, scale: { cpu: 60 } }] },
    /^clusters\[0\]\.scale is \{"cpu":60\}; this cloud's clusters cannot follow their load; leave it out$/,
  ],
  [
    "an external network by its name alone",
    { openstack: { ...cloud, externalNetwork: { id: "public", name: "public" } } },
    'openstack.externalNetwork.id is "public"; it must be an id, such as openstack network list --external shows',
  ],
  [
    "a name server by its name",
    { openstack: { ...cloud, dnsServers: ["192.0.2.53", "ns1"] } },
    'openstack.dnsServers[1] is "ns1"; it must be an IPv4 address, such as 192.0.2.53',
  ],
  [
    "a load balancer without paths, checks and ranges",
    { openstack: { ...cloud, loadBalancerProvider: "ovn" } },
    /^openstack\.loadBalancerProvider is "ovn"; it knows no paths, no HTTP health checks and no allowed ranges/,
  ],
  [
    "more keys of links than Swift knows",
    { openstack: { ...cloud, tempUrlKeys: ["a", "b", "c"] } },
    'openstack.tempUrlKeys is "3 keys"; Swift knows two: the first signs',
  ],
  [
    "links by a key of the account that is not given",
    { openstack: { ...cloud, tempUrl: "account" } },
    /^openstack\.tempUrlKeys is missing; give the key that the account has/,
  ],
  [
    "a batch that is all of a cluster",
    {
      openstack: { ...cloud, batch: 2 },
      clusters: [
        { ...one, min: 2 },
        { name: "b", min: 3 },
      ],
    },
    "openstack.batch is 2; of a's machines, all 2 would be gone at once: make it less, or leave it out",
  ],
  [
    "keys of links without links",
    { openstack: { ...cloud, tempUrl: "off", tempUrlKeys: ["hunter2"] } },
    'openstack.tempUrlKeys is "…"; without links (tempUrl: off) there is nothing to sign; leave it out',
  ],
  [
    "S3 without saying where",
    { openstack: { ...cloud, store: "s3" } },
    /^openstack\.s3 is missing; say where the service is, s3\.endpoint \(openstack catalog show s3\)/,
  ],
  [
    "where S3 is, beside Swift",
    { openstack: { ...cloud, s3 } },
    'openstack.s3 is "…"; it is for store: s3; leave it out, or make openstack.store that',
  ],
  [
    "an S3 service with a slash at its end",
    { openstack: { ...cloud, store: "s3", s3: { ...s3, endpoint: "https://rgw.example.org/" } } },
    'openstack.s3.endpoint is "https://rgw.example.org/"; it must be a URL without a slash at its end, such as https://rgw.example.org',
  ],
  [
    "a region that S3 does not know",
    { openstack: { ...cloud, store: "s3", s3: { ...s3, region: "RegionOne" } } },
    'openstack.s3.region is "RegionOne"; it must be lower-case letters, digits and hyphens, such as us-east-1',
  ],
  [
    "machines without an access key",
    { openstack: { ...cloud, store: "s3", s3: { endpoint: s3.endpoint } } },
    /^openstack\.s3\.credential is missing; give the access key of machines, of a user that may do nothing else/,
  ],
  [
    "two access keys",
    { openstack: { ...cloud, store: "s3", s3: { ...s3, createCredential: true } } },
    "openstack.s3.createCredential is true; machines have one access key: leave this out, or s3.credential",
  ],
  [
    "what is for Swift, with S3",
    { openstack: { ...cloud, store: "s3", s3, credential: { id: "a", secret: "hunter2" } } },
    'openstack.credential is "…"; it is for Swift; with store: s3 machines have openstack.s3.credential',
  ],
  [
    "a bucket's name that S3 does not take",
    { openstack: { ...cloud, store: "s3", s3 }, names: { bucket: "Lab_Files" } },
    'names.bucket is "Lab_Files"; it must be 3 to 63 lower-case letters, digits or `-`, none of these at an end',
  ],
  [
    "a disk of its own, with an image by its name",
    { openstack: { ...cloud, image: "Ubuntu 24.04" }, clusters: [{ ...one, diskGiB: 20 }] },
    /^clusters\[0\]\.diskGiB is 20; .+ made of an image by its id/,
  ],
  [
    "weights of which none is more than 0",
    { clusters: [{ ...one, weight: 0, path: "/a" }] },
    "clusters[0].weight is 0; Octavia gives no answer of its own to what matches no path: let one be 1 at least",
  ],
  [
    "a gateway in each zone",
    { network: { cidr: "10.0.0.0/16", subnets: [{ cidr: "10.0.0.0/24" }], nat: "zonal" } },
    'network.nat is "zonal"; on OpenStack one router serves all zones: make it one',
  ],
  [
    "a subnet without room for old and new machines",
    {
      network: { cidr: "10.0.0.0/16", subnets: [{ cidr: "10.0.0.0/28" }] },
      clusters: [{ ...one, max: 4 }],
    },
    'network.subnets[0].cidr is "10.0.0.0/28"; it has room for 6 machines, and 8 may be placed in it while they are rolled: make it a /27 or larger',
  ],
  [
    "a private subnet",
    { network: { cidr: "10.0.0.0/16", subnets: [{ cidr: "10.0.0.0/24", private: true }] } },
    "network.subnets[0].private is true; on OpenStack no machine has a public address; leave it out",
  ],
  [
    "protection of the load balancer",
    { loadBalancer: { ...valid.loadBalancer, protect: true } },
    "loadBalancer.protect is true; OpenStack has no deletion protection for load balancers; leave it out",
  ],
  [
    "an image beside the one of this cloud",
    { image: "Ubuntu 24.04" },
    'image is "Ubuntu 24.04"; openstack.image says what machines boot; leave it out',
  ],
  [
    "identities of others",
    { identities: { machines: "a" } },
    /^identities is .+; OpenStack knows none for machines but the application credential that the program makes/,
  ],
  [
    "a boundary of permissions",
    { permissionsBoundary: "a" },
    /^permissionsBoundary is "a"; OpenStack bounds application credentials by roles alone/,
  ],
  [
    "a certificate of another cloud",
    { loadBalancer: { ...valid.loadBalancer, certificate: "arn:aws:acm:x", host: "api.example.org" } },
    /^loadBalancer\.certificate is "arn:aws:acm:x"; it must be a secret container's reference/,
  ],
  [
    "a certificate without its name",
    { loadBalancer: { ...valid.loadBalancer, certificate: barbican } },
    "loadBalancer.host is missing; say which name the certificate is for, such as api.example.org",
  ],
  [
    "a role that there is not",
    { names: { machineRole: "a" } },
    /^names\.machineRole is "a"; there is no such role, /,
  ],
  [
    "the name of the project's own group",
    { names: { appSecurityGroup: "Default" } },
    'names.appSecurityGroup is "Default"; it must be one line of 1 to 255 characters, and not default',
  ],
  [
    "a tag of the program's own",
    { tags: { release: "1" } },
    'tags["release"] is "1"; that tag is set by the program: choose another',
  ],
  [
    "a tag with a comma",
    { tags: { owner: "a,b" } },
    'tags["owner"] is "a,b"; on OpenStack a tag has no comma, and with its value 254 characters at most',
  ],
  [
    "a tag that Nova does not take",
    { clusters: [{ ...one, tags: { "a/b": "1" } }] },
    'clusters[0].tags["a/b"] is "1"; on OpenStack a tag\'s name has letters, digits, spaces and _-:. only',
  ],
])("refuses %s", async (_, config, problem) => {
  expect(await problemsOf(config)).toEqual([
    typeof problem === "string" ? problem : expect.stringMatching(problem),
  ]);
});
