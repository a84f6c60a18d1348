import { edits } from "../../../providers/openstack/edits.ts";
import { layout } from "../../../providers/openstack/layout.ts";
import { type EditRow, editsSuite } from "../../support/edits-suite.ts";
import type { StackPlan } from "../../support/plan.ts";
import { cloud } from "./problems.ts";

const subnet = (number: number, zone: string) => ({ cidr: `10.0.${number}.0/24`, zone });
const cluster = (name: string, more: object = {}) => ({
  name,
  min: 2,
  max: 4,
  path: `/${name}`,
  subnets: [0, 1],
  ...more,
});
const [one, two, three] = [cluster("one"), cluster("two"), cluster("three")];
const subnets = [subnet(1, "az1"), subnet(2, "az2"), subnet(3, "az3")];
const network = { cidr: "10.0.0.0/16", subnets };
const loadBalancer = { port: 80, allow: ["192.0.2.0/24"] };
const barbican = "https://barbican.example.org/v1/containers";
const https = { ...loadBalancer, certificate: `${barbican}/${cloud.image}`, host: "api.example.org" };
const s3 = {
  store: "s3",
  s3: { endpoint: "https://rgw.example.org", credential: { id: "a", secret: "b" } },
};
const controller = { allow: ["192.0.2.0/24"], flavors: { standard: "small" } };
const access = [{ port: 22, from: ["192.0.2.0/24"] }];

const base = {
  project: "lab",
  openstack: cloud,
  network,
  access,
  app: { port: 80 },
  machines: undefined,
  clusters: [one, two, three],
  loadBalancer,
  bucket: undefined,
};

const none = "No interruption.";
const rolls = "No interruption; other machines come, and the old ones go at the end.";
const newMachines =
  "Its path is answered 503 until its machines are healthy; what matches no path goes to the others meanwhile.";
const refused = "Refused in the preview, with the way out.";
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
    service: "Both paths are answered 404 by some machines until the old ones are gone.",
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
  { edit: "Change a `weight`", to: { clusters: [{ ...one, weight: 3 }, two, three] }, service: none },
  {
    edit: "Change `machineType` or `diskGiB`",
    to: { clusters: [{ ...one, machineType: "m1.large", diskGiB: 20 }, two, three] },
    rolled: ["one"],
    service: rolls,
  },
  {
    edit: "Change a cluster's `tags`",
    to: { clusters: [{ ...one, tags: { team: "a" } }, two, three] },
    service: none,
  },
  { edit: "Change `tags`", to: { tags: { owner: "me" } }, service: none },
  {
    edit: "Another image",
    to: { openstack: { ...cloud, image: "Debian 12" } },
    rolled: all,
    service: rolls,
  },
  {
    edit: "Switch `batch` on",
    to: { openstack: { ...cloud, batch: 1 } },
    rolled: all,
    service: rolls,
  },
  {
    edit: "Other name servers",
    to: { openstack: { ...cloud, dnsServers: ["192.0.2.53"] } },
    service: "Machines heed them when they ask for an address again.",
  },
  {
    edit: "Another application credential",
    from: { openstack: { ...cloud, credential: { id: "a", secret: "b" } } },
    to: { openstack: { ...cloud, credential: { id: "c", secret: "d" } } },
    rolled: all,
    service: rolls,
  },
  {
    edit: "Another key of links, the old one second",
    from: { openstack: { ...cloud, tempUrlKeys: ["old"] } },
    to: { openstack: { ...cloud, tempUrlKeys: ["new", "old"] } },
    rolled: all,
    service: `${rolls} Links that the old key signed stay good.`,
  },
  {
    edit: "No links to files any more (`tempUrl: off`)",
    to: { openstack: { ...cloud, tempUrl: "off" } },
    rolled: all,
    service: `${rolls} Links that there are end.`,
  },
  {
    edit: "Another access key of machines (`s3.credential`)",
    from: { openstack: { ...cloud, ...s3 } },
    to: { openstack: { ...cloud, ...s3, s3: { ...s3.s3, credential: { id: "c", secret: "d" } } } },
    rolled: all,
    service: rolls,
  },
  {
    edit: "From Swift to S3 (`store`), whose files are protected",
    to: { openstack: { ...cloud, ...s3 } },
    service: "Refused in the preview: files stay where they are.",
    refused:
      /openstack\.store changes from swift to https:\/\/rgw\.example\.org: files do not move.+switchyard:bucket\.protect as false first/,
  },
  {
    edit: "Give the application credential a name",
    to: { names: { machineCredential: "lab-machines" } },
    rolled: all,
    service: rolls,
  },
  {
    edit: "Rename security groups and load balancer",
    from: { names: { appSecurityGroup: "app-1", edgeSecurityGroup: "edge-1", loadBalancer: "lb-1" } },
    to: { names: { appSecurityGroup: "app-2", edgeSecurityGroup: "edge-2", loadBalancer: "lb-2" } },
    service: none,
  },
  {
    edit: "Rename the container of the files, which is protected",
    from: { names: { bucket: "lab-files-1" } },
    to: { names: { bucket: "lab-files-2" } },
    service: "Refused in the preview: files stay where they are.",
    refused:
      /names\.bucket is "lab-files-2".+protected with its files.+switchyard:bucket\.protect as false first/,
  },
  {
    edit: "Insert a subnet behind",
    to: { network: { ...network, subnets: [...subnets, subnet(9, "az1")] } },
    service: none,
  },
  {
    edit: "Remove the last subnet",
    to: { network: { ...network, subnets: subnets.slice(0, 2) } },
    service: none,
  },
  {
    edit: "Other subnets for a cluster",
    to: { clusters: [{ ...one, subnets: [2, 1] }, two, three] },
    rolled: ["one"],
    service: rolls,
  },
  {
    edit: "Another zone for a subnet",
    to: { network: { ...network, subnets: [subnet(1, "az3"), ...subnets.slice(1)] } },
    rolled: all,
    service: rolls,
  },
  {
    edit: "A range that overlaps one that goes",
    to: { network: { ...network, subnets: [{ cidr: "10.0.0.0/23", zone: "az1" }, ...subnets.slice(1)] } },
    service: refused,
    refused: /10\.0\.0\.0\/23 overlaps 10\.0\.1\.0\/24.+deploy twice/,
  },
  {
    edit: "Another region",
    to: { "openstack:region": "RegionTwo" },
    service: refused,
    refused: /RegionTwo.+second stack/,
  },
  { edit: "Another `app.port`", to: { app: { port: 8080 } }, rolled: all, service: rolls },
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
    to: { loadBalancer: { ...https, certificate: `${barbican}/${cloud.externalNetwork.id}` } },
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
    edit: "Change who may reach the machines (`access`)",
    to: { access: [{ port: 22, from: ["198.51.100.0/24"] }] },
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
  { edit: "Add `controller`", to: { controller }, service: none },
  {
    edit: "Remove `controller`",
    from: { controller },
    to: {},
    service: "Extra machines go at the end, without time for their requests.",
  },
  {
    edit: "Another machine type of a flavor",
    from: { controller },
    to: { controller: { ...controller, flavors: { standard: "medium" } } },
    rolled: ["controller"],
    service: "No interruption; the new controllers replace extra machines of that flavor, one at a time.",
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

editsSuite({ cloud: "OpenStack", stack: "openstack", base, rows, edits, refusals });
