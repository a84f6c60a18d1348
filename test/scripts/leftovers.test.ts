import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { removeLeftovers } from "../../scripts/leftovers.ts";
import { temporaryFolder, testContext } from "../support/fake-cli.ts";
import { writeLock } from "../support/locks.ts";

afterEach(() => void vi.unstubAllEnvs());

/** Services that have a machine on each of some ports, by the ports' ids; they note what is deleted. */
async function openstack(machines: Map<string, string>) {
  const deleted: string[] = [];
  const server = createServer(({ method, url = "" }, response) => {
    const answer = (status: number, body?: object) =>
      response.writeHead(status, { "x-subject-token": "token" }).end(body && JSON.stringify(body));
    const id = url.split("/").at(-1) ?? "";
    if (url === "/v3/auth/tokens") {
      const endpoints = [{ interface: "public", region_id: "RegionOne", url: base }];
      const catalog = ["compute", "network"].map((type) => ({ type, endpoints }));
      return answer(201, { token: { catalog, expires_at: "2999-01-01T00:00:00Z" } });
    }
    if (url.startsWith("/v2.0/ports/"))
      return machines.has(id) ? answer(200, { port: { device_id: machines.get(id) } }) : answer(404);
    if (url === "/servers/detail") return answer(200, { servers: [] });
    if (method === "DELETE") deleted.push(id);
    return method === "DELETE" ? answer(204) : answer(deleted.includes(id) ? 404 : 200, { server: {} });
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubEnv("OS_CLOUD", undefined);
  for (const name of ["OS_USERNAME", "OS_PASSWORD", "OS_PROJECT_NAME"]) vi.stubEnv(name, "me");
  return { authUrl: `${base}/v3`, deleted };
}

const machine = (name: string, port: string) => ({
  type: "openstack:compute/instance:Instance",
  urn: `urn:pulumi:lab::x::openstack:compute/instance:Instance::${name}`,
  inputs: { name: `lab-${name}`, networks: [{ port }] },
});

async function killedDeployment() {
  const { authUrl, deleted } = await openstack(
    new Map([
      ["port-0", "server-0"],
      ["port-1", "server-1"],
      ["port-2", ""],
    ]),
  );
  const layout = { type: "switchyard:openstack:Layout", urn: "", inputs: { authUrl, region: "RegionOne" } };
  const recorded = { ...machine("web-1", "port-1"), id: "server-1" };
  const pending = ["port-0", "port-1", "port-2", "port-3"].map((port, index) => ({
    type: "creating",
    resource: machine(`web-${index}`, port),
  }));
  return { deleted, deployment: { resources: [layout, recorded], pending_operations: pending } };
}

test("machines that a killed deployment did not record are removed, by their ports", async () => {
  const { deleted, deployment } = await killedDeployment();
  const root = temporaryFolder();
  const context = testContext(root, [], { PULUMI_BACKEND_URL: `file://${root}` });
  await removeLeftovers(context, "lab", deployment);
  expect(deleted).toEqual(["server-0"]);
  expect(context.lines).toEqual([
    "A deployment that was killed had made machine lab-web-0 (server-0): removing it.",
  ]);
  await removeLeftovers(context, "lab", { resources: deployment.resources });
  expect(deleted).toEqual(["server-0"]);
});

test("where the stack may be locked, they are named, with what deletes them", async () => {
  const { deleted, deployment } = await killedDeployment();
  const root = temporaryFolder();
  const context = testContext(root, [], { PULUMI_BACKEND_URL: "s3://states" });
  await removeLeftovers(context, "lab", deployment);
  expect(context.lines.join()).toContain(
    "  openstack --os-region-name RegionOne server delete server-0  # machine lab-web-0 (server-0)",
  );
  const locked = testContext(root, [], { PULUMI_BACKEND_URL: `file://${root}` });
  writeLock(root, process.pid, { stack: "lab" });
  await removeLeftovers(locked, "lab", deployment);
  expect(locked.lines.join()).toContain("If nothing else is changing the stack, remove it first");
  expect(deleted).toEqual([]);
});
