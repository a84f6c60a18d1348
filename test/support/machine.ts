import { createServer } from "node:http";

// What a machine of a test runs: node machine.ts PORT VERSION, on the address that its cloud gives it.
const [port, version] = process.argv.slice(2);
/** For how many of each 100 ms it keeps a processor busy. */
let busy = 0;
const server = createServer((request, response) => {
  const [, busyMs] = /^\/busy\/(\d+)$/.exec(request.url ?? "") ?? [];
  if (busyMs !== undefined) {
    busy = Number(busyMs);
    response.end();
  } else if (request.url === "/healthz") response.end();
  else if (request.method === "POST") request.resume().once("end", () => response.end("received"));
  else
    response.end(
      JSON.stringify({ pid: process.pid, version, identity: process.env.SWITCHYARD_IDENTITY_URL }),
    );
});
setInterval(() => {
  const end = performance.now() + busy;
  while (performance.now() < end);
}, 100);
server.listen(Number(port), process.env.HOST);
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
  process.exit();
});
