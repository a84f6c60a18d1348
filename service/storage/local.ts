import { faultOfError, faultOfStatus, guarded, guardedUpload, storeError } from "./faults.ts";
import { createHttpClient, type HttpAnswer, type HttpCall } from "./http.ts";
import type { LocalSettings, StoreOptions } from "./settings.ts";
import type { BucketStore, Page, StoredFile } from "./store.ts";

/** How long the local cloud may say nothing, in milliseconds. */
const limitMs = 10_000;

/** Opens the machine's own bucket in the local cloud, through the endpoint that gave the machine its identity. */
export function openLocal(settings: LocalSettings, { idleMs = limitMs }: StoreOptions = {}): BucketStore {
  const { BUCKET: bucket, IDENTITY_URL } = settings;
  const client = createHttpClient(idleMs);
  const files = `${IDENTITY_URL}/files`;
  const documentOf = (name: string) => `${IDENTITY_URL}/documents/${encodeURIComponent(name)}`;
  const urlOf = (name: string) => `${files}/${encodeURIComponent(name)}`;
  const ask = async (operation: string, call: HttpCall, ...expected: number[]): Promise<HttpAnswer> => {
    const answer = await client.call(call);
    if (expected.includes(answer.status)) return answer;
    throw storeError(faultOfStatus(answer.status), operation, new Error(refusal(answer)));
  };
  const request = (operation: string, call: HttpCall, ...expected: number[]) =>
    guarded(operation, call.signal, faultOfError, () => ask(operation, call, ...expected));
  return {
    bucket,
    list: async ({ prefix, after, limit, signal }) => {
      const query = new URLSearchParams({
        limit: String(limit),
        ...(prefix !== undefined && { prefix }),
        ...(after !== undefined && { after }),
      });
      const { body } = await request(
        "listing files",
        { method: "GET", url: `${files}?${query}`, signal },
        200,
      );
      const page = JSON.parse(body.toString()) as Page;
      return { ...page, files: page.files.map((file) => ({ ...file, modified: new Date(file.modified) })) };
    },
    put: (name, content, { contentType, size, signal }) =>
      guardedUpload(content, signal, faultOfError, async ({ chunks }) => {
        const headers = {
          "content-type": contentType,
          ...(size !== undefined && { "content-length": size }),
        };
        const call = { method: "PUT", url: urlOf(name), headers, body: chunks, signal };
        const { body } = await ask("storing a file", call, 200);
        const stored = JSON.parse(body.toString()) as StoredFile;
        return { ...stored, modified: new Date(stored.modified), contentType };
      }),
    presign: async (name, { expiresSeconds, contentDisposition, signal }) => {
      const body = JSON.stringify({ name, expiresSeconds, contentDisposition });
      const headers = { "content-type": "application/json" };
      const call = { method: "POST", url: `${IDENTITY_URL}/presigned`, headers, body, signal };
      const answer = await request("signing a URL", call, 200);
      return (JSON.parse(answer.body.toString()) as { url: string }).url;
    },
    stat: async (name, signal) => {
      const call = { method: "HEAD", url: urlOf(name), signal };
      const { status, headers } = await request("looking at a file", call, 200, 404);
      if (status === 404) return undefined;
      return {
        name,
        size: Number(headers["content-length"]),
        modified: new Date(headers["last-modified"] ?? 0),
        contentType: headers["content-type"] ?? "application/octet-stream",
      };
    },
    delete: async (name, signal) => {
      const call = { method: "DELETE", url: urlOf(name), signal };
      return (await request("deleting a file", call, 204, 404)).status === 204;
    },
    read: async (name, signal) => {
      const call = { method: "GET", url: documentOf(name), signal };
      const { status, headers, body } = await request("reading a document", call, 200, 404);
      return status === 404 ? undefined : { content: body, version: headers.etag ?? "" };
    },
    replace: async (name, content, { before, signal }) => {
      const condition = before === undefined ? { "if-none-match": "*" } : { "if-match": before };
      const headers = { "content-type": "application/json", ...condition };
      const call = { method: "PUT", url: documentOf(name), headers, body: content, signal };
      const answer = await request("changing a document", call, 204, 412);
      return answer.status === 412 ? undefined : answer.headers.etag;
    },
    close: async () => client.close(),
  };
}

function refusal({ status, body }: HttpAnswer): string {
  return `the local cloud answered ${status}: ${body.toString().slice(0, 300)}`;
}
