import type { DeployedStack } from "../outputs.ts";

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: "critical" | "warning";
  readonly summary: string;
  readonly description: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Requests whose time is the client's or the store's: files on their way. */
const transfers = "/upload|/download/.*|/files/.*";

/** The controller's cluster, which takes no schedules of its own. */
const controller = "controller";

/** Rules for Prometheus (https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/): what somebody has to look at. */
export function alertRules({ stack, outputs }: DeployedStack, job: string) {
  const of = (metric: string, more = "") => `${metric}{job="${job}"${more && `,${more}`}}`;
  const requests = (more = "", window = "5m") =>
    `rate(${of("http_request_duration_seconds_count", more)}[${window}])`;
  const machines = `npm run machines -- --stack ${stack}`;
  // Extra machines by schedule may be none.
  const serving = Object.entries(outputs.clusters).filter(
    ([name, { size, path, weight }]) => size > 0 && (name === controller || path !== undefined || weight > 0),
  );
  const alerts: Alert[] = [
    ...serving.map(
      ([name]): Alert => ({
        alert: "NoHealthyMachine",
        expr: `absent(${of("up", `cluster="${name}"`)} == 1)`,
        for: "1m",
        severity: "critical",
        labels: { cluster: name },
        summary: `No machine of ${name} answers`,
        description: `Requests to ${name} fail. ${machines} says what the cloud knows of them; npm run logs what they say.`,
      }),
    ),
    {
      alert: "MachineDown",
      expr: `${of("up")} == 0`,
      for: "5m",
      severity: "warning",
      summary: "A machine of {{ $labels.cluster }} does not answer",
      description: `{{ $labels.instance }} has been found and has not answered for five minutes. ${machines} says what the cloud knows of it.`,
    },
    {
      alert: "ErrorShare",
      expr: `sum by (cluster) (${requests('status=~"5.."')}) / sum by (cluster) (${requests()}) > 0.05`,
      for: "5m",
      severity: "critical",
      summary: "{{ $value | humanizePercentage }} of the requests to {{ $labels.cluster }} fail",
      description: "Each failure is in a machine's log, by the request's id: npm run logs.",
    },
    {
      alert: "SlowAnswers",
      expr: `histogram_quantile(0.95, sum by (cluster, le) (rate(${of("http_request_duration_seconds_bucket", `route!~"${transfers}"`)}[5m]))) > 1`,
      for: "10m",
      severity: "warning",
      summary:
        "One in twenty answers of {{ $labels.cluster }} takes more than {{ $value | humanizeDuration }}",
      description:
        "Uploads and downloads are not counted. More or larger machines help if the event loop or the processor is busy.",
    },
    {
      alert: "StoreErrors",
      expr: `sum by (cluster) (increase(${of("http_request_duration_seconds_count", 'status=~"502|504|507"')}[10m])) > 0`,
      for: "5m",
      severity: "warning",
      summary: "The object store fails for {{ $labels.cluster }}",
      description:
        "It cannot be reached, refuses the machines, does not answer in time (502, 504), or is full (507). The machines' logs say which.",
    },
    {
      alert: "DiskFull",
      expr: `${of("disk_available_bytes")} / ${of("disk_size_bytes")} < 0.1`,
      for: "10m",
      severity: "warning",
      summary: "{{ $value | humanizePercentage }} of a disk is left on {{ $labels.instance }}",
      description: "A machine of {{ $labels.cluster }}: replace it, or give clusters a larger diskGiB.",
    },
    ...(outputs.controllerUrl === undefined
      ? []
      : [
          {
            alert: "ScheduleNotServed",
            expr: `max(${of("peak_groups_failing")}) > 0 or max(${of("peak_machines_wanted")} - ${of("peak_machines_running")}) > 0`,
            for: "10m",
            severity: "critical",
            summary: "Extra machines that a schedule asks for are not there",
            description: `npm run schedules -- ls --stack ${stack} says which, and why in the cloud's words.`,
          } as const,
        ]),
  ];
  const rules = alerts.map(({ severity, summary, description, labels, ...rule }) => ({
    ...rule,
    labels: { severity, ...labels, stack },
    annotations: { summary, description },
  }));
  return { groups: [{ name: job, rules }] };
}
