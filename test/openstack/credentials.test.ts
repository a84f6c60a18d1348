import { beforeAll, describe, expect, it } from "vitest";
import { planBootstrap } from "../bootstrap/plans.ts";
import { isInstalled, serverPackages } from "../servers/cache.ts";
import { callerOf, logIn } from "../servers/keystone.ts";
import { startOpenstack } from "../servers/openstack.ts";
import type { StackPlan } from "../support/plan.ts";

let plan: StackPlan;

beforeAll(async () => {
  plan = await planBootstrap("openstack");
}, 60_000);

const rulesOf = (part: string) =>
  plan.get(`ApplicationCredential::switchyard-openstack-${part}`).inputs?.accessRules;

describe.skipIf(!isInstalled(serverPackages.swift))("a real Keystone and Swift", { timeout: 600_000 }, () => {
  it("let each credential do with the stack's containers what its rules say, and nothing else", async () => {
    const cloud = await startOpenstack();
    try {
      const { OS_AUTH_URL: keystone, OS_USERNAME, OS_PASSWORD } = cloud.credentials;
      const { id: token, user, project } = await logIn(keystone, OS_USERNAME, OS_PASSWORD, "demo");
      /** Makes a credential with these rules, and returns what asks Swift with it. */
      const as = async (part: string) => {
        const made = (await callerOf(keystone, token)("POST", `/users/${user.id}/application_credentials`, {
          application_credential: { name: part, roles: [{ name: "member" }], access_rules: rulesOf(part) },
        })) as unknown as { application_credential: { id: string; secret: string } };
        const { id, secret } = made.application_credential;
        const identity = { methods: ["application_credential"], application_credential: { id, secret } };
        const answer = await fetch(`${keystone}/auth/tokens`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ auth: { identity } }),
        });
        const own = answer.headers.get("x-subject-token") ?? "";
        return async (method: string, path: string) => {
          const url = `${cloud.swift}/v1/AUTH_${project.id}/${path}`;
          const { status } = await fetch(url, { method, headers: { "x-auth-token": own } });
          return status;
        };
      };
      const [deploy, preview, machines] = await Promise.all([as("deploy"), as("preview"), as("machines")]);
      const [files, releases] = ["switchyard-files-0a1b2c3", "switchyard-releases-0a1b2c3"];
      expect(await deploy("PUT", files)).toBe(201);
      expect(await deploy("PUT", releases)).toBe(201);
      expect(await deploy("PUT", "another")).toBe(401);
      expect(await deploy("PUT", `${releases}/releases/a.tar.gz`)).toBe(201);
      expect(await machines("GET", `${releases}/releases/a.tar.gz`)).toBe(200);
      expect(await machines("PUT", `${files}/a`)).toBe(201);
      expect(await machines("PUT", `${releases}/releases/b.tar.gz`)).toBe(401);
      expect(await machines("DELETE", files)).toBe(401);
      expect(await preview("HEAD", files)).toBe(204);
      expect(await preview("HEAD", `${releases}/releases/a.tar.gz`)).toBe(200);
      expect(await preview("GET", `${files}/a`)).toBe(401);
      expect(await preview("PUT", `${files}/b`)).toBe(401);
      expect(await deploy("DELETE", `${files}/a`)).toBe(204);
      expect(await deploy("DELETE", files)).toBe(204);
    } finally {
      await cloud.stop();
    }
  });
});
