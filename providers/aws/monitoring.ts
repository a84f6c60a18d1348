import { metricsPort } from "../../config/settings.ts";
import {
  clusterLabels,
  type Discovery,
  type MonitoringModule,
} from "../../operations/monitoring/prometheus.ts";
import { clientSettings } from "./outputs.ts";

/**
 * By EC2's own list (https://prometheus.io/docs/prometheus/latest/configuration/configuration/#ec2_sd_config), at private
 * addresses. Prometheus needs the right ec2:DescribeInstances, as a role of its machine has it, or a profile.
 */
export const discoveryOf: MonitoringModule["discoveryOf"] = async (stack): Promise<Discovery> => {
  const groups = Object.fromEntries(
    Object.entries(stack.outputs.clusters).map(([name, { group }]) => [name, group]),
  );
  const filters = [
    { name: "tag:aws:autoscaling:groupName", values: Object.values(groups) },
    { name: "instance-state-name", values: ["running"] },
  ];
  return {
    mechanism: "ec2_sd_configs",
    configurations: [{ ...clientSettings(stack), port: metricsPort, filters }],
    relabellings: clusterLabels("__meta_ec2_tag_aws_autoscaling_groupName", groups),
  };
};
