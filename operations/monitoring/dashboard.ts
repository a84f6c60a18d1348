import type { DeployedStack } from "../outputs.ts";

interface Panel {
  readonly title: string;
  readonly unit: string;
  /** A query, and what each of its lines is called. */
  readonly queries: readonly (readonly [expr: string, legend: string])[];
}

/** Of a panel, in the 24 columns of a Grafana dashboard. */
const [width, height, columns] = [8, 7, 3];

/** A dashboard for Grafana 9 and newer; which Prometheus it asks is chosen in it. */
export function dashboard({ stack, outputs }: DeployedStack, job: string) {
  const of = (metric: string, more = "") => `${metric}{job="${job}"${more && `,${more}`}}`;
  const rate = (metric: string, more = "") => `rate(${of(metric, more)}[$__rate_interval])`;
  const byCluster = (expr: string) => `sum by (cluster) (${expr})`;
  const requests = (more = "") => byCluster(rate("http_request_duration_seconds_count", more));
  const panels: Panel[] = [
    { title: "Machines that answer", unit: "short", queries: [[byCluster(of("up")), "{{cluster}}"]] },
    { title: "Requests", unit: "reqps", queries: [[requests(), "{{cluster}}"]] },
    {
      title: "Requests that fail",
      unit: "percentunit",
      queries: [[`${requests('status=~"5.."')} / ${requests()}`, "{{cluster}}"]],
    },
    {
      title: "Time of 95 % of the requests",
      unit: "s",
      queries: [
        [
          `histogram_quantile(0.95, sum by (cluster, le) (${rate("http_request_duration_seconds_bucket")}))`,
          "{{cluster}}",
        ],
      ],
    },
    {
      title: "Requests by route",
      unit: "reqps",
      queries: [
        [`sum by (method, route) (${rate("http_request_duration_seconds_count")})`, "{{method}} {{route}}"],
      ],
    },
    {
      title: "Failures of the object store",
      unit: "reqps",
      queries: [
        [
          `sum by (status) (${rate("http_request_duration_seconds_count", 'status=~"502|504|507"')})`,
          "{{status}}",
        ],
      ],
    },
    {
      title: "Uploads in flight, callers that hung up",
      unit: "short",
      queries: [
        [byCluster(of("uploads_in_flight")), "uploads, {{cluster}}"],
        [byCluster(rate("http_requests_aborted_total")), "hung up a second, {{cluster}}"],
      ],
    },
    {
      title: "Event loop, 99 % of its turns",
      unit: "s",
      queries: [[of("nodejs_eventloop_lag_p99_seconds"), "{{instance}}"]],
    },
    {
      title: "Processor",
      unit: "percentunit",
      queries: [[rate("process_cpu_seconds_total"), "{{instance}}"]],
    },
    { title: "Memory", unit: "bytes", queries: [[of("process_resident_memory_bytes"), "{{instance}}"]] },
    {
      title: "Disk that is left",
      unit: "percentunit",
      queries: [[`${of("disk_available_bytes")} / ${of("disk_size_bytes")}`, "{{instance}}"]],
    },
    ...(outputs.controllerUrl === undefined
      ? []
      : [
          {
            title: "Extra machines by schedule",
            unit: "short",
            queries: [
              [of("peak_machines_wanted"), "wanted"],
              [of("peak_machines_running"), "running"],
              [of("peak_groups_failing"), "groups that fail"],
            ],
          } as const,
        ]),
  ];
  return {
    title: `Switchyard ${stack}`,
    uid: job.slice(0, 40),
    schemaVersion: 38,
    editable: true,
    time: { from: "now-6h", to: "now" },
    refresh: "30s",
    templating: {
      list: [{ name: "datasource", label: "Prometheus", type: "datasource", query: "prometheus" }],
    },
    panels: panels.map(({ title, unit, queries }, index) => ({
      id: index + 1,
      type: "timeseries",
      title,
      datasource: { type: "prometheus", uid: "$datasource" },
      gridPos: { x: (index % columns) * width, y: Math.floor(index / columns) * height, w: width, h: height },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      targets: queries.map(([expr, legendFormat], place) => ({
        refId: String.fromCharCode(65 + place),
        datasource: { type: "prometheus", uid: "$datasource" },
        expr,
        legendFormat,
      })),
    })),
  };
}
