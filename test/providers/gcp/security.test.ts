// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { planExample, planStack, type StackPlan } from "../../support/plan.ts";

const bucketType = "gcp:storage/bucket:Bucket";
const bucketName = "${Bucket:switchyard-files.name}";
const objects = (folder: string) =>
  `resource.name.startsWith("projects/_/buckets/${bucketName}/objects/${folder}/")`;

let plan: StackPlan;
const inputs = (name: string) => plan.get(name).inputs;

beforeAll(async () => {
  plan = await planStack("gcp", { app: { port: 8080 } });
}, 30_000);

describe("what machines may do", () => {
  /** What the app and the startup script ask of Google, and what each call needs (https://cloud.google.com/storage/docs/access-control/iam-json). */
  const calls = [
    {
      call: "objects.get of releases/ and runtimes/ (startup.sh)",
      role: "fetch",
      needs: ["storage.objects.get"],
    },
    { call: "objects.get of files/ (stat, signed URLs)", role: "keep", needs: ["storage.objects.get"] },
    {
      call: "objects.insert of files/, over one that is there, too (put)",
      role: "keep",
      needs: ["storage.objects.create", "storage.objects.delete"],
    },
    { call: "objects.delete of files/ (delete)", role: "keep", needs: ["storage.objects.delete"] },
    { call: "objects.list of files/ (list)", role: "list", needs: ["storage.objects.list"] },
    {
      call: "projects.serviceAccounts.signBlob (presign)",
      role: "sign",
      needs: ["iam.serviceAccounts.signBlob"],
    },
  ];

  it.each(calls)("is what a call needs: $call", ({ role, needs }) => {
    expect(inputs(`IAMCustomRole::${role}`)?.permissions).toEqual(expect.arrayContaining(needs));
  });

  it("is no more than all calls need", () => {
    const needed = (role: string) =>
      new Set(calls.filter((call) => call.role === role).flatMap(({ needs }) => needs));
    const roles = plan.byType("IAMCustomRole");
    expect(roles).toHaveLength(4);
    for (const { urn, inputs } of roles) {
      const role = urn.split("::").at(-1) ?? "";
      expect(new Set(inputs?.permissions as string[]), role).toEqual(needed(role));
    }
  });

  it("is granted on the bucket alone, each on its own folder", () => {
    const grants = plan.byType("BucketIAMMember").map(({ inputs }) => inputs);
    const grant = (part: string, expression: string) => ({
      bucket: bucketName,
      role: `\${IAMCustomRole:${part}.name}`,
      member: "${Account:machines.member}",
      condition: { title: part, expression },
    });
    expect(grants).toEqual([
      grant("fetch", `${objects("releases")} || ${objects("runtimes")}`),
      grant("keep", objects("files")),
      grant("list", 'api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith("files/")'),
    ]);
  });

  it("is signing for itself alone, and nothing in the project", () => {
    expect(inputs("gcp:serviceaccount/iAMMember:IAMMember::sign")).toEqual({
      serviceAccountId: "${Account:machines.name}",
      role: "${IAMCustomRole:sign.name}",
      member: "${Account:machines.member}",
    });
    const ofProject = plan.resources.filter(({ type }) =>
      /^gcp:projects\/(?!iAMCustomRole|service:)/.test(type),
    );
    expect(ofProject).toEqual([]);
  });

  it("has roles whose ids are never the same again, because a deleted one is blocked", () => {
    const ids = plan.byType("IAMCustomRole").map(({ inputs }) => inputs?.roleId);
    expect(ids).toEqual(
      ["fetch", "keep", "list", "sign"].map((part) => `switchyard_\${Account:machines.accountId}_${part}`),
    );
    expect(inputs("Account::machines")).not.toHaveProperty("accountId");
  });

  it("is theirs before they boot, by an account of their own", () => {
    const machine = "InstanceTemplate::app";
    expect(inputs(machine)?.serviceAccount).toEqual({
      email: "${Account:machines.email}",
      scopes: ["https://www.googleapis.com/auth/cloud-platform"],
    });
    for (const grant of ["fetch", "keep", "list"])
      expect(plan.dependsOn(machine, `BucketIAMMember::${grant}`), grant).toBe(true);
    expect(plan.dependsOn(machine, "gcp:serviceaccount/iAMMember:IAMMember::sign")).toBe(true);
  });
});

describe("the bucket", () => {
  it("is private, versioned, and gives back for a while what was deleted", () => {
    expect(inputs(`${bucketType}::switchyard-files`)).toEqual({
      location: "US-WEST1",
      forceDestroy: false,
      uniformBucketLevelAccess: true,
      publicAccessPrevention: "enforced",
      versioning: { enabled: true },
      softDeletePolicy: { retentionDurationSeconds: 7 * 24 * 3600 },
      lifecycleRules: [
        { action: { type: "AbortIncompleteMultipartUpload" }, condition: { age: 7 } },
        {
          action: { type: "Delete" },
          condition: { daysSinceNoncurrentTime: 30, matchesPrefixes: ["files/"], withState: "ARCHIVED" },
        },
      ],
      labels: { project_name: "switchyard" },
    });
  });

  it("is protected, and needs nothing but its API of what is not", () => {
    const kept = plan.resources.filter(({ protect }) => protect).map(({ type }) => type);
    expect(kept.sort()).toEqual([bucketType, "switchyard:index:Bucket"]);
    const needed = plan.dependencies(`${bucketType}::switchyard-files`).map(({ inputs }) => inputs?.service);
    expect(needed).toEqual(["storage.googleapis.com"]);
  });

  it("has what it is asked to have: a name, a key, and that it may be emptied", async () => {
    const encryptionKey = "projects/switchyard/locations/us-west1/keyRings/lab/cryptoKeys/files";
    const asked = await planStack("gcp", {
      names: { bucket: "lab1-files" },
      bucket: { protect: false, empty: true, encryptionKey },
    });
    expect(asked.get(`${bucketType}::switchyard-files`)).toMatchObject({
      inputs: { name: "lab1-files", forceDestroy: true, encryption: { defaultKmsKeyName: encryptionKey } },
    });
    expect(asked.resources.filter(({ protect }) => protect)).toEqual([]);
  }, 30_000);

  it("keeps releases and runtimes that are not the newest any more", () => {
    for (const name of ["StoredObject::release", "StoredObject::runtime-linux-x64"]) {
      expect(plan.get(name), name).toMatchObject({ retainOnDelete: true });
      expect(plan.dependsOn("InstanceTemplate::app", name), name).toBe(true);
    }
  });
});

describe("the network", { timeout: 120_000 }, () => {
  it("has no subnets but those configured, and reaches the bucket without the internet", () => {
    expect(inputs("gcp:compute/network:Network::network")).toMatchObject({ autoCreateSubnetworks: false });
    expect(plan.byType("Subnetwork").map(({ inputs }) => inputs)).toEqual([
      {
        network: "${network.id}",
        region: "us-west1",
        ipCidrRange: "10.0.1.0/24",
        privateIpGoogleAccess: true,
      },
    ]);
    expect(plan.byType("RouterNat")).toEqual([]);
  });

  it("lets in Google's health checks and proxies, its SSH tunnel, and nobody else", () => {
    const rules = plan.byType("Firewall").map(({ inputs }) => inputs);
    expect(rules.map((rule) => [rule?.allows, rule?.sourceRanges, rule?.targetTags])).toEqual([
      [[{ protocol: "tcp", ports: ["8080"] }], ["130.211.0.0/22", "35.191.0.0/16"], ["app"]],
      [[{ protocol: "tcp", ports: ["22"] }], ["35.235.240.0/20"], ["app"]],
    ]);
    for (const rule of rules) expect(rule?.description).toMatch(/^[A-Z][\w ,:'-]+$/);
    for (const rule of ["app-from-google", "ssh-from-iap"])
      expect(plan.dependsOn("RegionInstanceGroupManager::app", rule)).toBe(true);
  });

  it("gives public addresses only where access opens something, and not in private subnets", async () => {
    const subnets = [
      { cidr: "10.0.1.0/24", zone: "us-west1-b" },
      { cidr: "10.0.2.0/24", zone: "us-west1-c", private: true },
    ];
    const clusters = [
      { name: "open", min: 1, subnets: [0] },
      { name: "hidden", min: 1, subnets: [1] },
    ];
    const network = { cidr: "10.0.0.0/16", subnets, nat: "one", flowLogs: true };
    const access = [{ port: 22, from: ["192.0.2.0/24"] }];
    const open = await planStack("gcp", { machines: undefined, network, clusters, access });
    const port = (cluster: string) => {
      const { networkInterfaces } = open.get(`InstanceTemplate::${cluster}`).inputs ?? {};
      return (networkInterfaces as object[] | undefined)?.[0];
    };
    expect(port("open")).toHaveProperty("accessConfigs");
    expect(port("hidden")).toEqual({ subnetwork: "${Subnetwork:sn-10-0-2-0-24.id}" });
    expect(open.get("RouterNat::nat").inputs).toEqual({
      router: "${Router:nat.name}",
      region: "us-west1",
      natIpAllocateOption: "AUTO_ONLY",
      sourceSubnetworkIpRangesToNat: "ALL_SUBNETWORKS_ALL_IP_RANGES",
    });
    for (const { inputs } of open.byType("Subnetwork"))
      expect(inputs?.logConfig).toMatchObject({ flowSampling: 1 });
    expect(open.dependsOn("RegionInstanceGroupManager::hidden", "RouterNat::nat")).toBe(true);
  });
});

describe("machines", { timeout: 120_000 }, () => {
  it("are shielded where their type allows it", async () => {
    expect(inputs("InstanceTemplate::app")?.shieldedInstanceConfig).toEqual({
      enableSecureBoot: true,
      enableVtpm: true,
      enableIntegrityMonitoring: true,
    });
    const clusters = [
      { name: "arm", machineType: "t2a-standard-1", min: 1 },
      { name: "metal", machineType: "c3-standard-192-metal", min: 1 },
    ];
    const others = await planExample("gcp-two-clusters", { clusters });
    for (const name of ["arm", "metal"])
      expect(others.get(`InstanceTemplate::${name}`).inputs).not.toHaveProperty("shieldedInstanceConfig");
    expect(others.get("InstanceTemplate::metal").inputs?.scheduling).toEqual({
      onHostMaintenance: "TERMINATE",
    });
    expect(others.get("InstanceTemplate::arm").inputs).not.toHaveProperty("scheduling");
  });

  it("hold no secret in their metadata", () => {
    const metadata = JSON.stringify(inputs("InstanceTemplate::app")?.metadata);
    expect(metadata).not.toContain("[secret]");
    expect(metadata).toContain("ADMIN_TOKEN_SHA256=${AdminToken:admin.sha256}");
  });
});

describe("Google's APIs", () => {
  it("are enabled before what they are needed for, and stay enabled", () => {
    const services = plan.byType("Service").map(({ inputs }) => inputs);
    expect(services).toEqual(
      ["compute", "iam", "iamcredentials", "iap", "storage"].map((name) => ({
        service: `${name}.googleapis.com`,
        disableOnDestroy: false,
      })),
    );
    for (const { urn, type } of plan.resources) {
      if (/^gcp:compute\//.test(type)) expect(plan.dependsOn(urn, "api-compute"), urn).toBe(true);
      if (/^gcp:storage\//.test(type)) expect(plan.dependsOn(urn, "api-storage"), urn).toBe(true);
      if (/iam|serviceaccount/i.test(type)) expect(plan.dependsOn(urn, "api-iam"), urn).toBe(true);
    }
  });
});
