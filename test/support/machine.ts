import { createServer } from "node:http";

// What a machine of a test runs: node machine.ts PORT VERSION, on the address that its cloud gives it.
const [port, version] = process.argv.slice(2);
const server = createServer((request, response) => {
  if (request.url === "/healthz") response.end();
  else if (request.method === "POST") request.resume().once("end", () => response.end("received"));
  else
    response.end(
      JSON.stringify({ pid: process.pid, version, identity: process.env.SWITCHYARD_IDENTITY_URL }),
    );
});
server.listen(Number(port), process.env.HOST);
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
});
