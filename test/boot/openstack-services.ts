import { once } from "node:events";
import { createServer, request } from "node:http";
import { objectsOf } from "../../providers/openstack/files.ts";
import type { OpenstackCredentials } from "../servers/openstack.ts";
import type { Running } from "../servers/process.ts";
import { network } from "./machine.ts";
import { serve } from "./services.ts";

/** What of OpenStack a machine meets. */
export interface OpenstackServices {
  /** Where Keystone and Swift are out here: sockets of the file system, which is the same in all networks. */
  readonly sockets: Readonly<Record<keyof typeof ports, string>>;
  /** What machines fetch, by key, and the container that it is in; who deploys has this login. */
  readonly objects: Readonly<Record<string, string>>;
  readonly container: string;
  readonly login: OpenstackCredentials;
}

/** Where a machine finds them, at `network.cloud`. */
export const ports = { keystone: 5000, swift: 8080 } as const;

if (import.meta.main) {
  await serve<OpenstackServices>(async ({ sockets, objects, container, login }, report) => {
    const start = async (service: keyof typeof ports): Promise<Running> => {
      const server = createServer((incoming, outgoing) => {
        const { method, url: path, headers } = incoming;
        const asked = request({ socketPath: sockets[service], method, path, headers }, (answer) => {
          report({ service, method, path, status: answer.statusCode });
          outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
          answer.pipe(outgoing);
        });
        asked.on("error", () => outgoing.destroy());
        incoming.pipe(asked);
      });
      await once(server.listen(ports[service], network.cloud), "listening");
      return {
        stop: async () => {
          server.closeAllConnections();
          await once(server.close(), "close");
        },
      };
    };
    const running = [await start("keystone"), await start("swift")];
    Object.assign(process.env, login);
    const access = { authUrl: login.OS_AUTH_URL, region: login.OS_REGION_NAME };
    const store = await objectsOf({ bucket: container, access, stack: "lab" });
    const signal = AbortSignal.timeout(120_000);
    for (const [key, file] of Object.entries(objects)) {
      if (!(await store.has(key, "sha:0", signal))) await store.put(key, file, "sha:0", signal);
    }
    await store.close();
    return running;
  });
}
