// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { planOf } from "../support/plan.ts";
import { copyProgram } from "../support/project.ts";

const files = {
  "index.ts": `import type { CloudFolder } from "../cloud-folder.ts";
export const cloud: CloudFolder = {
  rules: async () => (await import("./config.ts")).rules,
  program: () => import("./program.ts"),
  newStack: async () => ({ questions: [], config: () => ({}) }),
  openings: async () => () => [],
  edits: () => Promise.reject(new Error("no edits")),
  policy: () => Promise.reject(new Error("no policy")),
  machines: () => Promise.reject(new Error("no machines")),
  monitoring: () => Promise.reject(new Error("no monitoring")),
  files: () => Promise.reject(new Error("no files")),
};`,
  "config.ts": `import type { CloudRules } from "../../config/settings.ts";
export const rules: CloudRules = {
  defaults: {
    machines: 3,
    network: { cidr: "10.0.0.0/16", subnets: [{ cidr: "10.0.1.0/24" }] },
    appPort: 80,
    loadBalancerPort: 80,
    allow: ["127.0.0.0/8"],
    healthCheckSeconds: 10,
  },
  roomIn: () => 100,
  mostAtOnce: (max) => max,
  check({ sshKey }, report) {
    if (sshKey) report("sshKey", sshKey, "toys have no keys");
  },
};`,
  "program.ts": `import * as pulumi from "@pulumi/pulumi";
import { Bucket, type ObjectPlace } from "../../components/bucket.ts";
import type { Cloud } from "../../components/cloud.ts";
import { Cluster } from "../../components/cluster.ts";
import { LoadBalancer } from "../../components/load-balancer.ts";
import { Network } from "../../components/network.ts";

class Toy extends pulumi.CustomResource {
  declare readonly label: pulumi.Output<string>;
  constructor(name: string, props: object, opts: pulumi.CustomResourceOptions) {
    super("toy:index:Toy", name, { ...props, label: undefined }, opts);
  }
}
const toyOf = (name: string, parent: pulumi.Resource, props = {}) => new Toy(name, props, { parent }).label;

class ToyNetwork extends Network {
  constructor(...args: ConstructorParameters<typeof Network>) {
    super(...args);
    toyOf("net", this);
  }
}
class ToyBucket extends Bucket {
  readonly bucketName: pulumi.Output<string>;
  protected readonly objects: ObjectPlace;
  constructor(...args: ConstructorParameters<typeof Bucket>) {
    super(...args);
    this.bucketName = toyOf("bucket", this);
    this.objects = { cloud: "toy", bucket: this.bucketName };
  }
}
class ToyCluster extends Cluster {
  readonly machineType: pulumi.Output<string>;
  readonly groupId: pulumi.Output<string>;
  readonly revision: pulumi.Output<string>;
  constructor(name: string, args: ConstructorParameters<typeof Cluster>[1], opts?: pulumi.ComponentResourceOptions) {
    super(name, args, opts);
    const functions = "instance_id() { :; }\\nfetch() { :; }";
    const environment = { TRUSTED_PROXIES: "127.0.0.0/8", STORE: "local" };
    const secrets = { TOY_KEY: "open sesame" };
    const { script, revision } = this.startup(args, "linux-x64", { functions, settings: {}, environment, secrets }, {});
    this.revision = revision;
    this.machineType = pulumi.output("toy.small");
    this.groupId = toyOf(name, this, { script, size: this.size });
  }
}
class ToyBalancer extends LoadBalancer {
  readonly url: pulumi.Output<string>;
  readonly address: pulumi.Output<string>;
  constructor(...args: ConstructorParameters<typeof LoadBalancer>) {
    super(...args);
    this.address = toyOf("balancer", this);
    this.url = pulumi.interpolate\`http://\${this.address}\`;
  }
}

export function createCloud(): Cloud {
  return {
    network: (...args) => new ToyNetwork(...args),
    bucket: (...args) => new ToyBucket(...args),
    cluster: (...args) => new ToyCluster(...args),
    loadBalancer: (...args) => new ToyBalancer(...args),
  };
}`,
};

test("a further cloud is a folder and a line", { timeout: 60_000 }, async () => {
  const root = await mkdtemp(join(tmpdir(), "fifth-cloud-"));
  onTestFinished(() => rm(root, { recursive: true }));
  await copyProgram(root, ["plugin"]);
  await mkdir(join(root, "providers/toy"));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(root, "providers/toy", name), content);
  await appendFile(join(root, "providers/clouds.ts"), 'export { cloud as toy } from "./toy/index.ts";\n');
  await writeFile(join(root, "Pulumi.toy.yaml"), "config:\n  switchyard:cloud: toy\n");

  const plan = await planOf("toy", { root });
  expect(plan.outputs).toMatchObject({
    cloud: "toy",
    url: "http://${Toy:balancer.label}",
    clusters: { app: { size: 3, machineType: "toy.small" } },
  });
  expect(plan.get("Toy::app").inputs?.script).toBe("[secret]");
  const revision = expect.stringMatching(/^[0-9a-f]{16}$/);
  expect(plan.get("ready").inputs).toMatchObject({ clusters: [{ revision }] });

  const wrong = planOf("toy", { root, config: { cloud: "toyy", "aws:region": "x" } });
  await expect(wrong).rejects.toThrow('switchyard:cloud is "toyy"; did you mean toy?');
  const sshKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example.org";
  await expect(planOf("toy", { root, config: { sshKey } })).rejects.toThrow("toys have no keys");
});
