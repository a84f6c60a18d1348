import { edits } from "../../../providers/aws/edits.ts";
import { layout } from "../../../providers/aws/layout.ts";
import { type EditRow, editsSuite } from "../../support/edits-suite.ts";
import type { StackPlan } from "../../support/plan.ts";

const subnet = (number: number, zone: string) => ({ cidr: `10.0.${number}.0/24`, zone: `us-east-1${zone}` });
const cluster = (name: string, more: object = {}) => ({
  name,
  min: 2,
  max: 4,
  path: `/${name}`,
  subnets: [0, 1],
  ...more,
});
const [one, two, three] = [cluster("one"), cluster("two"), cluster("three")];
const subnets = [subnet(1, "a"), subnet(2, "b"), subnet(3, "c")];
const loadBalancer = { port: 80, allow: ["192.0.2.0/24"] };
const certificate = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-0123456789ab";
const https = { ...loadBalancer, certificate, host: "api.example.org" };

const controller = { allow: ["192.0.2.0/24"], flavors: { standard: "small" } };

const budget = { amount: 1, email: "me@example.org" };

const base = {
  project: "lab",
  network: { cidr: "10.0.0.0/16", subnets },
  access: [{ port: 22, from: ["192.0.2.0/24"] }],
  app: { port: 80 },
  clusters: [one, two, three],
  loadBalancer,
  bucket: undefined,
};

const none = "No interruption.";
const rolls = "No interruption; machines are replaced a few at a time.";
const newMachines =
  "Its share of requests, and its path, are answered 503 until its machines are healthy: give it a path of its own and the weight 0 first, then its weight.";

const all = ["one", "three", "two"];

const rows: readonly EditRow[] = [
  { edit: "Remove the first cluster", to: { clusters: [two, three] }, service: none },
  { edit: "Remove a cluster in the middle", to: { clusters: [one, three] }, service: none },
  { edit: "Swap two clusters", to: { clusters: [two, one, three] }, service: none },
  {
    edit: "Insert a cluster in front",
    to: { clusters: [cluster("zero"), one, two, three] },
    service: newMachines,
  },
  {
    edit: "Rename a cluster, which keeps its path",
    to: { clusters: [{ ...one, name: "uno" }, two, three] },
    service: `It is another cluster. ${newMachines}`,
  },
  {
    edit: "Remove the `path` of a cluster in the middle",
    to: { clusters: [one, { ...two, path: undefined }, three] },
    rolled: ["two"],
    service: rolls,
  },
  {
    edit: "Change the `path` of a cluster",
    to: { clusters: [{ ...one, path: "/other" }, two, three] },
    rolled: ["one"],
    service: "New machines answer at the new path alone, old ones at the old one, which goes at the end.",
  },
  {
    edit: "Swap the paths of two clusters",
    to: { clusters: [{ ...one, path: "/two" }, { ...two, path: "/one" }, three] },
    rolled: ["one", "two"],
    service:
      "Paths lead to the other cluster at once; until its machines are replaced, they answer them 404.",
  },
  {
    edit: "Put a path below another cluster's in front of it",
    to: { clusters: [cluster("deep", { path: "/one/deep" }), one, two, three] },
    service: newMachines,
  },
  {
    edit: "Change `desired`, `min` or `max`",
    to: { clusters: [{ ...one, min: 3, desired: 3 }, two, three] },
    service: none,
  },
  {
    edit: "Run another release on one cluster (`clusters[].release`)",
    to: { clusters: [one, { ...two, release: "b".repeat(64) }, three] },
    rolled: ["two"],
    service: rolls,
  },
  {
    edit: "Have a cluster follow its load (`clusters[].scale`)",
    to: { clusters: [{ ...one, desired: undefined, scale: { cpu: 60 } }, two, three] },
    rolled: ["one"],
    service: rolls,
  },
  { edit: "Change a `weight`", to: { clusters: [{ ...one, weight: 3 }, two, three] }, service: none },
  {
    edit: "Change `machineType` or `diskGiB`",
    to: { clusters: [{ ...one, machineType: "t3.large", diskGiB: 20 }, two, three] },
    rolled: ["one"],
    service: rolls,
  },
  {
    edit: "Change a cluster's `tags`",
    to: { clusters: [{ ...one, tags: { team: "a" } }, two, three] },
    service: none,
  },
  { edit: "Change `tags`", to: { tags: { owner: "me" } }, service: none },
  { edit: "Change `project`", to: { project: "other" }, rolled: all, service: rolls },
  {
    edit: "Insert a subnet in front",
    to: {
      network: { cidr: "10.0.0.0/16", subnets: [subnet(9, "d"), ...subnets] },
      clusters: [one, two, three].map((it) => ({ ...it, subnets: [1, 2] })),
    },
    service: none,
  },
  {
    edit: "Remove the first subnet",
    to: { network: { cidr: "10.0.0.0/16", subnets: subnets.slice(1) } },
    service: "Its machines are replaced by others elsewhere.",
  },
  {
    edit: "Make a subnet private, with a gateway",
    to: {
      network: {
        cidr: "10.0.0.0/16",
        subnets: [...subnets.slice(0, 2), { ...subnets[2], private: true }],
        nat: "one",
      },
    },
    service:
      "No interruption. Its machines keep the addresses that they have, where nobody reaches them any more, until they are replaced.",
  },
  {
    edit: "Another zone for a subnet",
    to: { network: { cidr: "10.0.0.0/16", subnets: [subnet(1, "d"), ...subnets.slice(1)] } },
    service: "Refused in the preview, with the way out.",
    refused:
      /10\.0\.1\.0\/24 cannot move from us-east-1a to us-east-1d.+Give it a range that is free, or deploy twice/,
  },
  {
    edit: "A range that overlaps one that goes",
    to: {
      network: {
        cidr: "10.0.0.0/16",
        subnets: [{ cidr: "10.0.0.0/23", zone: "us-east-1a" }, ...subnets.slice(1)],
      },
    },
    service: "Refused in the preview, with the way out.",
    refused: /10\.0\.0\.0\/23 overlaps 10\.0\.1\.0\/24.+deploy twice/,
  },
  {
    edit: "Another `network.cidr`",
    to: {
      network: {
        cidr: "10.8.0.0/16",
        subnets: subnets.map(({ cidr, zone }) => ({ cidr: cidr.replace("10.0", "10.8"), zone })),
      },
    },
    rolled: all,
    service:
      "Everything but the bucket is made anew beside the old, at a new DNS name; the old goes when the new answers. Lead your own name there before that.",
  },
  {
    edit: "Another `app.port`",
    to: { app: { port: 8080 } },
    rolled: all,
    service:
      "Interrupts, and the preview warns: the load balancer asks for the new port at once, and no machine listens there for some minutes. Deploy a second stack to avoid it.",
  },
  {
    edit: "Another `loadBalancer.port`",
    to: { loadBalancer: { ...loadBalancer, port: 8080 } },
    service: "The old port is closed at once.",
  },
  { edit: "HTTPS on", to: { loadBalancer: https }, service: "The old URL is redirected." },
  { edit: "HTTPS off", from: { loadBalancer: https }, to: {}, service: "HTTPS is served until the end." },
  {
    edit: "Change the health check",
    to: { loadBalancer: { ...loadBalancer, healthCheck: { path: "/healthz", intervalSeconds: 10 } } },
    service: none,
  },
  {
    edit: "Change who may come in (`allow`, `access`)",
    to: { loadBalancer: { ...loadBalancer, allow: ["198.51.100.0/24"] }, access: [] },
    service: none,
  },
  {
    edit: "Give the machines' security group a name",
    to: { names: { appSecurityGroup: "lab-app" } },
    rolled: all,
    service: rolls,
  },
  {
    edit: "Rename the load balancer's security group",
    from: { names: { edgeSecurityGroup: "lab-edge" } },
    to: { names: { edgeSecurityGroup: "other-edge" } },
    service: none,
  },
  {
    edit: "Give the machines' role a name",
    to: { names: { machineRole: "lab" } },
    rolled: all,
    service: rolls,
  },
  {
    edit: "Rename the load balancer",
    from: { names: { loadBalancer: "lab-lb" } },
    to: { names: { loadBalancer: "other-lb" } },
    service:
      "Another load balancer is made at a new DNS name, and machines move to it: who still asks the old one is answered 503 until it goes.",
  },
  {
    edit: "Another `network.cidr`, with a load balancer's name",
    from: { names: { loadBalancer: "lab-lb" } },
    to: {
      names: { loadBalancer: "lab-lb" },
      network: {
        cidr: "10.8.0.0/16",
        subnets: subnets.map(({ cidr, zone }) => ({ cidr: cidr.replace("10.0", "10.8"), zone })),
      },
    },
    rolled: all,
    service: "Interrupts: the load balancer must go before another can have its name.",
  },
  {
    edit: "Rename the bucket, which is protected",
    from: { names: { bucket: "lab-files-1" } },
    to: { names: { bucket: "lab-files-2" } },
    service: "Refused in the preview: files stay where they are.",
    refused:
      /names\.bucket is "lab-files-2".+protected with its files.+switchyard:bucket\.protect as false first/,
  },
  {
    edit: "Access logs, flow logs",
    to: {
      loadBalancer: { ...loadBalancer, accessLogs: true },
      network: { cidr: "10.0.0.0/16", subnets, flowLogs: true },
    },
    service: none,
  },
  {
    edit: "Access logs off",
    from: { loadBalancer: { ...loadBalancer, accessLogs: true } },
    to: {},
    service: "None; the logs are kept.",
  },
  {
    edit: "Deletion protection of the load balancer",
    to: { loadBalancer: { ...loadBalancer, protect: true } },
    service: none,
  },
  {
    edit: "Another SSH key",
    from: { sshKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me" },
    to: { sshKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g me" },
    rolled: all,
    service: rolls,
  },
  { edit: "Add `controller`", to: { controller }, service: none },
  {
    edit: "Remove `controller`",
    from: { controller },
    to: {},
    service: "Extra machines finish their requests, and go.",
  },
  {
    edit: "Another machine type of a flavor",
    from: { controller },
    to: { controller: { ...controller, flavors: { standard: "medium" } } },
    rolled: ["controller", "one-standard", "three-standard", "two-standard"],
    service: "No interruption; extra machines of that flavor are replaced a few at a time.",
  },
  { edit: "Add `budget`", to: { budget }, service: none },
  {
    edit: "Another e-mail address or amount of `budget`",
    from: { budget },
    to: { budget: { amount: 5, email: "you@example.org" } },
    service: "The new address must confirm it; the old one gets no e-mails any more.",
  },
  { edit: "Remove `budget`", from: { budget }, to: {}, service: none },
  {
    edit: "Rename the topic of `budget`",
    from: { budget, names: { billingTopic: "BillingAlarm" } },
    to: { budget, names: { billingTopic: "Charges" } },
    service: "The address must confirm it again.",
  },
  {
    edit: "Take the bucket's protection away",
    to: { bucket: { protect: false } },
    service: none,
  },
  { edit: "Nothing at all", to: {}, service: none },
];

/** What the plugin says of the new layout, when the old one is deployed. */
async function refusals(before: StackPlan, after: StackPlan): Promise<string[]> {
  const [olds, news] = [before, after].map((plan) => ({ ...plan.get("layout").inputs }));
  const ignore = () => {};
  const context = { urn: "", name: "layout", signal: AbortSignal.abort(), progress: ignore, warn: ignore };
  const failures = await layout.check?.(news ?? {}, olds, context);
  return (failures ?? []).map(({ reason }) => reason);
}

editsSuite({ cloud: "AWS", stack: "aws", base, rows, edits, refusals });
