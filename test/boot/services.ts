import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Running } from "../servers/process.ts";

/**
 * Runs what a cloud has around its machines, as machine.ts expects it of a module: it reads the input, a line of JSON, from
 * stdin; starts all; writes `ready`, and from then on each event as a line of JSON; and stops all when SIGTERM comes.
 */
export async function serve<Input>(
  start: (input: Input, report: (event: Record<string, unknown>) => void) => Promise<readonly Running[]>,
): Promise<void> {
  const [line] = await once(createInterface(process.stdin), "line");
  const stopped = once(process, "SIGTERM");
  const running = await start(JSON.parse(line), (event) => console.log(JSON.stringify(event)));
  console.log("ready");
  await stopped;
  for (const server of running.toReversed()) await server.stop();
  process.exit();
}
