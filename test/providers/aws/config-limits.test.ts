import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { heeded, unheeded } from "../../../providers/aws/provider-config.ts";
import { certificate, problemsOf, valid, zoned } from "./problems.ts";

const { resolve } = createRequire(import.meta.url);
const clusters = (machineType: string) => [{ name: "a", min: 1, machineType }];
const ranges = (count: number) => Array.from({ length: count }, (_, index) => `192.0.2.${index}/32`);

type Case = [what: string, config: object, problem: RegExp | readonly RegExp[]];

const cases: readonly Case[] = [
  [
    "a local zone beside others",
    { network: zoned("us-east-1a", "us-east-1-bos-1a") },
    /^network\.subnets is \["us-east-1-bos-1a"\]; the load balancer cannot stand in a local zone and in others/,
  ],
  [
    "zones of another region, each of them",
    { network: zoned("us-east-2a", "us-east-2b") },
    [
      /^network\.subnets\[0\]\.zone is "us-east-2a"; it must be a zone of aws:region, which is us-east-1, such as us-east-1a/,
      /^network\.subnets\[1\]\.zone is "us-east-2b"; it must be a zone of aws:region/,
    ],
  ],
  [
    "no public subnet for the load balancer",
    { network: { ...valid.network, subnets: valid.network.subnets.map((it) => ({ ...it, private: true })) } },
    /^network\.subnets is .+; the load balancer needs subnets that are not private in at least two zones$/,
  ],
  [
    "a gateway that nothing would use",
    { network: { ...valid.network, nat: "one" } },
    /^network\.nat is "one"; no subnet is private, so nothing would use the gateway; leave it out$/,
  ],
  [
    "a gateway in a zone without a public subnet",
    {
      network: {
        ...valid.network,
        nat: "zonal",
        subnets: [...valid.network.subnets, { cidr: "10.0.9.0/24", zone: "us-east-1c", private: true }],
      },
    },
    /^network\.subnets\[2\]\.zone is "us-east-1c"; a gateway in each zone needs a subnet there that is not private/,
  ],
  [
    "less room than the load balancer and a refresh need",
    {
      network: {
        cidr: "10.0.0.0/16",
        subnets: [
          { cidr: "10.0.0.0/27", zone: "us-east-1a" },
          { cidr: "10.0.1.0/24", zone: "us-east-1b" },
        ],
      },
      clusters: [{ name: "a", min: 10, subnets: [0] }],
    },
    /^network\.subnets\[0\]\.cidr is "10\.0\.0\.0\/27"; it has room for 19 machines, and 20 may be placed in it while they are rolled: make it a \/26 or larger$/,
  ],
  [
    "more ranges than a security group has rules",
    { loadBalancer: { allow: ranges(61) } },
    /^loadBalancer\.allow is "61 ranges for 1 ports"; a security group has 60 rules at most, so name 60 ranges or fewer/,
  ],
  [
    "more ranges than there are rules for two ports",
    { loadBalancer: { allow: ranges(31), certificate, host: "api.example.org" } },
    /^loadBalancer\.allow is "31 ranges for 2 ports"; .+ so name 30 ranges or fewer/,
  ],
  [
    "more pairs of port and range than a security group has rules",
    { access: [22, 80, 443].map((port) => ({ port, from: ranges(24) })) },
    /^access is "72 pairs of port and range"; a security group has 60 rules at most, one of them for the load balancer/,
  ],
  [
    "more paths than a load balancer has rules",
    {
      clusters: Array.from({ length: 101 }, (_, index) => {
        return { name: `c${index}`, min: 0, max: 1, path: `/c${index}`, weight: 0 };
      }),
    },
    /^clusters is "101 clusters with a path"; a load balancer has 100 rules at most, one for each path$/,
  ],
  [
    "a path of more segments than there are priorities for",
    { clusters: [{ name: "a", min: 1, path: "/1/2/3/4/5/6/7/8/9/10/11" }] },
    /^clusters\[0\]\.path is "\/1.+; on AWS it may have 10 segments at most$/,
  ],
  [
    "a size that there is not",
    { clusters: clusters("t3.smal") },
    /^clusters\[0\]\.machineType is "t3\.smal"; an EC2 machine type ends in nano/,
  ],
  [
    "a Mac",
    { clusters: clusters("mac2.metal") },
    /^clusters\[0\]\.machineType is "mac2\.metal"; Macs run on dedicated hosts alone/,
  ],
  [
    "a paravirtual machine",
    { clusters: clusters("t1.micro") },
    /^clusters\[0\]\.machineType is "t1\.micro"; that family cannot boot Ubuntu/,
  ],
  [
    "an SSH key that EC2 does not take",
    {
      sshKey:
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg= me",
    },
    /^sshKey is .+; EC2 takes RSA and ED25519 keys alone/,
  ],
  [
    "a certificate of another region",
    {
      loadBalancer: {
        ...valid.loadBalancer,
        certificate: certificate.replace("us-east-1", "eu-west-1"),
        host: "api.example.org",
      },
    },
    /^loadBalancer\.certificate is .+; it must be a certificate of aws:region, us-east-1/,
  ],
  [
    "HTTP on the port of HTTPS, without a certificate",
    { loadBalancer: { ...valid.loadBalancer, port: 443 } },
    /^loadBalancer\.port is 443; that port is for HTTPS: give loadBalancer\.certificate, or choose another/,
  ],
  [
    "identities, which are Google Cloud's",
    { identities: { machines: "arn:aws:iam::123456789012:role/machines" } },
    /^identities is .+; on AWS the program makes the roles of machines, within permissionsBoundary; leave it out/,
  ],
  [
    "keys that are no ARNs",
    { bucket: { encryptionKey: "alias/mine" }, permissionsBoundary: "mine" },
    [
      /^bucket\.encryptionKey is "alias\/mine"; it must be a KMS key's ARN/,
      /^permissionsBoundary is "mine"; it must be an IAM policy's ARN/,
    ],
  ],
  [
    "a reserved security group",
    { names: { appSecurityGroup: "default" } },
    /^names\.appSecurityGroup is "default"; .+ and not default$/,
  ],
  [
    "one name for both security groups",
    { names: { appSecurityGroup: "Lab", edgeSecurityGroup: "lab" } },
    /^names\.edgeSecurityGroup is "lab"; names\.appSecurityGroup is the same; each group needs a name of its own$/,
  ],
  ...["xn--files", "files-s3alias", "sthree-x", "files--x-s3"].map((bucket): Case => {
    const problem = /^names\.bucket is ".+"; .+none of AWS's reserved beginnings and ends/;
    return [`the bucket name ${bucket}`, { names: { bucket } }, problem];
  }),
];

test.each(cases)("refuses %s", async (_, config, problem) => {
  const expected = [problem].flat().map((one) => expect.stringMatching(one as RegExp));
  expect(await problemsOf(config as Record<string, unknown>)).toEqual(expected);
});

test("lets pass as many ranges and paths as AWS takes", async () => {
  expect(await problemsOf({ loadBalancer: { allow: ranges(60) } })).toEqual([]);
  expect(await problemsOf({ access: [{ port: 22, from: ranges(59) }] })).toEqual([]);
  const deep = [{ name: "a", min: 1, path: "/1/2/3/4/5/6/7/8/9/10" }];
  expect(await problemsOf({ clusters: deep })).toEqual([]);
  const bucket = {
    encryptionKey: "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-4000-8000-0123456789ab",
  };
  expect(await problemsOf({ bucket, permissionsBoundary: "arn:aws:iam::123456789012:policy/bound" })).toEqual(
    [],
  );
});

test.each([
  [{}, /^aws:region is missing; say where to deploy, such as us-east-1$/],
  [{ region: "cn-north-1" }, /^aws:region is "cn-north-1"; regions in China are not supported/],
  [
    { region: "us-east-1", accessKey: "AKIAEXAMPLE" },
    /^aws:accessKey is "…"; not every part .+ would heed it/,
  ],
  [
    { region: "us-east-1", s3UsePathStyle: "true" },
    /^aws:s3UsePathStyle is "…"; not every part .+ would heed/,
  ],
])("refuses the provider's own configuration %o", async (aws, problem) => {
  expect(await problemsOf({}, aws)).toEqual([expect.stringMatching(problem)]);
});

test("reports what is wrong of every kind at once", async () => {
  const config = {
    app: { root: "x" },
    clusters: clusters("t3.smal"),
    network: {
      cidr: "10.0.0.0/16",
      subnets: [
        { cidr: "10.0.1.0/24", zone: "eu-west-1a" },
        { cidr: "10.0.1.0/25", zone: "us-east-1b" },
      ],
    },
  };
  expect(await problemsOf(config, { region: "us-east-1", token: "x" })).toEqual([
    expect.stringMatching(/^app\.root is "x"/),
    expect.stringMatching(/^aws:token is/),
    expect.stringMatching(/^clusters\[0\]\.machineType is "t3\.smal"/),
    expect.stringMatching(/^network\.subnets\[0\]\.zone is "eu-west-1a"/),
    expect.stringMatching(/^network\.subnets\[1\]\.cidr is .+must not overlap/),
  ]);
});

test("knows of every key of the AWS provider's whether all parts of a deployment heed it", () => {
  const declarations = readFileSync(resolve("@pulumi/aws/config/vars.d.ts"), "utf8");
  const keys = [...declarations.matchAll(/^export declare const (\w+):/gm)].map(([, key]) => key);
  expect(keys.length).toBeGreaterThan(30);
  expect([...unheeded, ...heeded].sort()).toEqual(keys.sort());
});
