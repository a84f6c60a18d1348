import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/ports.ts";
import { Deployment } from "./deployment.ts";

let deployment: Deployment;
let url: string;
let token: string;
let bucket: string;

interface Answer {
  readonly status: number;
  readonly message: string;
  readonly content?: unknown;
  readonly next?: string;
}

async function call(
  method: string,
  path: string,
  body?: string | Blob | FormData,
  authorized = true,
): Promise<Answer> {
  const headers = authorized ? { authorization: `Bearer ${token}` } : {};
  const response = await fetch(`${url}${path}`, { method, headers, ...(body && { body }) });
  const answer = (await response.json()) as Answer;
  expect(answer.status).toBe(response.status);
  return answer;
}

function form(...names: string[]): FormData {
  const data = new FormData();
  for (const name of names) data.append("file", new Blob([`content of ${name}`]), name);
  return data;
}

beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  deployment = await Deployment.up({
    cloud: "local",
    project: "day02",
    network: { cidr: "10.99.0.0/16", subnets: [{ cidr: "10.99.1.0/24" }] },
    machines: 2,
    loadBalancer: { port },
    bucket: { protect: false, empty: true },
  });
  token = await deployment.adminToken();
  bucket = `${(await deployment.outputs()).bucketName}`;
}, 60_000);

afterAll(() => deployment?.remove(), 30_000);

describe("the file API of a deployed stack, through its load balancer", { timeout: 60_000 }, () => {
  it("greets (R2.2) and takes files from whoever has the token (R2.4)", async () => {
    expect((await call("GET", "/")).message).toBe("Successfully connected to day02 upload/download API");
    expect((await call("POST", "/upload", form("a.csv"), false)).status).toBe(401);
    expect(await call("POST", "/upload", form("appstore_games.csv"))).toMatchObject({
      status: 200,
      message: `Successfully uploaded 'appstore_games.csv' to the bucket '${bucket}'`,
    });
    expect((await call("POST", "/upload", form())).status).toBe(404);
    expect((await call("POST", "/upload", form("b.csv", "c.csv"))).status).toBe(200);
  });

  it("lists them (R2.3), page by page", async () => {
    expect(await call("GET", "/list_files")).toEqual({
      status: 200,
      message: `Successfully listed files on s3 bucket '${bucket}'`,
      content: ["appstore_games.csv", "b.csv", "c.csv"],
    });
    const page = await call("GET", "/list_files?limit=2");
    expect(page.content).toEqual(["appstore_games.csv", "b.csv"]);
    expect(page.next).toBeDefined();
  });

  it("gives a URL from which anybody downloads (R2.5)", async () => {
    const answer = await call("GET", "/download/appstore_games.csv", undefined, false);
    expect(answer.message).toBe("Successfully generated presigned url for 'appstore_games.csv'");
    const file = await fetch(`${answer.content}`);
    expect(await file.text()).toBe("content of appstore_games.csv");
    expect(await call("GET", "/download/nope")).toEqual({
      status: 404,
      message: `The file 'nope' was not found on the bucket '${bucket}'`,
    });
  });

  it("takes raw bodies of any size and odd names, and deletes them", async () => {
    const name = "dir/ä b+c%.bin";
    const path = `/files/${encodeURIComponent(name)}`;
    expect((await call("PUT", path, new Blob([Buffer.alloc(20 * 1024 * 1024, "x")]))).status).toBe(200);
    const { content } = await call("GET", `/download/${encodeURIComponent(name)}`);
    expect((await (await fetch(`${content}`)).arrayBuffer()).byteLength).toBe(20 * 1024 * 1024);
    expect((await call("PUT", "/files/..%2Fescape", "x")).status).toBe(400);
    expect((await call("DELETE", path, undefined, false)).status).toBe(401);
    expect((await call("DELETE", path)).status).toBe(200);
    expect((await call("DELETE", path)).status).toBe(404);
  });

  it("keeps files when its machines are replaced", async () => {
    deployment.config.rollout = { drainSeconds: 3 };
    const changed = await deployment.up();
    expect(changed.code, changed.stdout + changed.stderr).toBe(0);
    expect((await call("GET", "/list_files")).content).toEqual(["appstore_games.csv", "b.csv", "c.csv"]);
  });
});
