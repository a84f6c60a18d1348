import { edits } from "../../../providers/local/edits.ts";
import { type EditRow, editsSuite } from "../../support/edits-suite.ts";

const cluster = (name: string, more: object = {}) => ({ name, min: 2, max: 4, path: `/${name}`, ...more });
const [one, two, three] = [cluster("one"), cluster("two"), cluster("three")];

const base = { clusters: [one, two, three], bucket: undefined };

const none = "No interruption.";
const rolls = "No interruption; machines are replaced a few at a time.";
const first = "No interruption: the load balancer sends to its machines when they are healthy.";

const rows: readonly EditRow[] = [
  { edit: "Remove the first cluster", to: { clusters: [two, three] }, service: none },
  { edit: "Swap two clusters", to: { clusters: [two, one, three] }, service: none },
  { edit: "Insert a cluster in front", to: { clusters: [cluster("zero"), one, two, three] }, service: first },
  {
    edit: "Rename a cluster, which keeps its path",
    to: { clusters: [{ ...one, name: "uno" }, two, three] },
    service: `It is another cluster. ${first}`,
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
    service: "Once its machines are replaced, the path leads to it; until then the old one does.",
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
    edit: "Change `machineType`",
    to: { clusters: [{ ...one, machineType: "local.large" }, two, three] },
    rolled: ["one"],
    service: rolls,
  },
  { edit: "Change `tags`", to: { tags: { owner: "me" } }, service: "Nothing here has tags." },
  { edit: "Change `project`", to: { project: "other" }, rolled: ["one", "three", "two"], service: rolls },
  {
    edit: "Another `network.cidr`",
    to: { network: { cidr: "10.88.0.0/16", subnets: [{ cidr: "10.88.1.0/24" }] } },
    service: "Machines keep their addresses until they are replaced.",
  },
  {
    edit: "Another `app.port`",
    to: { app: { port: 5001 } },
    rolled: ["one", "three", "two"],
    service: rolls,
  },
  {
    edit: "Another `loadBalancer.port`",
    to: { loadBalancer: { port: 8099 } },
    service: "The old port is closed when the new one listens.",
  },
  {
    edit: "Change the health check",
    to: { loadBalancer: { healthCheck: { intervalSeconds: 5 } } },
    service: none,
  },
  {
    edit: "Change who may come in (`allow`)",
    to: { loadBalancer: { allow: ["127.0.0.1/32"] } },
    service: none,
  },
  {
    edit: "Add `controller`",
    to: { controller: {} },
    service: "No interruption: clusters get empty groups beside their own.",
  },
  {
    edit: "Remove `controller`",
    from: { controller: {} },
    to: {},
    service: "Extra machines finish their requests, and go.",
  },
  {
    edit: "Change `controller.maxMachines` or a schedule",
    from: { controller: {} },
    to: { controller: { maxMachines: 5 } },
    rolled: ["controller"],
    service: "The controller is replaced, machines are not; what it does waits for a moment.",
  },
  {
    edit: "Another machine type of a flavor",
    from: { controller: {} },
    to: { controller: { flavors: { standard: "medium", large: "large" } } },
    rolled: ["controller", "one-standard", "three-standard", "two-standard"],
    service: "No interruption; extra machines of that flavor are replaced a few at a time.",
  },
  {
    edit: "Rename a flavor",
    from: { controller: {} },
    to: { controller: { flavors: { normal: "small", large: "large" } } },
    rolled: ["controller"],
    service: "It is another one: the old one's machines go, and schedules must name the new one.",
  },
  {
    edit: "Take the bucket's protection away",
    to: { bucket: { protect: false } },
    service: none,
  },
  { edit: "Nothing at all", to: {}, service: none },
];

editsSuite({ cloud: "this machine", stack: "local", base, rows, edits });
