// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import type { PolicyRule } from "../../config/settings.ts";
import type { PolicyResource } from "../../plan/policy/policy.ts";

interface Case {
  readonly cloud: string;
  readonly rule: PolicyRule;
  readonly good: readonly PolicyResource[];
  readonly bad: readonly { readonly property: string; readonly resources: readonly PolicyResource[] }[];
}

type Inputs = Readonly<Record<string, unknown>>;

/** A resource named `one`, or as it is said. */
function made(
  type: string,
  inputs: Inputs = {},
  more: Partial<PolicyResource> = {},
  name = "one",
): PolicyResource {
  return { urn: `urn:pulumi:dev::switchyard::${type}::${name}`, type, inputs, ...more };
}

/** Belongs to another, which its property names. */
function beside(other: PolicyResource, property: string, type: string, inputs: Inputs = {}): PolicyResource {
  return made(
    type,
    { ...inputs, [property]: "${one.id}" },
    { propertyDependencies: { [property]: [other.urn] } },
  );
}

function caseOf(
  cloud: string,
  rule: PolicyRule,
  good: readonly PolicyResource[],
  bad: Readonly<Record<string, PolicyResource | readonly PolicyResource[]>>,
): Case {
  return {
    cloud,
    rule,
    good,
    bad: Object.entries(bad).map(([property, resources]) => ({
      property: property.replace(/ \(.*$/, ""),
      resources: [resources].flat() as PolicyResource[],
    })),
  };
}

const everybody = "0.0.0.0/0";
const configured = "203.0.113.0/25";

const s3 = made("aws:s3/bucket:Bucket", { tags: { project_name: "x" } }, { protect: true });
const block = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const closed = {
  blockPublicAcls: true,
  blockPublicPolicy: true,
  ignorePublicAcls: true,
  restrictPublicBuckets: true,
};
const sse = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
const versioning = "aws:s3/bucketVersioning:BucketVersioning";
const template = "aws:ec2/launchTemplate:LaunchTemplate";
const disk = (encrypted: string) => ({
  blockDeviceMappings: [{ deviceName: "/dev/sda1", ebs: { encrypted } }],
});
const ingress = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const fromTo = (port: number, cidrIpv4: string) => ({
  ipProtocol: "tcp",
  fromPort: port,
  toPort: port,
  cidrIpv4,
});
const rolePolicy = "aws:iam/rolePolicy:RolePolicy";
const statement = (more: Inputs) => ({
  policy: JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...more }] }),
});
const group = "aws:autoscaling/group:Group";

const aws: Case[] = [
  caseOf(
    "aws",
    "bucket-private",
    [
      s3,
      beside(s3, "bucket", block, closed),
      beside(s3, "bucket", "aws:s3/bucketPolicy:BucketPolicy", {
        policy: JSON.stringify({ Statement: [{ Effect: "Deny", Principal: "*", Action: "s3:*" }] }),
      }),
    ],
    {
      [block]: s3,
      blockPublicPolicy: [s3, beside(s3, "bucket", block, { ...closed, blockPublicPolicy: false })],
      restrictPublicBuckets: made(block, { blockPublicAcls: true }),
      acl: made("aws:s3/bucketAcl:BucketAcl", { acl: "public-read" }),
      policy: made(
        "aws:s3/bucketPolicy:BucketPolicy",
        statement({ Principal: { AWS: "*" }, Action: "s3:GetObject" }),
      ),
    },
  ),
  caseOf("aws", "data-encrypted", [s3, beside(s3, "bucket", sse), made(template, disk("true"))], {
    [sse]: s3,
    "blockDeviceMappings.0.ebs.encrypted": made(template, disk("false")),
    blockDeviceMappings: made(template),
    storageEncrypted: made("aws:rds/instance:Instance", { storageEncrypted: false }),
    encrypted: made("aws:ebs/volume:Volume"),
  }),
  caseOf(
    "aws",
    "bucket-versioned",
    [s3, beside(s3, "bucket", versioning, { versioningConfiguration: { status: "Enabled" } })],
    {
      [versioning]: s3,
      "versioningConfiguration.status": made(versioning, {
        versioningConfiguration: { status: "Suspended" },
      }),
    },
  ),
  caseOf("aws", "data-protected", [s3, made(s3.type, {}, { retainOnDelete: true })], {
    protect: made(s3.type),
    forceDestroy: made(s3.type, { forceDestroy: true }, { protect: true }),
  }),
  caseOf(
    "aws",
    "open-as-configured",
    [
      made(ingress, fromTo(80, configured)),
      made(ingress, fromTo(22, "198.51.100.0/24")),
      made(ingress, fromTo(9464, "10.0.0.0/8")),
    ],
    {
      "tcp 80": made(ingress, fromTo(80, everybody)),
      "tcp 443": made(ingress, fromTo(443, configured)),
      "tcp 22": made(ingress, fromTo(22, configured)),
      "tcp 80 to 90": made(ingress, { ...fromTo(80, configured), toPort: 90 }),
      "every port": made(ingress, { ipProtocol: "-1", cidrIpv4: configured }),
    },
  ),
  caseOf("aws", "metadata-guarded", [made(template, { metadataOptions: { httpTokens: "required" } })], {
    "metadataOptions.httpTokens": made(template, { metadataOptions: { httpTokens: "optional" } }),
    "metadataOptions.httpTokens (missing)": made("aws:ec2/instance:Instance"),
  }),
  caseOf(
    "aws",
    "tagged",
    [s3, made(group, { tags: [{ key: "project_name", value: "x", propagateAtLaunch: true }] })],
    { tags: made(s3.type, { tags: { Name: "x" } }), "tags (missing)": made("aws:ec2/vpc:Vpc") },
  ),
  caseOf(
    "aws",
    "rights-narrow",
    [
      made(rolePolicy, statement({ Action: "s3:GetObject", Resource: "${files.arn}/files/*" })),
      made(rolePolicy, statement({ Action: ["ec2:DescribeImages"], Resource: "*" })),
      made(rolePolicy, { policy: "[unknown]" }),
    ],
    {
      policy: made(rolePolicy, statement({ Action: "s3:*", Resource: "${files.arn}" })),
      "policy (resource)": made(rolePolicy, statement({ Action: "s3:GetObject", Resource: ["*"] })),
      "policy (not)": made(rolePolicy, statement({ NotAction: "iam:*", Resource: "${files.arn}" })),
      policyArn: made("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {
        policyArn: "arn:aws:iam::aws:policy/AdministratorAccess",
      }),
    },
  ),
  caseOf("aws", "user-data-plain", [made(template, { userData: "IyEvYmluL3No" })], {
    userData: made(template, { userData: "[secret]" }),
  }),
  caseOf(
    "aws",
    "health-checked",
    [
      made(group, { targetGroupArns: ["${TargetGroup:one.arn}"], healthCheckType: "ELB" }),
      made("aws:lb/targetGroup:TargetGroup", { healthCheck: { path: "/healthz" } }),
    ],
    {
      healthCheckType: made(group, { targetGroupArns: ["${TargetGroup:one.arn}"], healthCheckType: "EC2" }),
      targetGroupArns: made(group, { healthCheckType: "ELB" }),
      "healthCheck.path": made("aws:lb/targetGroup:TargetGroup"),
      "healthCheck.enabled": made("aws:lb/targetGroup:TargetGroup", {
        healthCheck: { path: "/", enabled: false },
      }),
    },
  ),
];

const gcs = "gcp:storage/bucket:Bucket";
const closedBucket = { publicAccessPrevention: "enforced", uniformBucketLevelAccess: true };
const firewall = "gcp:compute/firewall:Firewall";
const letIn = (port: string, range: string) => ({
  direction: "INGRESS",
  allows: [{ protocol: "tcp", ports: [port] }],
  sourceRanges: [range],
});
const armor = "gcp:compute/securityPolicy:SecurityPolicy";
const allows = (range: string) => ({
  rules: [{ action: "allow", match: { config: { srcIpRanges: [range] } } }],
});

const gcp: Case[] = [
  caseOf("gcp", "bucket-private", [made(gcs, closedBucket)], {
    publicAccessPrevention: made(gcs, { ...closedBucket, publicAccessPrevention: "inherited" }),
    uniformBucketLevelAccess: made(gcs, { publicAccessPrevention: "enforced" }),
    member: made("gcp:storage/bucketIAMMember:BucketIAMMember", { member: "allUsers" }),
  }),
  caseOf("gcp", "bucket-versioned", [made(gcs, { versioning: { enabled: true } })], {
    "versioning.enabled": made(gcs),
  }),
  caseOf("gcp", "data-protected", [made(gcs, {}, { protect: true })], { protect: made(gcs) }),
  caseOf(
    "gcp",
    "open-as-configured",
    [
      made(firewall, letIn("22", "198.51.100.0/24")),
      made(firewall, letIn("80", "130.211.0.0/22")),
      made(armor, allows(configured)),
    ],
    {
      "tcp 22": made(firewall, letIn("22", everybody)),
      "tcp 20-25": made(firewall, letIn("20-25", "198.51.100.0/24")),
      "the load balancer's ports": made(armor, allows("*")),
      "the load balancer's ports (none)": made("gcp:compute/backendService:BackendService"),
    },
  ),
  caseOf("gcp", "tagged", [made(gcs, { labels: { project_name: "x" } })], { labels: made(gcs) }),
  caseOf(
    "gcp",
    "rights-narrow",
    [
      made("gcp:projects/iAMMember:IAMMember", {
        role: "${IAMCustomRole:see.name}",
        member: "${Account:x.member}",
      }),
      made("gcp:projects/iAMCustomRole:IAMCustomRole", { permissions: ["storage.objects.get"] }),
    ],
    {
      role: made("gcp:projects/iAMMember:IAMMember", { role: "roles/editor", member: "${Account:x.member}" }),
      member: made("gcp:projects/iAMBinding:IAMBinding", {
        role: "roles/x",
        members: ["allAuthenticatedUsers"],
      }),
      permissions: made("gcp:projects/iAMCustomRole:IAMCustomRole", { permissions: ["storage.*"] }),
    },
  ),
  caseOf(
    "gcp",
    "user-data-plain",
    [made("gcp:compute/instanceTemplate:InstanceTemplate", { metadata: { "startup-script": "true" } })],
    {
      metadata: made("gcp:compute/instanceTemplate:InstanceTemplate", { metadata: { key: "a [secret] b" } }),
    },
  ),
  caseOf(
    "gcp",
    "health-checked",
    [
      made("gcp:compute/regionInstanceGroupManager:RegionInstanceGroupManager", {
        autoHealingPolicies: { healthCheck: "${HealthCheck:one.id}" },
      }),
      made("gcp:compute/backendService:BackendService", { healthChecks: "${HealthCheck:one.id}" }),
    ],
    {
      "autoHealingPolicies.healthCheck": made(
        "gcp:compute/regionInstanceGroupManager:RegionInstanceGroupManager",
      ),
      healthChecks: made("gcp:compute/backendService:BackendService"),
    },
  ),
];

const container = "openstack:objectstorage/container:Container";
const secGroupRule = "openstack:networking/secGroupRule:SecGroupRule";
const nova = "openstack:compute/instance:Instance";
const credential = "openstack:identity/applicationCredential:ApplicationCredential";
const narrow = [
  { service: "object-store", method: "GET", path: "/v1/*/${Container:files.name}/**" },
  { service: "compute", method: "POST", path: "/**/servers" },
];
const pool = made("openstack:loadbalancer/pool:Pool");
const monitor = "openstack:loadbalancer/monitor:Monitor";

const openstack: Case[] = [
  caseOf("openstack", "bucket-private", [made(container, { containerRead: "project:user" })], {
    containerRead: made(container, { containerRead: ".r:*,.rlistings" }),
    containerWrite: made(container, { containerWrite: "*:*" }),
  }),
  caseOf(
    "openstack",
    "data-protected",
    [
      made(container, {}, { protect: true }),
      made(container, { forceDestroy: true }, { retainOnDelete: true }),
      made(container, { forceDestroy: true }, {}, "shop-controller"),
    ],
    {
      protect: made(container),
      forceDestroy: made(container, { forceDestroy: true }, { protect: true }),
    },
  ),
  caseOf(
    "openstack",
    "open-as-configured",
    [
      made(secGroupRule, {
        direction: "ingress",
        protocol: "tcp",
        portRangeMin: 80,
        portRangeMax: 80,
        remoteIpPrefix: configured,
      }),
    ],
    { "every port": made(secGroupRule, { direction: "ingress" }) },
  ),
  caseOf(
    "openstack",
    "tagged",
    [
      made("openstack:networking/port:Port", { tags: ["project_name=x"] }),
      made(nova, { metadata: { project_name: "x" } }),
    ],
    { tags: made("openstack:networking/port:Port"), metadata: made(nova) },
  ),
  caseOf("openstack", "rights-narrow", [made(credential, { roles: ["member"], accessRules: narrow })], {
    accessRules: made(credential, { roles: ["member"] }),
    "accessRules (all containers)": made(credential, {
      accessRules: [{ service: "object-store", method: "GET", path: "/v1/*/**" }],
    }),
    "accessRules (all of Nova)": made(credential, {
      accessRules: [...narrow, { service: "compute", method: "POST", path: "/**" }],
    }),
    unrestricted: made(credential, { accessRules: narrow, unrestricted: true }),
    roles: made(credential, { accessRules: narrow, roles: ["admin"] }),
    projectId: made("openstack:identity/ec2CredentialV3:Ec2CredentialV3"),
  }),
  caseOf(
    "openstack",
    "user-data-plain",
    [
      made(nova, { userData: "#!/bin/sh" }),
      // What the program itself makes is excepted by name.
      {
        ...made(nova, { userData: "[secret]" }),
        urn: `urn:pulumi:dev::switchyard::switchyard:index:Cluster$${nova}::app-0`,
      },
    ],
    { userData: made(nova, { userData: "[secret]" }) },
  ),
  caseOf("openstack", "health-checked", [pool, beside(pool, "poolId", monitor)], { [monitor]: pool }),
];

const machines = "switchyard:local:MachineGroup";
const local: Case[] = [
  caseOf("local", "data-protected", [made("switchyard:local:Bucket", {}, { protect: true })], {
    protect: made("switchyard:local:Bucket"),
    empty: made("switchyard:local:Bucket", { empty: true }, { protect: true }),
  }),
  caseOf(
    "local",
    "open-as-configured",
    [made("switchyard:local:LoadBalancer", { address: "127.0.0.1", port: 80, allow: [everybody] })],
    { "tcp 80": made("switchyard:local:LoadBalancer", { address: "0.0.0.0", port: 80, allow: [everybody] }) },
  ),
  caseOf("local", "user-data-plain", [made(machines, { startupScript: "true" })], {
    startupScript: made(machines, { startupScript: "a [secret] b" }),
  }),
  caseOf("local", "health-checked", [made(machines, { healthCheck: { path: "/healthz" } })], {
    "healthCheck.path": made(machines),
  }),
];

export const cases: readonly Case[] = [...aws, ...gcp, ...openstack, ...local];
