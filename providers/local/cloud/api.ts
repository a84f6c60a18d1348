import { createReadStream } from "node:fs";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { hashOfFile } from "../../../release/hashes.ts";
import { KeyError } from "./buckets.ts";
import type { ControlPlane } from "./control-plane.ts";
import { explained } from "./disk.ts";
import { NotFoundError } from "./groups.ts";
import type { Successor } from "./hand-over.ts";
import { type Collection, collections, type Specs } from "./specs.ts";

/** The largest specification that is taken, in bytes: a startup script has at most 16 KiB. */
const bodyLimit = 1024 * 1024;

type Item = { Params: { id: string } };
type ObjectItem = { Params: { id: string; "*": string } };

/** Aborted when the client hangs up before it is answered. */
function hangUp(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  request.raw.socket.once("close", () => {
    if (!reply.sent) controller.abort();
  });
  return controller.signal;
}

function addCollection<C extends Collection>(app: FastifyInstance, plane: ControlPlane, collection: C): void {
  app.put<Item>(`/${collection}/:id`, async (request) => {
    const spec = request.body as Specs[C];
    await plane.put(collection, request.params.id, spec);
    return { spec };
  });
  app.get<Item>(`/${collection}/:id`, async (request) => {
    const spec = plane.get(collection, request.params.id);
    if (!spec) throw new NotFoundError(`there is no ${request.params.id} in ${collection}`);
    return { spec };
  });
  app.get(`/${collection}`, async () => plane.list(collection));
  app.delete<Item>(`/${collection}/:id`, async (request, reply) => {
    await plane.delete(collection, request.params.id);
    return reply.code(204).send();
  });
}

function addObjects(app: FastifyInstance, plane: ControlPlane): void {
  const path = "/buckets/:id/objects/*";
  app.put<ObjectItem & { Body: { file: string } }>(path, async (request, reply) => {
    const { id, "*": key } = request.params;
    if (!plane.get("buckets", id)) {
      throw new NotFoundError(
        `there is no bucket ${id} (any more): \`npm run refresh\` records what is gone, \`npm run up\` makes it again`,
      );
    }
    await plane.buckets.copyIn(id, key, request.body.file);
    return reply.code(204).send();
  });
  app.get<ObjectItem>(path, async (request, reply) => {
    const { id, "*": key } = request.params;
    const size = await plane.buckets.size(id, key);
    if (size === undefined) throw new NotFoundError(`there is no object ${key} in bucket ${id}`);
    reply.header("content-length", size).type("application/octet-stream");
    return reply.send(createReadStream(plane.buckets.pathOf(id, key)));
  });
  app.get<Item & { Querystring: { prefix: string } }>("/buckets/:id/objects", ({ params, query }) =>
    plane.buckets.list(params.id, query.prefix),
  );
  // By Node.js's name of the algorithm, in hex.
  app.get<ObjectItem & { Params: { algorithm: string } }>(
    "/buckets/:id/hashes/:algorithm/*",
    async ({ params: { id, algorithm, "*": key } }) => {
      const size = await plane.buckets.size(id, key);
      if (size === undefined) throw new NotFoundError(`there is no object ${key} in bucket ${id}`);
      return { hash: await hashOfFile(plane.buckets.pathOf(id, key), algorithm) };
    },
  );
  app.delete<ObjectItem>(path, async (request, reply) => {
    await plane.buckets.remove(request.params.id, request.params["*"]);
    return reply.code(204).send();
  });
}

/**
 * The control plane's own interface, for whoever may open its socket: `PUT`, `GET` and `DELETE` of
 * `/<collection>/<id>`, each of which may be repeated, and what can be asked of machines.
 */
export function createApi(plane: ControlPlane): FastifyInstance {
  const app = Fastify({ logger: false, bodyLimit, forceCloseConnections: true });
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const known =
      error instanceof NotFoundError ? 404 : error instanceof KeyError ? 400 : (error.statusCode ?? 500);
    if (known >= 500) plane.log.error({ err: error }, "request failed");
    return reply.code(known).send({ message: explained(error, plane.home) });
  });
  for (const collection of collections) addCollection(app, plane, collection);
  addObjects(app, plane);
  app.get("/", async () => ({ pid: process.pid, version: plane.version }));
  app.get<Item>("/groups/:id/settled", (request, reply) =>
    plane.groups.settled(request.params.id, hangUp(request, reply)),
  );
  app.get("/machines", async () => plane.machines());
  app.post<{ Body: { known: string[] } }>("/reap", async (request) => ({
    removed: await plane.reap(request.body.known),
  }));
  app.post<{ Body: Successor }>("/hand-over", async ({ body }, reply) => {
    reply.raw.once("close", () => void plane.handOver(body));
    return reply.code(204).send();
  });
  app.post("/stop-if-idle", async (_request, reply) => {
    reply.raw.once("close", () => plane.stopIfIdle());
    return { stops: plane.isIdle };
  });
  return app;
}
