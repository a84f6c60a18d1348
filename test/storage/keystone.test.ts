import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHttpClient } from "../../service/storage/http.ts";
import { createKeystone } from "../../service/storage/keystone.ts";
import type { SwiftSettings } from "../../service/storage/settings.ts";
import { openSwift } from "../../service/storage/swift.ts";

const signal = new AbortController().signal;
const client = createHttpClient(1_000);
let lifeMs: number;
let logins: unknown[];
let settings: SwiftSettings;
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    logins.push(JSON.parse(body).auth);
    // An hour off: what counts is how long a token lives, not this server's clock.
    const now = Date.now() + 3_600_000;
    const endpoint = (face: string, region: string) => ({
      interface: face,
      region_id: region,
      url: `http://${region}.${face}.example/v1/AUTH_1/`,
    });
    const endpoints = ["one", "two"].flatMap((region) =>
      ["admin", "internal", "public"].map((face) => endpoint(face, region)),
    );
    response.writeHead(201, { "x-subject-token": `token ${logins.length}` }).end(
      JSON.stringify({
        token: {
          issued_at: new Date(now).toISOString(),
          expires_at: new Date(now + lifeMs).toISOString(),
          catalog: [{ type: "object-store", endpoints }],
        },
      }),
    );
  });
});

beforeEach(async () => {
  lifeMs = 3_600_000;
  logins = [];
  await once(server.listen(0, "127.0.0.1"), "listening");
  settings = {
    STORE: "swift",
    BUCKET: "files",
    OS_AUTH_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    OS_USERNAME: "user",
    OS_PASSWORD: "password",
    OS_PROJECT_NAME: "project",
    OS_PROJECT_DOMAIN_NAME: "Domain",
    OS_INTERFACE: "public",
    SWIFT_TEMP_URL_KEY: "key",
  };
});

afterEach(async () => {
  server.closeAllConnections();
  await once(server.close(), "close");
});

test("takes the endpoint of its region and interface, and the public one for downloads", async () => {
  const choice = { ...settings, OS_REGION_NAME: "two", OS_INTERFACE: "internal" } as const;
  const second = await createKeystone(choice, client).session(signal);
  expect(second.urlOf("object-store")).toBe("http://two.internal.example/v1/AUTH_1");
  expect(second.urlOf("object-store", "public")).toBe("http://two.public.example/v1/AUTH_1");
  const first = await createKeystone(settings, client).session(signal);
  expect(first.urlOf("object-store")).toBe("http://one.public.example/v1/AUTH_1");
  const nowhere = await createKeystone({ ...settings, OS_REGION_NAME: "three" }, client).session(signal);
  expect(() => nowhere.urlOf("object-store")).toThrow(expect.objectContaining({ fault: "denied" }));
});

test("logs in by password or application credential", async () => {
  const { OS_AUTH_URL } = settings;
  for (const suffix of ["", "/", "/v3", "/v3/"]) {
    await createKeystone({ ...settings, OS_AUTH_URL: OS_AUTH_URL + suffix }, client).session(signal);
  }
  const application = { OS_APPLICATION_CREDENTIAL_ID: "id", OS_APPLICATION_CREDENTIAL_SECRET: "secret" };
  await createKeystone({ ...settings, ...application }, client).session(signal);
  await createKeystone({ ...settings, OS_USER_ID: "1", OS_PROJECT_ID: "2" }, client).session(signal);
  const user = { name: "user", password: "password", domain: { id: "default" } };
  expect(logins[3]).toEqual({
    identity: { methods: ["password"], password: { user } },
    scope: { project: { name: "project", domain: { name: "Domain" } } },
  });
  expect(logins[4]).toEqual({
    identity: { methods: ["application_credential"], application_credential: { id: "id", secret: "secret" } },
  });
  expect(logins[5]).toEqual({
    identity: { methods: ["password"], password: { user: { id: "1", password: "password" } } },
    scope: { project: { id: "2" } },
  });
});

test("one token serves all, until it is refused", async () => {
  const keystone = createKeystone(settings, client);
  const [one, other] = await Promise.all([keystone.session(signal), keystone.session(signal)]);
  expect(other).toBe(one);
  const renewed = await Promise.all([keystone.renew(one, signal), keystone.renew(one, signal)]);
  expect(renewed.map(({ token }) => token)).toEqual(["token 2", "token 2"]);
  expect(await keystone.renew(one, signal)).toBe(renewed[0]);
  expect(logins.length).toBe(2);
});

test("renews a token before it ends", async () => {
  lifeMs = 0;
  const keystone = createKeystone(settings, client);
  expect((await keystone.session(signal)).token).toBe("token 1");
  lifeMs = 3_600_000;
  expect((await keystone.session(signal)).token).toBe("token 2");
  const last = await keystone.session(signal);
  expect(last.token).toBe("token 2");
  expect(last.renewAt - Date.now()).toBeLessThanOrEqual(lifeMs - 60_000);
});

test("signs no links without a key for them", async () => {
  const { SWIFT_TEMP_URL_KEY: _, ...without } = settings;
  const store = openSwift(without);
  const options = { expiresSeconds: 60, contentDisposition: "attachment", signal };
  await expect(store.presign("a", options)).rejects.toMatchObject({ fault: "unsupported" });
  expect(logins).toEqual([]);
  await store.close();
});
