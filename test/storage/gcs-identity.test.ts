import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { isInstalled, serverPackages } from "../servers/cache.ts";
import { bearer, token } from "../service/file-api.ts";
import { type Running, startApp } from "../service/process.ts";
import { type Google, type GoogleHost, startGoogle } from "./google.ts";
import { isSignedV4 } from "./signed-v4.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const iam = "iamcredentials.googleapis.com";
const storage = "storage.googleapis.com";
const MiB = 1024 * 1024;

describe.skipIf(!isInstalled(serverPackages.gcs))("Google Cloud Storage by a machine's identity", () => {
  let google: Google;
  let app: Running;

  beforeAll(async () => {
    google = await startGoogle();
  });

  afterAll(() => google?.stop());

  beforeEach(async () => {
    google.fate = () => "pass";
    google.tokenSeconds = 3600;
    google.requests.length = 0;
    google.tokens.length = 0;
    app = await startApp(join(import.meta.dirname, "idle-server.ts"), {
      ...google.environment,
      STORE: "gcs",
      BUCKET: google.bucket,
      IDLE_MS: "2000",
      ADMIN_TOKEN_SHA256: createHash("sha256").update(token).digest("hex"),
    });
  });

  afterEach(async () => {
    app.child.kill("SIGKILL");
    await app.exited;
  });

  async function ask(method: string, path: string, body?: string | Buffer) {
    const answer = await fetch(`http://127.0.0.1:${app.port}${path}`, {
      method,
      headers: bearer,
      ...(body !== undefined && { body }),
    });
    const text = await answer.text();
    return { status: answer.status, text, ...JSON.parse(text) };
  }

  /** The requests to one host, or with one path, so far. */
  const requestsTo = (part: string) => google.requests.filter((request) => request.includes(part));

  /** Makes one host do something to all requests. */
  function only(host: GoogleHost, fate: "hang" | number) {
    google.fate = (asked) => (asked === host ? fate : "pass");
  }

  /** How the app answers a failure, and the fault that it logs; neither has what only the machine may know. */
  async function failure(method: string, path: string) {
    const { status, text, message } = await ask(method, path, method === "PUT" ? "a,b\n" : undefined);
    expect(status).toBeGreaterThanOrEqual(500);
    expect(text).not.toMatch(/iam|account|denied|ya29|127\.0\.0\.1/i);
    const line = await app.logged(/"the store failed"/);
    for (const given of google.tokens) expect(line).not.toContain(given);
    return [JSON.parse(line).fault, status, message];
  }

  test("stores, lists and finds files with tokens of the metadata server", async () => {
    expect(await ask("PUT", "/files/small", "a,b\n")).toMatchObject({ status: 200 });
    expect(await ask("PUT", "/files/large", Buffer.alloc(9 * MiB))).toMatchObject({ status: 200 });
    expect(await ask("GET", "/list_files")).toMatchObject({ content: ["large", "small"] });
    expect(await ask("DELETE", "/files/large")).toMatchObject({ status: 200 });
    expect(await ask("GET", "/download/large")).toMatchObject({ status: 404 });
    expect(requestsTo(storage).length).toBeGreaterThan(5);
    expect(requestsTo("/service-accounts/default/token").length).toBe(google.tokens.length);
    // Small and large files have a client each.
    expect(google.tokens.length).toBe(2);
  });

  test("signs URLs by IAM's signBlob", async () => {
    await ask("PUT", "/files/data.csv", "a,b\n");
    const { content } = await ask("GET", "/download/data.csv");
    const url = new URL(content);
    expect(url.origin).toBe(`https://${storage}`);
    expect(url.searchParams.get("X-Goog-Credential")).toMatch(new RegExp(`^${google.email}/`));
    expect(isSignedV4(content, google.publicKey)).toBe(true);
    url.searchParams.set("X-Goog-Expires", "604800");
    expect(isSignedV4(`${url}`, google.publicKey)).toBe(false);
    expect(requestsTo(iam)).toEqual([`POST ${iam}/v1/projects/-/serviceAccounts/${google.email}:signBlob`]);
    expect(await (await fetch(content.replace(url.origin, google.endpoint))).text()).toBe("a,b\n");
  });

  test("renews a token before it ends", async () => {
    // The SDK gives up a token 5 minutes before its end (`eagerRefreshThresholdMillis`).
    google.tokenSeconds = 299;
    await ask("GET", "/list_files");
    google.tokenSeconds = 3600;
    await ask("GET", "/list_files");
    await ask("GET", "/list_files");
    expect(google.tokens.length).toBe(2);
  });

  test("an identity that may not sign is refused", async () => {
    await ask("PUT", "/files/data.csv", "a,b\n");
    only(iam, 403);
    const refused = ["denied", 502, `The bucket '${google.bucket}' refuses this machine`];
    expect(await failure("GET", "/download/data.csv")).toEqual(refused);
    expect(requestsTo(iam).length).toBe(1);
  });

  test("IAM that has too many requests is asked again, and then busy", async () => {
    await ask("PUT", "/files/data.csv", "a,b\n");
    only(iam, 503);
    const busy = ["busy", 503, `The bucket '${google.bucket}' is busy; try again later`];
    expect(await failure("GET", "/download/data.csv")).toEqual(busy);
    expect(requestsTo(iam).length).toBe(3);
  });

  test("IAM that hangs is a timeout, and no request to it is left behind", async () => {
    await ask("PUT", "/files/data.csv", "a,b\n");
    only(iam, "hang");
    const late = ["timeout", 504, `The bucket '${google.bucket}' did not answer in time`];
    expect(await failure("GET", "/download/data.csv")).toEqual(late);
    expect(requestsTo(iam).length).toBe(3);
    await vi.waitFor(() => expect(google.hanging).toBe(0), { timeout: 10_000 });
  });

  test.each([
    ["PUT", "/files/data.csv"],
    ["GET", "/download/data.csv"],
    ["GET", "/list_files"],
    ["DELETE", "/files/data.csv"],
  ])(
    "a machine without a service account is refused, and finds no file missing: %s %s",
    async (...request) => {
      only("metadata", 404);
      const refused = ["denied", 502, `The bucket '${google.bucket}' refuses this machine`];
      expect(await failure(...request)).toEqual(refused);
    },
  );
});
