import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import Fastify, { type FastifyInstance } from "fastify";
import { type Buckets, KeyError } from "./buckets.ts";
import { addDocuments } from "./endpoint-documents.ts";
import { addDownloads, addFiles, operatorToken, sameText } from "./endpoint-files.ts";
import { addGroups, type GroupControl } from "./endpoint-groups.ts";
import type { MachineRecord, State } from "./store.ts";

/** What machines may read in their bucket; the deployment writes it. */
const readablePrefixes = ["releases/", "runtimes/"];

export interface EndpointOptions {
  /** How long a client may neither send nor read anything before it is given up, in milliseconds. Default: a minute. */
  readonly silenceMs?: number;
  /** Told of what failed, for a log. Default: printed. */
  readonly onError?: (error: Error) => void;
  /** What a controller may change. Default: nothing. */
  readonly groups?: GroupControl;
}

type Params = Readonly<Record<string, string | undefined>>;

/** How long a client may neither send nor read anything before it is given up, in milliseconds. */
const longestSilenceMs = 60_000;

/**
 * What machines ask about themselves, and where they fetch what they run. Each has a URL of its own, whose secret part
 * is its identity: `/machines/<token>/instance-id` and `/machines/<token>/objects/<key>`. Below it, as below
 * `operatorUrl`, are the files of their bucket; `/buckets/…` is for whoever has a signed URL.
 */
export function createEndpoint(
  state: State,
  buckets: Buckets,
  { silenceMs = longestSilenceMs, onError = console.error, groups }: EndpointOptions = {},
): FastifyInstance {
  const app = Fastify({ logger: false, forceCloseConnections: true, connectionTimeout: silenceMs });
  state.signingKey ??= randomBytes(32).toString("hex");
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof KeyError) return reply.code(400).send("no object key\n");
    throw error;
  });
  const machineOf = (token: string): MachineRecord | undefined =>
    Object.values(state.machines).find((machine) => machine.token === token);

  app.get<{ Params: { token: string } }>("/machines/:token/instance-id", (request, reply) => {
    const machine = machineOf(request.params.token);
    if (!machine) return reply.code(404).send("no such machine\n");
    return reply.type("text/plain").send(machine.id);
  });

  app.get<{ Params: { token: string; "*": string } }>(
    "/machines/:token/objects/*",
    async (request, reply) => {
      const machine = machineOf(request.params.token);
      const bucket = machine && state.groups[machine.group]?.spec.bucket;
      const key = request.params["*"];
      if (!bucket) return reply.code(404).send("no such machine\n");
      if (!readablePrefixes.some((prefix) => key.startsWith(prefix)))
        return reply.code(403).send("not for machines\n");
      const size = await buckets.size(bucket, key);
      if (size === undefined) return reply.code(404).send("no such object\n");
      const content = createReadStream(buckets.pathOf(bucket, key));
      return reply.header("content-length", size).type("application/octet-stream").send(content);
    },
  );

  const files = { buckets, signingKey: state.signingKey, onError };
  const groupOf = (token = "") => {
    const machine = machineOf(token);
    return machine && state.groups[machine.group]?.spec;
  };
  if (groups) addGroups(app, "/machines/:token", state, groups, groupOf);
  const bucketOfMachine = ({ token }: Params) => groupOf(token)?.bucket;
  const bucketOfController = ({ token }: Params) => {
    const group = groupOf(token);
    return group?.controls && group.bucket;
  };
  const bucketOfOperator = ({ bucket = "", token = "" }: Params) => {
    const allowed = state.buckets[bucket] && sameText(token, operatorToken(files.signingKey, bucket));
    return allowed ? bucket : undefined;
  };
  addFiles(app, "/machines/:token", files, bucketOfMachine);
  addFiles(app, "/operators/:bucket/:token", files, bucketOfOperator);
  addDocuments(app, "/machines/:token", buckets, bucketOfController);
  addDocuments(app, "/operators/:bucket/:token", buckets, bucketOfOperator);
  addDownloads(app, files);
  return app;
}

/**
 * Where whoever may read the control plane's state reaches a bucket's files, as a machine does by its identity.
 *
 * @throws when no control plane that has files has run yet
 */
export function operatorUrl({ endpointPort, signingKey }: State, bucket: string): string {
  if (!signingKey)
    throw new Error(
      `bucket ${bucket} cannot be reached: no local cloud of this version has run yet; deploy first`,
    );
  return `http://127.0.0.1:${endpointPort}/operators/${bucket}/${operatorToken(signingKey, bucket)}`;
}
