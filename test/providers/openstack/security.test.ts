// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { planStack, type StackPlan } from "../../support/plan.ts";
import { cloud } from "./problems.ts";

const container = (part: string) => `openstack:objectstorage/container:Container::switchyard-${part}`;

let plan: StackPlan;
const inputs = (name: string) => plan.get(name).inputs;

beforeAll(async () => {
  plan = await planStack("openstack", { app: { port: 8080 } });
}, 120_000);

describe("what machines may do", { timeout: 120_000 }, () => {
  it("is what the app and the startup script ask of Swift, on the stack's own containers", () => {
    const credential = inputs("ApplicationCredential::switchyard-machines");
    expect(credential).toMatchObject({ roles: ["member", "reader"], unrestricted: false });
    const { accessRules = [] } = credential ?? {};
    const rules = (accessRules as Record<string, string>[]).map(
      ({ service, method, path }) => `${service} ${method} ${path}`,
    );
    const path = (part: string) => `/v1/*/\${Container:switchyard-${part}.name}`;
    const objects = ["GET", "HEAD", "PUT", "POST", "DELETE"];
    expect(rules).toEqual(
      [
        `GET ${path("releases")}/**`,
        ...objects.map((method) => `${method} ${path("files")}/**`),
        `GET ${path("files")}`,
        `HEAD ${path("files")}`,
      ].map((rule) => `object-store ${rule}`),
    );
  });

  it("is said by secrets, which stand in no plan", async () => {
    const openstack = {
      ...cloud,
      credential: { id: "machines-of-lab", secret: "credential-secret" },
      tempUrlKeys: ["new-key", "old-key"],
    };
    const given = await planStack("openstack", { openstack });
    for (const { inputs } of given.byType("Instance")) expect(inputs?.userData).toBe("[secret]");
    expect(given.byType("ApplicationCredential")).toEqual([]);
    const resources = JSON.stringify(given.document.steps);
    for (const secret of ["credential-secret", "new-key", "old-key"]) expect(resources).not.toContain(secret);
  });

  it("may be without access rules, with other roles, and a key of the account's", async () => {
    const openstack = { ...cloud, accessRules: false, roles: ["swiftoperator"] };
    const own = await planStack("openstack", {
      openstack: { ...openstack, tempUrl: "account", tempUrlKeys: ["a"] },
    });
    const credential = own.get("ApplicationCredential::switchyard-machines").inputs;
    expect(credential).toMatchObject({ roles: ["swiftoperator"] });
    expect(credential).not.toHaveProperty("accessRules");
    expect(own.get(container("files")).inputs).not.toHaveProperty("metadata");
  });
});

describe("a bucket of S3's", { timeout: 120_000 }, () => {
  const endpoint = "https://rgw.example.org";
  const planWith = (s3: object) =>
    planStack("openstack", { openstack: { ...cloud, store: "s3", s3: { endpoint, ...s3 } } });

  it("keeps files and releases, and is protected with what it is named by", async () => {
    const own = await planWith({ createCredential: true });
    expect(own.get("S3Bucket::switchyard-files").inputs).toMatchObject({
      endpoint,
      region: "us-east-1",
      empty: false,
    });
    for (const { inputs } of own.byType("StoredObject"))
      expect(inputs).toMatchObject({ cloud: "openstack", access: { endpoint, region: "us-east-1" } });
    const kept = own.resources.filter(({ protect }) => protect).map(({ urn }) => urn.split("::").at(-1));
    expect(kept.sort()).toEqual(["bucket-name", "files", "switchyard-files"]);
    expect(own.byType("Ec2CredentialV3")).toHaveLength(1);
    for (const type of ["Container", "ApplicationCredential"]) expect(own.byType(type)).toEqual([]);
    expect(own.outputs.operator).toMatchObject({ s3Endpoint: endpoint, s3Region: "us-east-1" });
  });

  it("is reached by a given access key, whose secret stands in no plan", async () => {
    const given = await planWith({ credential: { id: "machines", secret: "hunter2" } });
    expect(given.byType("Ec2CredentialV3")).toEqual([]);
    for (const { inputs } of given.byType("Instance")) expect(inputs?.userData).toBe("[secret]");
    expect(JSON.stringify(given.document.steps)).not.toContain("hunter2");
  });
});

describe("the containers", { timeout: 120_000 }, () => {
  it("are of files, with the key of links, and of releases", () => {
    expect(inputs(container("files"))).toEqual({
      forceDestroy: false,
      metadata: { "Temp-URL-Key": "[secret]" },
    });
    expect(inputs(container("releases"))).toEqual({ forceDestroy: false });
    expect(plan.byType("Container")).toHaveLength(2);
    expect(plan.outputs.bucketName).toBe("${Container:switchyard-files.name}");
    for (const { inputs } of plan.byType("StoredObject"))
      expect(inputs).toMatchObject({ cloud: "openstack", bucket: "${Container:switchyard-releases.name}" });
  });

  it("are protected with their key, and nothing else is", async () => {
    const kept = plan.resources.filter(({ protect }) => protect).map(({ urn }) => urn.split("::").at(-1));
    const [files, releases] = ["switchyard-files", "switchyard-releases"];
    // Each container, and what is in it.
    expect(kept.sort()).toEqual(["files", files, files, releases, releases, "temp-url-key"]);
    const open = await planStack("openstack", {
      bucket: { protect: false, empty: true },
      names: { bucket: "lab" },
    });
    expect(open.resources.filter(({ protect }) => protect)).toEqual([]);
    expect(open.get("Container::switchyard-files-lab").inputs).toMatchObject({
      name: "lab",
      forceDestroy: true,
    });
    expect(open.get("Contents::switchyard-files-lab").inputs).toMatchObject({ empty: true });
  });

  it("outlive what writes to them, and are emptied once and for all", () => {
    for (const part of ["files", "releases"]) {
      for (const { urn } of plan.byType("Instance"))
        expect(plan.dependsOn(urn, `Contents::switchyard-${part}`)).toBe(true);
      expect(plan.dependsOn(`Contents::switchyard-${part}`, `Container::switchyard-${part}`)).toBe(true);
    }
    for (const { urn } of plan.byType("StoredObject"))
      expect(plan.dependsOn(urn, "Contents::switchyard-releases")).toBe(true);
  });
});

describe("the network", { timeout: 120_000 }, () => {
  const rulesOf = (group: string) =>
    plan
      .byType("SecGroupRule")
      .map(({ inputs = {} }) => inputs)
      .filter(({ securityGroupId }) => securityGroupId === `\${SecGroup:${group}.id}`)
      .map(({ direction, portRangeMin, portRangeMax, remoteIpPrefix }) => [
        direction,
        portRangeMin,
        portRangeMax,
        remoteIpPrefix,
      ]);

  it("lets clients come to the load balancer, it to the machines, and nobody else", () => {
    for (const group of ["edge", "app"])
      expect(inputs(`SecGroup::${group}`)).toMatchObject({ deleteDefaultRules: true });
    expect(rulesOf("edge")).toEqual([
      ["ingress", 80, 80, "203.0.113.0/24"],
      ["egress", undefined, undefined, undefined],
    ]);
    expect(rulesOf("app")).toEqual([
      ["ingress", 8080, 8080, "10.0.0.0/16"],
      ["egress", undefined, undefined, undefined],
    ]);
    const balancer = plan.get("openstack:loadbalancer/loadBalancer:LoadBalancer::edge");
    expect(balancer.inputs?.securityGroupIds).toEqual(["${SecGroup:edge.id}"]);
    // Octavia gives its address another group when its name or tags change.
    expect(balancer.ignoreChanges).toEqual(["securityGroupIds"]);
    for (const { inputs } of plan.byType("Port"))
      expect(inputs?.securityGroupIds).toEqual(["${SecGroup:app.id}"]);
  });

  it("has one floating IP, the load balancer's, which goes before the router's interfaces", () => {
    expect(plan.byType("FloatingIp").map(({ inputs }) => inputs)).toEqual([
      { pool: "public", portId: "${edge.vipPortId}", tags: ["project_name=switchyard"] },
    ]);
    const edge = "openstack:networking/floatingIp:FloatingIp::edge";
    expect(plan.dependsOn(edge, "RouterInterface::sn-10-0-1-0-24")).toBe(true);
  });

  it("leads out before a machine boots, and asks the servers it is told to for names", async () => {
    for (const { urn } of plan.byType("Instance"))
      expect(plan.dependsOn(urn, "RouterInterface::sn-10-0-1-0-24")).toBe(true);
    const own = await planStack("openstack", {
      openstack: { ...cloud, dnsServers: ["192.0.2.53"], portSecurity: false },
    });
    expect(own.get("Subnet::sn-10-0-1-0-24").inputs?.dnsNameservers).toEqual(["192.0.2.53"]);
    expect(own.get("openstack:networking/network:Network::network").inputs).not.toHaveProperty(
      "portSecurityEnabled",
    );
  });
});

describe("machines", { timeout: 120_000 }, () => {
  it("boot an image from its own disk, or from a volume of a given size that goes with them", async () => {
    const clusters = [
      { name: "plain", min: 1 },
      { name: "roomy", min: 1, diskGiB: 40 },
    ];
    const both = await planStack("openstack", { machines: undefined, openstack: cloud, clusters });
    const machine = (name: string) =>
      both.byType("Instance").find(({ urn }) => urn.includes(`::${name}-`))?.inputs;
    expect(machine("plain")).toMatchObject({ imageId: cloud.image });
    expect(machine("plain")).not.toHaveProperty("blockDevices");
    expect(machine("roomy")?.blockDevices).toEqual([
      {
        uuid: cloud.image,
        sourceType: "image",
        destinationType: "volume",
        volumeSize: 40,
        bootIndex: 0,
        deleteOnTermination: true,
      },
    ]);
    for (const key of ["imageId", "imageName"]) expect(machine("roomy")).not.toHaveProperty(key);
  });

  it("have the flavors standard and large where the program is asked to make them (R4.1)", async () => {
    const clusters = [
      { name: "few", min: 1 },
      { name: "big", min: 1, size: "large" },
      { name: "own", min: 1, machineType: "c5.xlarge" },
    ];
    const openstack = { ...cloud, flavors: "create" };
    const made = await planStack("openstack", { machines: undefined, openstack, clusters });
    const [large, standard] = made.byType("Flavor").map(({ inputs = {} }) => inputs);
    expect(standard).toMatchObject({ name: "switchyard-standard", vcpus: 2, ram: 4096 });
    expect(large).toMatchObject({ name: "switchyard-large", vcpus: 4, ram: 8192 });
    const flavors = made.byType("Instance").map(({ inputs }) => inputs?.flavorName);
    expect(flavors.sort()).toEqual(["c5.xlarge", "switchyard-large", "switchyard-standard"]);
    for (const { urn, inputs } of made.byType("Instance"))
      if (inputs?.flavorName === "switchyard-large")
        expect(made.dependsOn(urn, "openstack:compute/flavor:Flavor::large")).toBe(true);
    expect(plan.byType("Flavor")).toEqual([]);
  });

  it("are other ones after a change of what they are made of, and the same after one that they do not see", async () => {
    const names = ({ resources }: StackPlan) =>
      resources.filter(({ type }) => type.endsWith(":Instance")).map(({ urn }) => urn.split("::").at(-1));
    const app = { port: 8080 };
    const same = await planStack("openstack", {
      app,
      machines: 3,
      loadBalancer: { port: 81, allow: ["0.0.0.0/0"] },
      tags: { owner: "me" },
    });
    expect(names(same).slice(0, 2)).toEqual(names(plan));
    const other = await planStack("openstack", { app: { ...app, environment: { LOG_LEVEL: "debug" } } });
    const now = names(other);
    expect(now).toHaveLength(2);
    for (const name of names(plan)) expect(now).not.toContain(name);
  });
});

describe("a certificate", { timeout: 120_000 }, () => {
  it("serves HTTPS, to which HTTP redirects", async () => {
    const certificate = `https://barbican.example.org/v1/containers/${cloud.image}`;
    const secure = await planStack("openstack", {
      loadBalancer: { port: 80, allow: ["192.0.2.0/24"], certificate, host: "api.example.org" },
    });
    expect(secure.get("Listener::https").inputs).toMatchObject({
      protocol: "TERMINATED_HTTPS",
      protocolPort: 443,
      defaultTlsContainerRef: certificate,
      defaultPoolId: "${Pool:all.id}",
    });
    expect(secure.get("Listener::http").inputs).toMatchObject({ protocol: "HTTP", protocolPort: 80 });
    expect(secure.get("L7PolicyV2::redirect").inputs).toMatchObject({
      listenerId: "${Listener:http.id}",
      action: "REDIRECT_TO_URL",
      redirectUrl: "https://api.example.org/",
    });
    expect(secure.get("L7RuleV2::redirect").inputs).toMatchObject({ compareType: "STARTS_WITH", value: "/" });
    expect(secure.outputs.url).toBe("https://api.example.org");
  });

  it("is redirected to once it serves each path", async () => {
    const secure = await planStack("openstack", {
      machines: undefined,
      clusters: [{ name: "web", min: 2, path: "/web" }],
      loadBalancer: {
        port: 80,
        allow: ["192.0.2.0/24"],
        certificate: `https://barbican.example.org/v1/containers/${cloud.image}`,
        host: "api.example.org",
      },
    });
    for (const rule of ["L7RuleV2::web", "L7RuleV2::web-below"])
      expect(secure.dependsOn("L7PolicyV2::redirect", rule)).toBe(true);
  });
});
