import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { Buckets } from "./buckets.ts";
import { temporaryName } from "./files.ts";

/** Where a bucket has its documents. */
const prefix = "controller/";

/** The largest document, in bytes. */
const maxBytes = 16 * 1024 * 1024;

type Params = Readonly<Record<string, string | undefined>>;

/**
 * Adds small objects that several change: `GET` and `PUT` of `<path>/documents/<name>`, where a change names the version
 * that it is one of (`If-Match`), or that there is none yet (`If-None-Match: *`), and is 412 for another.
 *
 * @param bucketOf the bucket whose documents a caller may change, by the parameters in the path; undefined for a stranger
 */
export function addDocuments(
  parent: FastifyInstance,
  path: string,
  buckets: Buckets,
  bucketOf: (params: Params) => string | undefined,
): void {
  const fileOf = (params: unknown) => {
    const bucket = bucketOf(params as Params);
    return bucket === undefined ? undefined : buckets.pathOf(bucket, prefix + (params as Params).name);
  };
  let last: Promise<unknown> = Promise.resolve();
  parent.register(
    async (app) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
      app.get("/documents/:name", async ({ params }, reply) => {
        const file = fileOf(params);
        if (file === undefined)
          return reply.code(403).send("there is no such identity, or it has no documents\n");
        const content = await contentOf(file);
        if (!content) return reply.code(404).send("there is no such document\n");
        return reply.header("etag", etagOf(content)).type("application/json").send(content);
      });
      app.put<{ Body: Buffer }>(
        "/documents/:name",
        { bodyLimit: maxBytes },
        async ({ params, headers, body }, reply) => {
          const file = fileOf(params);
          if (file === undefined)
            return reply.code(403).send("there is no such identity, or it has no documents\n");
          const match = headers["if-match"];
          if (match === undefined && headers["if-none-match"] !== "*")
            return reply.code(428).send("a change needs If-Match, or If-None-Match: *\n");
          // One after the other: what is compared is what is replaced.
          const change = last.then(() => replace(file, match, body));
          last = change.catch(() => {});
          if (!(await change)) return reply.code(412).send("it is another version\n");
          return reply.code(204).header("etag", etagOf(body)).send();
        },
      );
    },
    { prefix: path },
  );
}

const etagOf = (content: Buffer): string => `"${createHash("sha256").update(content).digest("hex")}"`;

async function contentOf(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether it was the version that it must be (undefined: none), and is now this. */
async function replace(file: string, match: string | undefined, content: Buffer): Promise<boolean> {
  const before = await contentOf(file);
  if ((before && etagOf(before)) !== match) return false;
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(dirname(folder), temporaryName());
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, file);
  return true;
}
