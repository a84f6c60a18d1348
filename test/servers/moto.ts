import { join } from "node:path";
import { freePort } from "../support/ports.ts";
import { folderOf, serverPackages } from "./cache.ts";
import { type Running, serverFolder, startServer } from "./process.ts";

export interface MotoServer extends Running {
  readonly endpoint: string;
  readonly region: string;
}

/** Starts moto, which plays EC2 and auto scaling in its memory. It knows no rights, and boots nothing. */
export async function startMoto(): Promise<MotoServer> {
  const { folder, undo, stop } = await serverFolder("moto");
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = await startServer({
    command: join(folderOf(serverPackages.aws), "bin/moto_server"),
    args: ["-H", "127.0.0.1", "-p", String(port)],
    cwd: folder,
    url: `${endpoint}/moto-api/`,
  });
  undo.push(server.stop);
  return { endpoint, region: "us-east-1", stop };
}
