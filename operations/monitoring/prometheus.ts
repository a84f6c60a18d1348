import { stringify } from "yaml";
import type { Settings } from "../../config/settings.ts";
import type { DeployedStack } from "../outputs.ts";
import { alertRules } from "./alerts.ts";
import { dashboard } from "./dashboard.ts";

/** A step of Prometheus' relabelling (https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config). */
export type Relabelling = Readonly<Record<string, string | readonly string[]>>;

/** How Prometheus finds a stack's machines. */
export interface Discovery {
  /** A service discovery of Prometheus' own: `ec2_sd_configs`, with its configurations. */
  readonly mechanism: string;
  readonly configurations: readonly Readonly<Record<string, unknown>>[];
  /** Which of what it finds are the stack's, and of which cluster: the label `cluster`. */
  readonly relabellings: readonly Relabelling[];
  /** Further files that it reads, beside the configuration. Default: none. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What each folder `providers/<cloud>/` exports from its monitoring.ts. */
export interface MonitoringModule {
  discoveryOf(stack: DeployedStack, settings: Pick<Settings, "network" | "project">): Promise<Discovery>;
}

/** How often machines are asked; alerts count on two answers a minute and more. */
const interval = "15s";

/** Names clusters by what a label of the discovery says. */
export function clusterLabels(label: string, clusters: Readonly<Record<string, string>>): Relabelling[] {
  return Object.entries(clusters).map(([name, value]) => ({
    source_labels: [label],
    regex: escaped(value),
    target_label: "cluster",
    replacement: name,
  }));
}

/** A text as a regular expression (RE2) that is for nothing else. */
export function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** What Prometheus calls a stack's machines. */
export function jobOf({ stack }: DeployedStack): string {
  return `switchyard-${stack}`;
}

/** Files that monitor a stack, by their names: Prometheus' configuration and rules, and a dashboard for Grafana. */
export function monitoringFiles(
  deployed: DeployedStack,
  { mechanism, configurations, relabellings, files = {} }: Discovery,
): Record<string, string> {
  const job = jobOf(deployed);
  const configuration = {
    global: { scrape_interval: interval, evaluation_interval: interval },
    rule_files: ["alerts.yml"],
    scrape_configs: [
      {
        job_name: job,
        // Machines say themselves of which cluster, release and instance their numbers are.
        honor_labels: true,
        [mechanism]: configurations,
        relabel_configs: [
          ...relabellings,
          // What is of no cluster is not the stack's.
          { source_labels: ["cluster"], regex: ".+", action: "keep" },
        ],
      },
    ],
  };
  return {
    "prometheus.yml": yaml(configuration),
    "alerts.yml": yaml(alertRules(deployed, job)),
    "dashboard.json": `${JSON.stringify(dashboard(deployed, job), null, 2)}\n`,
    ...files,
  };
}

const yaml = (value: unknown) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
