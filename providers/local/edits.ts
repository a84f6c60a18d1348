import type { CloudEdits } from "../../plan/compare/cloud-edits.ts";
import { simpleType } from "../../plan/labels.ts";

/** Of what a group's machines are made (`revisionOf` in the control plane). */
const ofMachines = ["machineType", "port", "startupScript"];

/** What the control plane makes of edits. */
export const edits: CloudEdits = {
  // All resources are the project's own.
  replacements: {},
  claims({ type, inputs = {} }) {
    // The control plane takes each load balancer's listener for itself.
    return simpleType(type) === "LoadBalancer"
      ? [{ of: "listener", key: [inputs.address, inputs.port] }]
      : [];
  },
  rolls: ({ op, after, changed }) =>
    op === "update" &&
    simpleType(after?.type ?? "") === "MachineGroup" &&
    changed.some((name) => ofMachines.includes(name)),
  immovable: [],
  data: { "switchyard:local:Bucket": "empty" },
  rights: () => [],
  checks: {},
  newCluster: "the load balancer sends to its machines when they are healthy",
  otherPath: "the path leads to it once its machines are replaced; until then the old one does",
};
