import type { AddressInfo } from "node:net";
import fastify from "fastify";

// A Fastify app with one route and nothing else, to measure beside: node bare-route.ts true|false (whether it logs).

const app = fastify({ logger: process.argv[2] === "true" });
const answer = { status: 200, message: "Successfully connected to bench upload/download API" };
const properties = { status: { type: "integer" }, message: { type: "string" } };
app.get("/", { schema: { response: { 200: { type: "object", properties } } } }, (_request, reply) => {
  reply.send(answer);
});
await app.listen({ host: "127.0.0.1", port: 0 });
process.send?.((app.server.address() as AddressInfo).port);
