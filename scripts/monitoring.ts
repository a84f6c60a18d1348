import { mkdir, rename, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { readSettings } from "../config/read.ts";
import { monitoringFiles } from "../operations/monitoring/prometheus.ts";
import { readStack } from "../plan/stack.ts";
import { cloudNamed, clouds } from "../providers/index.ts";
import { localStack } from "./backend.ts";
import { type Context, runMain } from "./process.ts";
import { deployedStack } from "./pulumi.ts";

const usage = `Usage: npm run monitoring [-- [--stack NAME] [--config-file FILE] [--output FOLDER] [--follow]]

Writes what monitors a deployed stack: prometheus.yml, which finds its machines,
alerts.yml and dashboard.json for Grafana (docs/monitoring.md).

  --stack, -s NAME    which stack; default: ${localStack}
  --config-file FILE  its configuration; default: Pulumi.NAME.yaml
  --output FOLDER     default: .switchyard/monitoring/NAME
  --follow, -f        goes on, for a cloud that Prometheus cannot ask (local):
                      writes what has changed every ten seconds
  --help, -h          this`;

/** Between two looks, in milliseconds. */
const followMs = 10_000;

async function main(context: Context): Promise<number> {
  const { values } = parseArgs({
    options: {
      stack: { type: "string", short: "s", default: localStack },
      "config-file": { type: "string" },
      output: { type: "string" },
      follow: { type: "boolean", short: "f", default: false },
    },
  });
  const { stack: name, "config-file": configFile } = values;
  const { config, project } = readStack(name, configFile === undefined ? {} : { configFile });
  const settings = await readSettings(config, { project, stack: name }, clouds);
  const deployed = await deployedStack(context, name);
  const { discoveryOf } = await cloudNamed(deployed.outputs.cloud).monitoring();
  const folder = resolve(values.output ?? join(context.root, ".switchyard/monitoring", name));
  await mkdir(folder, { recursive: true });
  const written = new Map<string, string>();
  const write = async () => {
    for (const [file, content] of Object.entries(
      monitoringFiles(deployed, await discoveryOf(deployed, settings)),
    )) {
      if (written.get(file) === content) continue;
      // Whole or not at all: Prometheus may read it meanwhile.
      await writeFile(join(folder, `${file}.new`), content);
      await rename(join(folder, `${file}.new`), join(folder, file));
      written.set(file, content);
      console.log(relative(process.cwd(), join(folder, file)));
    }
  };
  await write();
  while (values.follow) {
    await setTimeout(followMs, undefined, { signal: context.signal }).catch(() => {});
    if (context.signal.aborted) break;
    await write();
  }
  return 0;
}

if (import.meta.main) await runMain(usage, main);
