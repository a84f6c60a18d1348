import { metricsPort } from "../../config/settings.ts";
import {
  clusterLabels,
  type Discovery,
  escaped,
  type MonitoringModule,
} from "../../operations/monitoring/prometheus.ts";
import { placeOf } from "./outputs.ts";

/**
 * By Nova's own list (https://prometheus.io/docs/prometheus/latest/configuration/configuration/#openstack_sd_config). Without an
 * `identity_endpoint` Prometheus logs in by its environment, OS_AUTH_URL and the like, so that no secret is in the file.
 */
export const discoveryOf: MonitoringModule["discoveryOf"] = async (stack, settings): Promise<Discovery> => {
  const { region, project } = placeOf(stack);
  const names = Object.keys(stack.outputs.clusters);
  return {
    mechanism: "openstack_sd_configs",
    configurations: [{ role: "instance", region, port: metricsPort }],
    relabellings: [
      { source_labels: ["__meta_openstack_project_id"], regex: escaped(project), action: "keep" },
      {
        source_labels: ["__meta_openstack_tag_project_name"],
        regex: escaped(settings.project),
        action: "keep",
      },
      ...clusterLabels("__meta_openstack_tag_cluster", Object.fromEntries(names.map((name) => [name, name]))),
    ],
  };
};
