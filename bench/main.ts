import { formatTable, type Row } from "./table.ts";

/** The benchmarks by name; `npm run bench -- NAME…` runs some of them. */
const benchmarks: Readonly<Record<string, () => Promise<Row[]>>> = {
  deploy: async () => (await import("./deploy.ts")).benchDeploy(),
  plan: async () => (await import("./plan.ts")).benchPlan(),
  dev: async () => (await import("./dev.ts")).benchDev(),
  resilience: async () => (await import("./resilience.ts")).benchResilience(),
  load: async () => (await import("./load.ts")).benchLoad(),
  startup: async () => (await import("./startup.ts")).benchStartup(),
  schedules: async () => (await import("./schedules.ts")).benchSchedules(),
  files: async () => (await import("./files.ts")).benchFiles(),
  "load-balancer": async () => (await import("./load-balancer.ts")).benchLoadBalancer(),
};

const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(benchmarks);
const rows: Row[] = [];
for (const name of chosen) {
  const benchmark = benchmarks[name];
  if (!benchmark) {
    throw new Error(`there is no benchmark "${name}"; there are: ${Object.keys(benchmarks).join(", ")}`);
  }
  console.error(`measuring ${name} …`);
  rows.push(...(await benchmark()));
}
console.log(formatTable(rows));
