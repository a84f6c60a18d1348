import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { droppedLine, logLines } from "../../../service/log-lines.ts";
import { createApi } from "./api.ts";
import { ControlPlane } from "./control-plane.ts";
import { handOver, takeOver } from "./hand-over.ts";
import { withSocketPath } from "./home.ts";
import { assertLocked, Supervision } from "./supervision.ts";

// The control plane of one stack's local cloud: node main.ts HOME VERSION, by supervise.sh or by the one before it. It
// logs to its standard output.
const [home = "", version = ""] = process.argv.slice(2);
process.umask(0o077);
process.chdir(home);
const base = { pid: process.pid };
const log = pino({ level: process.env.LOG_LEVEL ?? "info", base }, logLines(1, droppedLine(base)));
process.on("uncaughtException", (error) => {
  log.fatal({ err: error }, "control plane failed");
  process.exit(1);
});

assertLocked(home);
const inherited = takeOver();
const supervision = new Supervision(home, log, inherited === undefined);
const socket = join(home, "control.sock");
const plane = await ControlPlane.start({
  home,
  version,
  log,
  inherited,
  stopListening: () => api.close(),
  onHandOver: async (successor, sockets) => {
    handOver(home, successor, sockets);
    await supervision.end();
  },
  onStopped: async () => {
    await supervision.end();
    process.exit(0);
  },
});
const api = createApi(plane);
rmSync(socket, { force: true });
await withSocketPath(home, (path) => api.listen({ path }));
api.server.on("error", (err) => log.error({ err }, "the control plane's interface failed"));
chmodSync(socket, 0o600);
log.info({ home, version }, "control plane runs");
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void plane.stop(signal));
