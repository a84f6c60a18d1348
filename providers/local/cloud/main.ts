import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { createApi } from "./api.ts";
import { ControlPlane } from "./control-plane.ts";
import { withSocketPath } from "./home.ts";

// The control plane of one stack's local cloud: node main.ts HOME VERSION. It logs to its standard output.
const [home = "", version = ""] = process.argv.slice(2);
process.umask(0o077);
mkdirSync(home, { recursive: true, mode: 0o700 });
process.chdir(home);
const output = pino.destination(1);
output.on("error", () => {}); // a log that cannot be written, on a full disk, must not end the cloud
const options = { level: process.env.LOG_LEVEL ?? "info", base: { pid: process.pid } };
const log = pino(options, output);
process.on("uncaughtException", (error) => {
  log.fatal({ err: error }, "control plane failed");
  process.exit(1);
});

const socket = join(home, "control.sock");
const plane = await ControlPlane.start({
  home,
  version,
  log,
  onStopped: () => {
    void api.close().then(() => {
      process.exit(0);
    });
  },
});
const api = createApi(plane);
rmSync(socket, { force: true });
await withSocketPath(home, (path) => api.listen({ path }));
chmodSync(socket, 0o600);
log.info({ home, version }, "control plane runs");
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void plane.stop(signal));
