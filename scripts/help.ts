import { formatRows } from "./table.ts";

/** The commands of this project, by what they are for, in the order in which people need them. */
export const commands: readonly (readonly [
  topic: string,
  ...lines: readonly [command: string, text: string][],
])[] = [
  [
    "A stack, `local` unless named (-- --stack NAME)",
    ["new", "asks what a new stack needs, and writes its file"],
    ["plan", "what it would be, without an account; --base REF: what changes"],
    ["graph", "the same as a picture; --mermaid, --base REF, --output FILE"],
    ["preview", "what up would change; --policy-pack policy: and what breaks a rule"],
    ["up", "makes it so; --timing FILE: what took how long; --release ID"],
    ["dev", "local: deploys whatever is saved, and shows all logs meanwhile"],
    ["outputs", "URL, bucket, release, clusters; adminToken --show-secrets"],
    ["refresh", "compares what is recorded with what is there"],
    ["destroy", "removes it; what is protected stays (--with-data: goes, too)"],
    ["cancel", "unlocks it after a deployment was killed"],
  ],
  [
    "What runs in it",
    ["machines", "cluster, machine, address, health, release, age, restarts"],
    ["dashboard", "the same on a page, with requests, errors and rollouts"],
    ["logs", "all by time, or MACHINE, CLUSTER; --follow, --since, --request"],
    ["releases", "ls, rm ID, prune --keep N; up --release ID deploys one again"],
    ["monitoring", "writes what Prometheus and Grafana need for it"],
    ["files", "ls, put FILE, url NAME, rm NAME"],
    ["schedules", "ls, add NAME, rm ID: machines for peak hours"],
    ["image", "create --name NAME, ls, rm: an image that machines boot from"],
    ["clones", "create --from MACHINE --count N, ls, rm: copies of a machine"],
  ],
  [
    "The project itself",
    ["check", "types, formatting, lint rules"],
    ["test", "the tests; test:e2e, test:servers, test:boot, test:attack: more"],
    ["bench", "measures, as a table"],
    ["openstack:start", "an OpenStack on this machine; openstack:stop ends it"],
  ],
];

/** Every command in a screen. */
export function helpText(): string {
  const topics = commands.map(([topic, ...lines]) => {
    const rows = lines.map(([command, text]) => [`  npm run ${command}`, text] as const);
    return [`${topic}:`, ...formatRows(rows)].join("\n");
  });
  return `${topics.join("\n\n")}\n\nEach takes -- --help. The README has more.`;
}

if (import.meta.main) console.log(helpText());
