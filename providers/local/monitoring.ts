import { metricsPort } from "../../config/settings.ts";
import type { Discovery, MonitoringModule } from "../../operations/monitoring/prometheus.ts";
import { openMachines } from "./machines.ts";

/** What Prometheus reads again whenever it changes. */
const file = "machines.json";

/** By a file of the machines that there are: this machine's cloud has no list that Prometheus could ask. */
export const discoveryOf: MonitoringModule["discoveryOf"] = async (stack): Promise<Discovery> => {
  const machines = await openMachines(stack).list();
  const targets = machines.map(({ cluster, address }) => ({
    targets: [`${address.replace(/:\d+$/, "")}:${metricsPort}`],
    labels: { cluster },
  }));
  return {
    mechanism: "file_sd_configs",
    configurations: [{ files: [file] }],
    relabellings: [],
    files: { [file]: `${JSON.stringify(targets, null, 2)}\n` },
  };
};
