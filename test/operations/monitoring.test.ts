import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parse, stringify } from "yaml";
import { monitoringFiles } from "../../operations/monitoring/prometheus.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { clouds } from "../../providers/index.ts";
import { startFileApi } from "../service/file-api.ts";
import { deployedStack } from "../support/outputs.ts";
import { freePort } from "../support/ports.ts";

const cluster = (group: string, more: object = {}) => ({
  size: 2,
  machineType: "m",
  group,
  weight: 1,
  ...more,
});
const clusters = { web: cluster("web-1a"), api: cluster("api.2b", { path: "/api", weight: 0 }) };
const zones = { subnets: [{ zone: "us-west1-b" }, { zone: "us-west1-a" }, { zone: "us-west1-b" }] };

const stacks: Readonly<Record<string, DeployedStack>> = {
  aws: deployedStack("prod", { cloud: "aws", clusters, operator: { region: "eu-west-1" } }),
  gcp: deployedStack("prod", {
    cloud: "gcp",
    clusters,
    controllerUrl: "https://c.example.org",
    operator: { project: "my-project", region: "us-west1" },
  }),
  openstack: deployedStack("prod", {
    cloud: "openstack",
    clusters,
    operator: { authUrl: "https://k.example.org/v3", region: "R", project: "p.1", loadBalancer: "lb" },
  }),
};

async function filesOf(cloud: string): Promise<Record<string, string>> {
  const { discoveryOf } = (await clouds[cloud]?.monitoring()) ?? {};
  const stack = stacks[cloud];
  if (!discoveryOf || !stack) throw new Error(`there is no cloud ${cloud}`);
  const network = { cidr: "10.0.0.0/8", nat: "none", flowLogs: false, ...zones } as never;
  return monitoringFiles(stack, await discoveryOf(stack, { network, project: "shop" }));
}

const scrapeOf = (files: Record<string, string>) => parse(files["prometheus.yml"] ?? "").scrape_configs[0];

/** Debian's package `prometheus` has it. */
const promtool = [
  process.env.PROMTOOL ?? "",
  ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "promtool")),
].find((file) => file !== "" && existsSync(file));
if (!promtool)
  console.warn("promtool checks no configuration and no alert: install Debian's package prometheus");

/** Runs promtool on files in a folder of their own. @throws with what it says when they are wrong */
async function check(files: Readonly<Record<string, string>>, ...args: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "promtool-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return execFileSync(promtool ?? "", args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
}

describe("Prometheus finds a stack's machines", () => {
  test("on AWS, by their auto-scaling groups", async () => {
    const { job_name, ec2_sd_configs, relabel_configs } = scrapeOf(await filesOf("aws"));
    expect(job_name).toBe("switchyard-prod");
    expect(ec2_sd_configs).toEqual([
      {
        region: "eu-west-1",
        port: 9464,
        filters: [
          { name: "tag:aws:autoscaling:groupName", values: ["web-1a", "api.2b"] },
          { name: "instance-state-name", values: ["running"] },
        ],
      },
    ]);
    const label = "__meta_ec2_tag_aws_autoscaling_groupName";
    expect(relabel_configs).toEqual([
      { source_labels: [label], regex: "web-1a", target_label: "cluster", replacement: "web" },
      { source_labels: [label], regex: "api\\.2b", target_label: "cluster", replacement: "api" },
      { source_labels: ["cluster"], regex: ".+", action: "keep" },
    ]);
  });

  test("on Google Cloud, in each zone once, by the groups that made them", async () => {
    const { gce_sd_configs, relabel_configs } = scrapeOf(await filesOf("gcp"));
    const of = (zone: string) => ({ project: "my-project", zone, port: 9464, filter: "status = RUNNING" });
    expect(gce_sd_configs).toEqual([of("us-west1-a"), of("us-west1-b")]);
    expect(relabel_configs[0]).toMatchObject({
      source_labels: ["__meta_gce_metadata_created_by"],
      target_label: "__tmp_group",
    });
  });

  test("on OpenStack, of the project's own alone, without a secret in the file", async () => {
    const files = await filesOf("openstack");
    const { openstack_sd_configs, relabel_configs } = scrapeOf(files);
    expect(openstack_sd_configs).toEqual([{ role: "instance", region: "R", port: 9464 }]);
    expect(relabel_configs.slice(0, 2)).toEqual([
      { source_labels: ["__meta_openstack_project_id"], regex: "p\\.1", action: "keep" },
      { source_labels: ["__meta_openstack_tag_project_name"], regex: "shop", action: "keep" },
    ]);
  });

  test.runIf(promtool).each(Object.keys(stacks))("and takes the files for %s", async (cloud) => {
    const said = await check(await filesOf(cloud), "check", "config", "prometheus.yml");
    expect(said).toMatch(/SUCCESS: \d+ rules found/);
  });
});

/** Metric names in queries; functions and labels are followed or preceded by other characters. */
const namesIn = (text: string) => [
  ...new Set([...text.matchAll(/\b([a-z][a-z0-9_]+)\{/g)].map(([, name = ""]) => name)),
];

describe("alerts and dashboard", () => {
  let files: Record<string, string>;
  let expressions: string[];

  beforeAll(async () => {
    files = await filesOf("gcp");
    const alerts = parse(files["alerts.yml"] ?? "").groups[0].rules as { expr: string }[];
    const panels = JSON.parse(files["dashboard.json"] ?? "").panels as { targets: { expr: string }[] }[];
    expressions = [...alerts, ...panels.flatMap(({ targets }) => targets)].map(({ expr }) => expr);
  });

  test("ask for nothing that machines do not tell", async () => {
    const port = await freePort();
    const { listen } = await startFileApi({ METRICS_PORT: String(port) });
    const appPort = await listen();
    await fetch(`http://127.0.0.1:${appPort}/healthz`);
    const told = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const names = expressions.flatMap(namesIn);
    expect(names.length).toBeGreaterThan(12);
    // Prometheus' own, and the controller's (test/service/controller).
    const others = names.filter((name) => name !== "up" && !name.startsWith("peak_"));
    expect(others.filter((name) => !new RegExp(`^(# TYPE )?${name}\\b`, "m").test(told))).toEqual([]);
  });

  test.runIf(promtool)("can be asked", async () => {
    const exprs = expressions.map((expr) => expr.replaceAll("$__rate_interval", "1m"));
    const rules = exprs.map((expr, index) => ({ record: `r${index}`, expr }));
    const said = await check(
      { "all.yml": stringify({ groups: [{ name: "all", rules }] }) },
      "check",
      "rules",
      "all.yml",
    );
    expect(said).toContain(`SUCCESS: ${exprs.length} rules found`);
  });

  test.runIf(promtool)("fire when they should, and only then", async () => {
    const job = 'job="switchyard-prod"';
    const requests = (status: string, more = "") =>
      `http_request_duration_seconds_count{${job},cluster="web",route="/list_files",status="${status}"${more}}`;
    const bucket = (le: string) =>
      `http_request_duration_seconds_bucket{${job},cluster="web",route="/list_files",status="200",le="${le}"}`;
    const healthy = { series: `up{${job},cluster="web",instance="a"}`, values: "1x60" };
    const api = { series: `up{${job},cluster="api",instance="b"}`, values: "1x60" };
    const quiet = { series: requests("200"), values: "0+60x60" };
    const at = (minute: number, alertname: string, ...labels: Record<string, string>[]) => ({
      eval_time: `${minute}m`,
      alertname,
      exp_alerts: labels.map((exp_labels) => ({ exp_labels: { stack: "prod", ...exp_labels } })),
    });
    const fires = (
      alertname: string,
      minute: number,
      labels: Record<string, string>,
      ...input_series: object[]
    ) => ({
      interval: "1m",
      input_series,
      alert_rule_test: [at(0, alertname), at(minute, alertname, labels)],
    });
    const all = [
      "NoHealthyMachine",
      "MachineDown",
      "ErrorShare",
      "SlowAnswers",
      "StoreErrors",
      "DiskFull",
      "ScheduleNotServed",
    ];
    const one = (metric: string, values: string) => ({
      series: `${metric}{${job},cluster="web",instance="a"}`,
      values,
    });
    const web = { cluster: "web" };
    const tests = [
      {
        interval: "1m",
        input_series: [
          healthy,
          api,
          quiet,
          { series: bucket("0.1"), values: "0+60x60" },
          { series: bucket("+Inf"), values: "0+60x60" },
          one("disk_available_bytes", "50x60"),
          one("disk_size_bytes", "100x60"),
          one("peak_groups_failing", "0x60"),
          one("peak_machines_wanted", "2x60"),
          one("peak_machines_running", "2x60"),
        ],
        alert_rule_test: all.map((alertname) => at(30, alertname)),
      },
      fires("NoHealthyMachine", 5, { ...web, severity: "critical" }, api, { ...healthy, values: "0x60" }),
      fires(
        "MachineDown",
        6,
        { ...web, job: "switchyard-prod", instance: "a", severity: "warning" },
        {
          ...healthy,
          values: "0x60",
        },
      ),
      fires("ErrorShare", 12, { ...web, severity: "critical" }, quiet, {
        series: requests("500"),
        values: "0+6x60",
      }),
      fires(
        "SlowAnswers",
        20,
        { ...web, severity: "warning" },
        ...["0.1", "1"].map((le) => ({ series: bucket(le), values: "0+1x60" })),
        ...["2.5", "+Inf"].map((le) => ({ series: bucket(le), values: "0+60x60" })),
      ),
      fires(
        "StoreErrors",
        10,
        { ...web, severity: "warning" },
        { series: requests("502"), values: "0+1x60" },
      ),
      fires(
        "DiskFull",
        11,
        { ...web, job: "switchyard-prod", instance: "a", severity: "warning" },
        one("disk_available_bytes", "9x60"),
        one("disk_size_bytes", "100x60"),
      ),
      fires("ScheduleNotServed", 11, { severity: "critical" }, one("peak_groups_failing", "1x60")),
      fires(
        "ScheduleNotServed",
        11,
        { severity: "critical" },
        one("peak_machines_wanted", "2x60"),
        one("peak_machines_running", "1x60"),
      ),
    ];
    // Which alert fires, and for what: its words are for people.
    const rules = parse(files["alerts.yml"] ?? "");
    for (const rule of rules.groups[0].rules) delete rule.annotations;
    const written = {
      "alerts.yml": stringify(rules),
      "test.yml": stringify({ rule_files: ["alerts.yml"], tests }),
    };
    expect(await check(written, "test", "rules", "test.yml")).toContain("SUCCESS");
  });
});
