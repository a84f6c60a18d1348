import { edits } from "../../../providers/gcp/edits.ts";
import { layout } from "../../../providers/gcp/layout.ts";
import { type EditRow, editsSuite } from "../../support/edits-suite.ts";
import type { StackPlan } from "../../support/plan.ts";
import { certificate } from "./problems.ts";

const subnet = (number: number, zone: string) => ({ cidr: `10.0.${number}.0/24`, zone: `us-west1-${zone}` });
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
const https = { ...loadBalancer, certificate, host: "api.example.org" };
const access = [{ port: 22, from: ["192.0.2.0/24"] }];

const budget = { amount: 1, email: "me@example.org", billingAccount: "012345-6789AB-CDEF01" };

const base = {
  project: "lab",
  network: { cidr: "10.0.0.0/16", subnets },
  access,
  app: { port: 80 },
  machines: undefined,
  clusters: [one, two, three],
  loadBalancer,
  bucket: undefined,
};

const none = "No interruption.";
const rolls = "No interruption; machines are replaced a few at a time.";
const newMachines =
  "Its share of requests, and its path, are answered 503 until its machines are healthy: give it a path of its own and the weight 0 first, then its weight.";
const newGroup =
  "Interrupts: the clusters' machines are other groups, which serve when they are healthy, some minutes later. Both need room in the quotas for that time.";

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
    service:
      "The load balancer leads to the new path at once; until its machines are replaced, they answer it 404.",
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
    service: none,
  },
  { edit: "Change a `weight`", to: { clusters: [{ ...one, weight: 3 }, two, three] }, service: none },
  {
    edit: "All weights 0",
    to: { clusters: [one, two, three].map((it) => ({ ...it, weight: 0 })) },
    service: "What matches no path is answered 404.",
  },
  {
    edit: "Change `machineType` or `diskGiB`",
    to: { clusters: [{ ...one, machineType: "n2-standard-2", diskGiB: 20 }, two, three] },
    rolled: ["one"],
    service: rolls,
  },
  {
    edit: "Change a cluster's `tags`",
    to: { clusters: [{ ...one, tags: { team: "a" } }, two, three] },
    rolled: ["one"],
    service: rolls,
  },
  { edit: "Change `tags`", to: { tags: { owner: "me" } }, rolled: all, service: rolls },
  { edit: "Change `project`", to: { project: "other" }, rolled: all, service: rolls },
  {
    edit: "Insert a subnet in front",
    to: {
      network: { cidr: "10.0.0.0/16", subnets: [subnet(9, "a"), ...subnets] },
      clusters: [one, two, three].map((it) => ({ ...it, subnets: [1, 2] })),
    },
    service: none,
  },
  {
    edit: "Remove the last subnet",
    to: { network: { cidr: "10.0.0.0/16", subnets: subnets.slice(0, 2) } },
    service: none,
  },
  {
    edit: "Other subnets for a cluster, in the same zones",
    from: { network: { cidr: "10.0.0.0/16", subnets: [...subnets, subnet(4, "a")] } },
    to: {
      network: { cidr: "10.0.0.0/16", subnets: [...subnets, subnet(4, "a")] },
      clusters: [{ ...one, subnets: [3, 1] }, two, three],
    },
    rolled: ["one"],
    service: rolls,
  },
  {
    edit: "Another zone for a subnet",
    to: { network: { cidr: "10.0.0.0/16", subnets: [subnet(1, "c"), ...subnets.slice(1)] } },
    rolled: all,
    service: newGroup,
  },
  {
    edit: "Another `gcp:project`",
    to: { "gcp:project": "another-123456" },
    service: "Refused in the preview, with the way out.",
    refused: /gcp:project is another-123456, and the stack is in switchyard.+Deploy a second stack there/,
  },
  {
    edit: "Another region",
    to: {
      network: {
        cidr: "10.0.0.0/16",
        subnets: subnets.map(({ cidr, zone }) => ({ cidr, zone: zone.replace("west", "east") })),
      },
    },
    service: "Refused in the preview, with the way out.",
    refused: /are in us-east1, and the stack is in us-west1.+Deploy a second stack there/,
  },
  {
    edit: "Make a subnet private, with a gateway",
    to: {
      network: {
        cidr: "10.0.0.0/16",
        subnets: [{ ...subnets[0], private: true }, ...subnets.slice(1)],
        nat: "one",
      },
    },
    rolled: all,
    service: rolls,
  },
  {
    edit: "A range that overlaps one that goes",
    to: {
      network: {
        cidr: "10.0.0.0/16",
        subnets: [{ cidr: "10.0.0.0/23", zone: "us-west1-a" }, ...subnets.slice(1)],
      },
    },
    service: "Refused in the preview, with the way out.",
    refused: /10\.0\.0\.0\/23 overlaps 10\.0\.1\.0\/24.+deploy twice/,
  },
  {
    edit: "Another `network.cidr`, with other subnets",
    to: {
      network: {
        cidr: "10.8.0.0/16",
        subnets: subnets.map(({ cidr, zone }) => ({ cidr: cidr.replace("10.0", "10.8"), zone })),
      },
    },
    rolled: all,
    service: rolls,
  },
  {
    edit: "Another `app.port`",
    to: { app: { port: 8080 } },
    service:
      "Refused in the preview: health checks and load balancer know one port for old and new machines.",
    refused: /app\.port changes from 80 to 8080.+deploy a second stack/,
  },
  {
    edit: "Another `loadBalancer.port`",
    to: { loadBalancer: { ...loadBalancer, port: 8080 } },
    service: "The old port is served until the end.",
  },
  { edit: "HTTPS on", to: { loadBalancer: https }, service: "The old URL is redirected." },
  { edit: "HTTPS off", from: { loadBalancer: https }, to: {}, service: "HTTPS is served until the end." },
  {
    edit: "Another certificate",
    from: { loadBalancer: https },
    to: { loadBalancer: { ...https, certificate: "projects/lab-123456/global/sslCertificates/next" } },
    service: none,
  },
  {
    edit: "A certificate map instead of a certificate",
    from: { loadBalancer: https },
    to: {
      loadBalancer: { ...https, certificate: "projects/lab-123456/locations/global/certificateMaps/api" },
    },
    service: none,
  },
  {
    edit: "Change the health check",
    to: { loadBalancer: { ...loadBalancer, healthCheck: { path: "/healthz", intervalSeconds: 10 } } },
    service: none,
  },
  {
    edit: "Change who may come in to the load balancer (`allow`)",
    to: { loadBalancer: { ...loadBalancer, allow: ["198.51.100.0/24"] } },
    service: none,
  },
  {
    edit: "Let everybody in",
    to: { loadBalancer: { ...loadBalancer, allow: ["0.0.0.0/0"] } },
    service: none,
  },
  {
    edit: "Change who may reach the machines (`access`)",
    to: {
      access: [
        { port: 22, from: ["198.51.100.0/24"] },
        { port: 5000, from: ["198.51.100.0/24"] },
      ],
    },
    service: none,
  },
  {
    edit: "Close the machines to everybody (`access` without rules)",
    to: { access: [] },
    rolled: all,
    service: `${rolls} The new ones have no public addresses.`,
  },
  {
    edit: "Give a firewall rule a name",
    to: { names: { "access-22": "allow-ssh" } },
    service: none,
  },
  {
    edit: "Give the machines' account a name",
    to: { names: { machineAccount: "lab-machines" } },
    rolled: all,
    service: rolls,
  },
  {
    edit: "Name accounts that were made beforehand (`identities`)",
    to: { identities: { machines: "lab-machines@switchyard.iam.gserviceaccount.com" } },
    rolled: all,
    service: rolls,
  },
  {
    edit: "Rename the load balancer",
    from: { names: { loadBalancer: "lab-lb" } },
    to: { names: { loadBalancer: "other-lb" } },
    service: none,
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
    edit: "Change `rollout.timeoutSeconds`",
    to: { rollout: { timeoutSeconds: 240 } },
    rolled: all,
    service: rolls,
  },
  {
    edit: "Another SSH key",
    from: { sshKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me" },
    to: { sshKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g me" },
    rolled: all,
    service: rolls,
  },
  { edit: "Add `budget`", to: { budget }, service: none },
  {
    edit: "Another e-mail address or amount of `budget`",
    from: { budget },
    to: { budget: { ...budget, amount: 5, email: "you@example.org" } },
    service: none,
  },
  {
    edit: "Another billing account of `budget`",
    from: { budget },
    to: { budget: { ...budget, billingAccount: "ABCDEF-012345-6789AB" } },
    service: none,
  },
  { edit: "Remove `budget`", from: { budget }, to: {}, service: none },
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

editsSuite({ cloud: "Google Cloud", stack: "gcp", base, rows, edits, refusals });
