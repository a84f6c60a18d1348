import { metricsPort } from "../../config/settings.ts";
import {
  clusterLabels,
  type Discovery,
  type MonitoringModule,
} from "../../operations/monitoring/prometheus.ts";
import { placeOf } from "./outputs.ts";

/**
 * By Compute Engine's own list (https://prometheus.io/docs/prometheus/latest/configuration/configuration/#gce_sd_config), zone
 * by zone, at private addresses. A group writes its URL, which has its project's number, into its machines' metadata.
 */
export const discoveryOf: MonitoringModule["discoveryOf"] = async (
  stack,
  { network },
): Promise<Discovery> => {
  const { project } = placeOf(stack);
  const zones = [...new Set(network.subnets.flatMap(({ zone }) => zone ?? []))].sort();
  const groups = Object.fromEntries(
    Object.entries(stack.outputs.clusters).map(([name, { group }]) => [name, group]),
  );
  const created = "__meta_gce_metadata_created_by";
  return {
    mechanism: "gce_sd_configs",
    configurations: zones.map((zone) => ({ project, zone, port: metricsPort, filter: "status = RUNNING" })),
    relabellings: [
      { source_labels: [created], regex: ".*/instanceGroupManagers/(.+)", target_label: "__tmp_group" },
      ...clusterLabels("__tmp_group", groups),
    ],
  };
};
