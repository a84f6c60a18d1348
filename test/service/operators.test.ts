import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { FastifyInstance } from "fastify";
import { expect, test } from "vitest";
import type { HttpError } from "../../service/http/http-error.ts";
import { addBackPressure } from "../../service/http/pressure.ts";
import { reservedPath } from "../../service/settings/reserved-paths.ts";
import { freePort } from "../support/ports.ts";
import { bearer, startFileApi, until } from "./file-api.ts";

test("/openapi.json describes the file API: its parameters, bodies, tokens and answers", async () => {
  const { app } = await startFileApi();
  const { paths, components } = (await app.inject("/openapi.json")).json();
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(["/list_files", "/upload", "/download/{name}", "/files/{name}"]),
  );
  expect(components.securitySchemes.adminToken).toMatchObject({ type: "http", scheme: "bearer" });
  const { put, delete: remove } = paths["/files/{name}"];
  for (const operation of [put, remove, paths["/upload"].post]) {
    expect(operation.security).toEqual([{ adminToken: [] }]);
    expect(Object.keys(operation.responses)).toEqual(
      expect.arrayContaining(["200", "400", "401", "403", "429"]),
    );
  }
  expect(put.parameters).toEqual([expect.objectContaining({ name: "name", in: "path", required: true })]);
  expect(put.requestBody.content["application/octet-stream"].schema.format).toBe("binary");
  expect(paths["/upload"].post.requestBody.content["multipart/form-data"]).toBeDefined();
  const names = paths["/list_files"].get.parameters.map(({ name }: { name: string }) => name);
  expect(names).toEqual(["limit", "after", "prefix"]);
});

test("/docs is a page that loads nothing from elsewhere, and runs nothing that stands in it", async () => {
  const { app } = await startFileApi();
  const { headers, payload } = await app.inject("/docs");
  expect(headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(headers["content-security-policy"]).toContain(
    "default-src 'none'; script-src 'self'; style-src 'self';",
  );
  expect(payload).not.toMatch(/<style|<script>|style=|https?:/);
  const files = [...payload.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = ""]) => file);
  expect(files.length).toBeGreaterThan(5);
  for (const url of files) {
    const file = await app.inject(url);
    expect([url, file.statusCode]).toEqual([url, 200]);
    expect(file.headers["x-content-type-options"]).toBe("nosniff");
  }
});

test("the description is the same for every cluster, names each operation once, and has one shape of error", async () => {
  const describe = async (variables: Record<string, string>) =>
    (await (await startFileApi(variables)).app.inject("/openapi.json")).json();
  const document = await describe({});
  expect(await describe({ CLUSTER: "cluster2", CLUSTER_PATH: "/cluster2" })).toEqual(document);
  expect(document.servers).toEqual([expect.objectContaining({ url: "/" })]);
  interface Operation {
    readonly operationId: string;
    readonly responses: Readonly<Record<string, { readonly content: object }>>;
  }
  const operations = Object.values<Record<string, Operation>>(document.paths).flatMap((path) =>
    Object.values(path),
  );
  const ids = operations.map(({ operationId }) => operationId);
  expect(ids.toSorted()).toEqual([
    "createDownloadUrl",
    "deleteFile",
    "getDescription",
    "getHealth",
    "greet",
    "listFiles",
    "storeFile",
    "uploadForm",
  ]);
  const error = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };
  for (const { operationId, responses } of operations) {
    const failures = Object.entries(responses).filter(
      ([status]) => status !== "200" && operationId !== "getHealth",
    );
    for (const [, { content }] of failures) expect(content).toEqual(error);
  }
});

test.each([
  ["/list_files?limit=0", "limit is 0; it must be a whole number from 1 to 1000"],
  ["/list_files?limit=x", 'limit is "x"; it must be a whole number from 1 to 1000'],
  ["/list_files?page=2", "There is no query key 'page' here; it may be: limit, after, prefix"],
  ["/download/a?version=1", "There is no query key 'version' here; leave it out"],
])("%s is refused in words: %s", async (url, message) => {
  const { app } = await startFileApi();
  expect((await app.inject(url)).json()).toEqual({ status: 400, message });
});

test("no cluster can have a path that a route of the app's own begins with", async () => {
  const urls: string[] = [];
  const watch = (message: unknown) => {
    (message as { fastify: FastifyInstance }).fastify.addHook("onRoute", ({ url }) => void urls.push(url));
  };
  subscribe("fastify.initialization", watch);
  await startFileApi({ CLUSTER_PATH: "" });
  unsubscribe("fastify.initialization", watch);
  expect(urls).toContain("/list_files");
  expect(urls.filter((url) => url !== "/" && !reservedPath(url.replace("/*", "")))).toEqual([]);
});

async function scrape(port: number): Promise<Map<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const lines = (await response.text()).split("\n").filter((line) => /^\w/.test(line));
  return new Map(
    lines.map((line) => {
      const [series = "", value] = line.split(/ (?=\S+$)/);
      return [series.replaceAll(/(instance_id|cluster|release)="[^"]*",?/g, ""), Number(value)];
    }),
  );
}

test("metrics have a port of their own: requests by route, event loop, memory, uploads", async () => {
  const port = await freePort();
  const { app, listen } = await startFileApi({ METRICS_PORT: String(port) });
  const appPort = await listen();
  for (const path of ["/list_files", "/list_files?limit=0", "/files/a", "/nope/1", "/nope/2"]) {
    await fetch(`http://127.0.0.1:${appPort}${path}`);
  }
  const count = (labels: string) => `http_request_duration_seconds_count{${labels}}`;
  await until(() => app.server.listening);
  const series = await scrape(port);
  expect(series.get(count('method="GET",route="/list_files",status="200"'))).toBe(1);
  expect(series.get(count('method="GET",route="/list_files",status="400"'))).toBe(1);
  expect(series.get(count('method="GET",route="/files/*",status="405"'))).toBe(1);
  expect(series.get(count('method="GET",route="none",status="404"'))).toBe(2);
  expect(series.get("uploads_in_flight{}")).toBe(0);
  for (const name of ["nodejs_eventloop_lag_p99_seconds", "process_resident_memory_bytes"]) {
    expect(series.get(`${name}{}`)).toBeGreaterThan(0);
  }
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${appPort}/metrics`)).status).toBe(404);
});

test("a client's requests to the file API are limited by its address, as the load balancer reports it", async () => {
  const { app } = await startFileApi({ RATE_LIMIT: "2" });
  const from = (client: string, url = "/list_files") =>
    app.inject({ url, remoteAddress: "100.64.1.9", headers: { "x-forwarded-for": `1.2.3.4, ${client}` } });
  const codes = [];
  for (let request = 0; request < 3; request += 1) codes.push((await from("198.51.100.7")).statusCode);
  expect(codes).toEqual([200, 200, 429]);
  const { headers, ...limited } = await from("198.51.100.7", "/download/a");
  expect(limited.json()).toEqual({
    status: 429,
    message: expect.stringMatching(/^Too many requests from 198\.51\.100\.7; try again in /),
  });
  expect(Number(headers["retry-after"])).toBeGreaterThan(0);
  expect((await from("198.51.100.8")).statusCode).toBe(200);
  expect((await from("198.51.100.7", "/")).statusCode).toBe(200);
  expect((await from("198.51.100.7", "/healthz")).statusCode).toBe(200);
});

test("wrong tokens are limited as all else, whatever a client says its address is", async () => {
  const { app } = await startFileApi({ RATE_LIMIT: "3" });
  const guess = async (token: string) => {
    const headers = {
      authorization: `Bearer ${token}`,
      "x-forwarded-for": `1.2.3.${token}, 198.51.100.7`,
      "x-forwarded-proto": "https",
    };
    const call = { method: "PUT", url: "/files/a", remoteAddress: "100.64.1.9", headers } as const;
    return (await app.inject(call)).statusCode;
  };
  const codes = [];
  for (const token of ["1", "2", "3", "4", "5"]) codes.push(await guess(token));
  expect(codes).toEqual([401, 401, 401, 429, 429]);
});

test("under pressure everything but health is answered with 503 and Retry-After", async () => {
  const { default: fastify } = await import("fastify");
  const app = fastify();
  let pressure: string | undefined = "short of memory";
  addBackPressure(app, () => pressure);
  app.get("/", () => "served");
  app.get("/healthz", { config: { quiet: true } }, () => "Healthy!");
  app.setErrorHandler((error: HttpError, _request, reply) =>
    reply.code(error.statusCode).headers(error.headers).send(error.message),
  );
  const refused = await app.inject("/");
  expect(refused.statusCode).toBe(503);
  expect(refused.headers["retry-after"]).toBe("5");
  expect(refused.payload).toBe("This machine is short of memory; try again later");
  expect((await app.inject("/healthz")).payload).toBe("Healthy!");
  pressure = undefined;
  expect((await app.inject("/")).payload).toBe("served");
});

test("an event loop that stands still is pressure, until it runs again", async () => {
  const { app } = await startFileApi();
  const status = async () => (await app.inject({ url: "/list_files", headers: bearer })).statusCode;
  expect(await status()).toBe(200);
  let refused = false;
  for (let attempt = 0; attempt < 5 && !refused; attempt += 1) {
    const end = performance.now() + 1500;
    while (performance.now() < end);
    for (let turn = 0; turn < 20 && !refused; turn += 1) {
      refused = (await status()) === 503;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  expect(refused).toBe(true);
  while ((await status()) !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
});
