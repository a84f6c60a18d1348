// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { PlannedResource } from "../../../plan/plan.ts";
import { planExample, type StackPlan } from "../../support/plan.ts";

const root = join(import.meta.dirname, "../../..");
const source = (file: string) => readFileSync(join(root, file), "utf8");

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Principal?: unknown;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: unknown;
}

const isAllowed = ({ Effect }: Statement) => Effect === "Allow";

const policyOf = (resource: PlannedResource) =>
  JSON.parse(String(resource.inputs?.policy)) as { Version: string; Statement: Statement[] };

let plan: StackPlan;

beforeAll(async () => {
  const sshKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example.org";
  const tags = { owner: "me" };
  plan = await planExample("aws-two-clusters", { access: undefined, app: { port: 8080 }, sshKey, tags });
}, 30_000);

describe("firewalls", () => {
  const rules = (type: string) =>
    plan.byType(type).map(({ inputs = {} }) => {
      const { securityGroupId, fromPort, toPort, ipProtocol, cidrIpv4, referencedSecurityGroupId } = inputs;
      expect(toPort).toBe(fromPort);
      expect(ipProtocol).toBe("tcp");
      return [securityGroupId, fromPort, cidrIpv4 ?? referencedSecurityGroupId];
    });
  const [edge, app] = ["${SecurityGroup:edge.id}", "${SecurityGroup:app.id}"];

  it("let in only who the configuration lets in: the world to the load balancer, and that to the app", () => {
    expect(rules("SecurityGroupIngressRule")).toEqual([
      [edge, 80, "0.0.0.0/0"],
      [app, 8080, edge],
    ]);
  });

  it("let out only what is needed: the load balancer to the app, machines to HTTP and HTTPS", () => {
    expect(rules("SecurityGroupEgressRule")).toEqual([
      [app, 443, "0.0.0.0/0"],
      [app, 80, "0.0.0.0/0"],
      [edge, 8080, app],
    ]);
  });

  it("have no rules of their own, which would undo those", () => {
    for (const { inputs } of plan.byType("SecurityGroup")) {
      expect(inputs).not.toHaveProperty("ingress");
      expect(inputs).not.toHaveProperty("egress");
    }
  });

  it("have one rule for a range that is named twice", async () => {
    const twice = await planExample("aws-two-clusters", {
      access: [
        { port: 22, from: ["192.0.2.0/24", "192.0.2.0/24"] },
        { port: 22, from: ["192.0.2.0/24", "198.51.100.0/24"] },
      ],
    });
    const ssh = twice.byType("SecurityGroupIngressRule").filter(({ inputs }) => inputs?.fromPort === 22);
    expect(ssh.map(({ inputs }) => inputs?.cidrIpv4)).toEqual(["192.0.2.0/24", "198.51.100.0/24"]);
  });
});

describe("machines", () => {
  it.each(["cluster1", "cluster2"])("of %s hide their metadata and encrypt their disks", (name) => {
    expect(plan.get(`LaunchTemplate::${name}`).inputs).toMatchObject({
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
      blockDeviceMappings: [
        {
          deviceName: "/dev/sda1",
          ebs: { volumeType: "gp3", encrypted: "true", deleteOnTermination: "true" },
        },
      ],
    });
  });

  it("get user data without a secret, of less than 16 KiB", () => {
    for (const { inputs } of plan.byType("LaunchTemplate")) {
      const script = Buffer.from(String(inputs?.userData), "base64").toString();
      expect(script).toContain("ADMIN_TOKEN_SHA256=${AdminToken:admin.sha256}");
      expect(script).not.toContain("admin.token");
      expect(script).toContain("'TRUSTED_PROXIES=10.0.0.0/16'");
      expect(script.length).toBeLessThan(16_384);
    }
  });
});

describe("the bucket", () => {
  const inputs = (type: string) => plan.get(`aws:s3/${type}::files`).inputs;

  it("is private, encrypted and versioned", () => {
    expect(inputs("bucketPublicAccessBlock:BucketPublicAccessBlock")).toEqual({
      bucket: "${files.bucket}",
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    expect(inputs("bucketOwnershipControls:BucketOwnershipControls")).toMatchObject({
      rule: { objectOwnership: "BucketOwnerEnforced" },
    });
    expect(
      inputs("bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"),
    ).toMatchObject({ rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] });
    expect(inputs("bucketVersioning:BucketVersioning")).toMatchObject({
      versioningConfiguration: { status: "Enabled" },
    });
  });

  it("refuses connections without TLS", () => {
    expect(policyOf(plan.get("BucketPolicy::files"))).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "TlsOnly",
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Resource: ["${files.arn}", "${files.arn}/*"],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    });
  });

  it("forgets broken uploads and old versions of files, and no release for its age", () => {
    expect(inputs("bucketLifecycleConfiguration:BucketLifecycleConfiguration")?.rules).toEqual([
      {
        id: "broken-uploads",
        status: "Enabled",
        filter: { prefix: "" },
        abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
      },
      {
        id: "old-versions-of-files",
        status: "Enabled",
        filter: { prefix: "files/" },
        noncurrentVersionExpiration: { noncurrentDays: 30 },
        expiration: { expiredObjectDeleteMarker: true },
      },
    ]);
  });

  it("has all that before anything is put into it, and keeps what machines fetch", () => {
    for (const name of ["StoredObject::release", "StoredObject::runtime-linux-x64"]) {
      for (const guard of ["BucketPolicy", "BucketPublicAccessBlock", "BucketVersioning"]) {
        expect(plan.dependsOn(name, `${guard}::files`), `${name} on ${guard}`).toBe(true);
      }
      expect(plan.get(name)).toMatchObject({ retainOnDelete: true });
      expect(plan.get(name)).not.toHaveProperty("protect");
    }
  });

  it("may be deleted with what is in it only when the configuration says so", async () => {
    const open = await planExample("aws-two-clusters", { bucket: { protect: false, empty: true } });
    expect(open.get("aws:s3/bucket:Bucket::files")).toMatchObject({ inputs: { forceDestroy: true } });
    expect(open.resources.filter(({ protect }) => protect)).toEqual([]);
  });
});

/** What each call needs, by the permissions that its page of the S3 API reference names. */
const needs: Readonly<Record<string, readonly string[]>> = {
  PutObjectCommand: ["KeepFiles s3:PutObject"],
  UploadPartCommand: ["KeepFiles s3:PutObject"],
  CreateMultipartUploadCommand: ["KeepFiles s3:PutObject"],
  CompleteMultipartUploadCommand: ["KeepFiles s3:PutObject"],
  AbortMultipartUploadCommand: ["KeepFiles s3:AbortMultipartUpload"],
  // A presigned URL has the rights of who signed it.
  GetObjectCommand: ["KeepFiles s3:GetObject"],
  // Whoever may not list is told 403 and not 404 of an object that is not there.
  HeadObjectCommand: ["KeepFiles s3:GetObject", "ListFiles s3:ListBucket"],
  DeleteObjectCommand: ["KeepFiles s3:DeleteObject"],
  ListObjectsV2Command: ["ListFiles s3:ListBucket"],
};

describe("the machines' role", () => {
  it("is for EC2 alone", () => {
    expect(JSON.parse(String(plan.get("Role::machines").inputs?.assumeRolePolicy))).toEqual({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
    });
  });

  it("may do exactly this", () => {
    expect(policyOf(plan.get("RolePolicy::machines")).Statement).toEqual([
      {
        Sid: "FetchBuild",
        Effect: "Allow",
        Action: "s3:GetObject",
        Resource: ["${files.arn}/releases/*", "${files.arn}/runtimes/*"],
      },
      {
        Sid: "KeepFiles",
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
        Resource: "${files.arn}/files/*",
      },
      {
        Sid: "ListFiles",
        Effect: "Allow",
        Action: "s3:ListBucket",
        Resource: "${files.arn}",
        Condition: { StringLikeIfExists: { "s3:prefix": "files/*" } },
      },
      {
        Sid: "SessionManager",
        Effect: "Allow",
        Action: [
          "ssm:UpdateInstanceInformation",
          "ssmmessages:CreateControlChannel",
          "ssmmessages:CreateDataChannel",
          "ssmmessages:OpenControlChannel",
          "ssmmessages:OpenDataChannel",
        ],
        Resource: "*",
      },
    ]);
  });

  it("has KeepFiles and ListFiles for the calls of the app, each of them, and nothing besides", () => {
    const calls = new Set(
      ["s3.ts", "s3-upload.ts"].flatMap((file) =>
        source(`service/storage/${file}`).match(/(?<=new )\w+Command\b/g),
      ),
    );
    expect([...calls].sort()).toEqual(Object.keys(needs).sort());
    const granted = policyOf(plan.get("RolePolicy::machines")).Statement.flatMap(({ Sid, Action }) =>
      [Action].flat().map((action) => `${Sid} ${action}`),
    );
    const needed = new Set(Object.values(needs).flat());
    expect(granted.filter((one) => /^(Keep|List)Files /.test(one)).sort()).toEqual([...needed].sort());
  });

  it("has FetchBuild for the startup script, which fetches the two keys of the build and nothing else", () => {
    const fetched = [...source("release/startup.sh").matchAll(/install_version \w+ "\$(\w+_KEY)"/g)];
    expect(fetched.map(([, key]) => key)).toEqual(["RUNTIME_KEY", "RELEASE_KEY"]);
    const keys = ["StoredObject::runtime-linux-x64", "StoredObject::release"].map(
      (name) => plan.get(name).inputs?.key,
    );
    expect(keys).toEqual([
      expect.stringMatching(/^runtimes\//),
      expect.stringMatching(/^releases\/[0-9a-f]{64}\.tar\.gz$/),
    ]);
  });

  it("has SessionManager for the shell that `npm run logs` names, and no policy of others", () => {
    expect(source("providers/aws/machines.ts")).toContain("aws ssm start-session");
    expect(plan.byType("RolePolicyAttachment")).toEqual([]);
    expect(plan.get("Role::machines").inputs).not.toHaveProperty("managedPolicyArns");
  });

  it("allows no action by wildcard, and no resource but this bucket's where AWS knows resources", () => {
    const policies = plan.resources.filter(({ inputs }) => typeof inputs?.policy === "string");
    const allowed = policies.flatMap((resource) => policyOf(resource).Statement).filter(isAllowed);
    expect(allowed.map(({ Action }) => Action).join(" ")).not.toMatch(/[*?]/);
    for (const { Sid, Resource } of allowed) {
      if (Sid === "SessionManager") expect(Resource).toBe("*");
      else for (const one of [Resource].flat()) expect(one).toMatch(/^\$\{files\.arn\}(\/\w+\/\*)?$/);
    }
  });

  it("has its rights before a machine starts, and ways to where it uses them", () => {
    for (const group of ["Group::cluster1", "Group::cluster2"]) {
      for (const first of [
        "RolePolicy::machines",
        "Route::internet",
        "RouteTableAssociation::sn-10.0.1.0/24",
        "app-443-to-0.0.0.0/0",
        "app-8080-from-edge",
        "StoredObject::release",
        "StoredObject::runtime-linux-x64",
      ]) {
        expect(plan.dependsOn(group, first), `${group} on ${first}`).toBe(true);
      }
    }
    expect(plan.dependsOn("aws:lb/loadBalancer:LoadBalancer::edge", "Route::internet")).toBe(true);
  });
});

describe("tags", () => {
  /** Whether the SDK's class for a type such as `aws:ec2/vpc:Vpc` takes tags. */
  const isTaggable = (type: string) => {
    const [, file = ""] = type.split(":");
    const declaration = source(`node_modules/@pulumi/aws/${file}.d.ts`);
    return /^ {4}tags\?: /m.test(declaration.slice(declaration.indexOf("Args {")));
  };

  it("are on everything that takes them", () => {
    const taggable = plan.resources.filter(({ type }) => type.startsWith("aws:") && isTaggable(type));
    expect(new Set(taggable.map(({ type }) => type)).size).toBeGreaterThan(14);
    for (const { urn, inputs } of taggable) {
      const tags = Array.isArray(inputs?.tags)
        ? Object.fromEntries(inputs.tags.map(({ key, value }) => [key, value]))
        : inputs?.tags;
      expect(tags, urn).toMatchObject({ project_name: "switchyard", owner: "me" });
    }
  });

  it("go on to machines, also running ones, and not by their template", () => {
    for (const { inputs } of plan.byType("Group")) {
      const tags = (inputs?.tags ?? []) as { propagateAtLaunch: boolean }[];
      expect(tags.map(({ propagateAtLaunch }) => propagateAtLaunch)).toEqual([true, true, true]);
    }
    const { inputs } = plan.get("LaunchTemplate::cluster1");
    // No tags of the configuration's: to change one would replace the machines.
    const tags = { Name: "switchyard-cluster1", project_name: "switchyard" };
    expect(inputs?.tagSpecifications).toEqual([
      { resourceType: "instance", tags: { release: plan.outputs.release } },
      { resourceType: "volume", tags },
      { resourceType: "network-interface", tags },
    ]);
    expect(plan.get("MachineTags::cluster1").inputs).toMatchObject({
      group: "${Group:cluster1.name}",
      tags: { ...tags, owner: "me" },
    });
  });
});

describe("the SDK", () => {
  it("is imported by this cloud's folder alone", () => {
    const files = globSync(
      "{index.ts,components,config,operations,plan,plugin,release,providers,scripts,service}/**/*.ts",
      {
        cwd: root,
      },
    );
    const importing = ["index.ts", ...files].filter((file) => /from "@pulumi\/aws/.test(source(file)));
    expect(importing).toEqual(["providers/aws/resources.ts"]);
  });
});
