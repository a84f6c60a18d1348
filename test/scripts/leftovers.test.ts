import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { forgetCreations, removeLeftovers } from "../../scripts/leftovers.ts";
import { temporaryFolder, testContext } from "../support/fake-cli.ts";
import { writeLock } from "../support/locks.ts";

afterEach(() => void vi.unstubAllEnvs());

/** Services that have a machine on each of some ports, by the ports' ids; they note what is deleted. */
async function openstack(machines: Map<string, string>) {
  const deleted: string[] = [];
  let refused = 0;
  const server = createServer(({ method, url = "" }, response) => {
    const answer = (status: number, body?: object) =>
      response.writeHead(status, { "x-subject-token": "token" }).end(body && JSON.stringify(body));
    const id = url.split("/").at(-1)?.split("?")[0] ?? "";
    if (url === "/v3/auth/tokens") {
      const endpoints = [{ interface: "public", region_id: "RegionOne", url: base }];
      const catalog = ["compute", "network", "load-balancer"].map((type) => ({ type, endpoints }));
      return answer(201, { token: { catalog, expires_at: "2999-01-01T00:00:00Z" } });
    }
    const named = new URL(url, base).searchParams.get("name");
    if (url.startsWith("/v2.0/ports?")) return answer(200, { ports: [{ id: `${named}-id`, name: named }] });
    if (url.startsWith("/v2.0/lbaas/pools/pool-0/members?"))
      return answer(200, {
        members: [
          { id: `${named}-id`, name: named },
          { id: "other", name: "other" },
        ],
      });
    // Octavia takes one change at a time.
    if (method === "DELETE" && url.includes("/members/") && refused++ === 0)
      return answer(409, { busy: true });
    if (method !== "DELETE" && url.startsWith("/v2.0/ports/port-"))
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

/** Of a name that the engine has made up, or that is given. */
const named = (type: string, name: string, inputs: object, __defaults = ["name"]) => ({
  type: "creating",
  resource: { type, urn: `urn:pulumi:lab::x::${type}::${name}`, inputs: { name, ...inputs, __defaults } },
});

const machine = (name: string, port: string) => ({
  type: "openstack:compute/instance:Instance",
  urn: `urn:pulumi:lab::x::openstack:compute/instance:Instance::${name}`,
  inputs: { name: `lab-${name}`, networks: [{ port }] },
});

async function killedDeployment(free: readonly string[] = []) {
  const { authUrl, deleted } = await openstack(
    new Map([
      ["port-0", "server-0"],
      ["port-1", "server-1"],
      ["port-2", ""],
    ]),
  );
  const layout = { type: "switchyard:openstack:Layout", urn: "", inputs: { authUrl, region: "RegionOne" } };
  const recorded = { ...machine("web-1", "port-1"), id: "server-1" };
  const pending = ["port-0", "port-1", "port-3", ...free].map((port, index) => ({
    type: "creating",
    resource: machine(`web-${index}`, port),
  }));
  const others = [
    named("openstack:networking/port:Port", "web-9", {}),
    named("openstack:networking/port:Port", "given", {}, []),
    named("openstack:loadbalancer/member:Member", "member", { poolId: "pool-0" }),
    named("switchyard:index:StoredObject", "object", {}),
    named("openstack:networking/secGroupRule:SecGroupRule", "rule", {}),
  ];
  const deployment = { resources: [layout, recorded], pending_operations: [...pending, ...others] };
  return { deleted, deployment };
}

test("what a killed deployment did not record is removed: machines by their ports, all else by its name", async () => {
  const { deleted, deployment } = await killedDeployment(["port-2"]);
  const root = temporaryFolder();
  const context = testContext(root, [], { PULUMI_BACKEND_URL: `file://${root}` });
  // A rule has nothing that it would be known by.
  expect(await removeLeftovers(context, "lab", deployment)).toBe(false);
  expect(deleted.sort()).toEqual(["member-id", "server-0", "web-9-id"]);
  expect(context.lines).toEqual([
    "A deployment that was killed had made server lab-web-0 (server-0): removing it.",
    "A deployment that was killed had made port web-9 (web-9-id): removing it.",
    "A deployment that was killed had made loadbalancer member member (member-id): removing it.",
  ]);
  await removeLeftovers(context, "lab", { resources: deployment.resources });
  expect(deleted).toHaveLength(3);
});

test("where the stack may be locked, they are named, with what deletes them", async () => {
  const { deleted, deployment } = await killedDeployment();
  const root = temporaryFolder();
  const context = testContext(root, [], { PULUMI_BACKEND_URL: "s3://states" });
  await removeLeftovers(context, "lab", deployment);
  expect(context.lines.join()).toContain(
    `  openstack --os-region-name RegionOne server delete server-0  # server lab-web-0 (server-0)
  openstack --os-region-name RegionOne port delete web-9-id  # port web-9 (web-9-id)
  openstack --os-region-name RegionOne loadbalancer member delete pool-0 member-id  # loadbalancer member member (member-id)`,
  );
  const locked = testContext(root, [], { PULUMI_BACKEND_URL: `file://${root}` });
  writeLock(root, process.pid, { stack: "lab" });
  await removeLeftovers(locked, "lab", deployment);
  expect(locked.lines.join()).toContain("If nothing else is changing the stack, remove it first");
  expect(deleted).toEqual([]);
});

test("a state that does not say where services are is no proof that nothing is left", async () => {
  const { deployment } = await killedDeployment();
  const root = temporaryFolder();
  const context = testContext(root, [], { PULUMI_BACKEND_URL: `file://${root}` });
  expect(await removeLeftovers(context, "lab", { ...deployment, resources: [] })).toBe(false);
  expect(context.lines.join()).toContain("does not say where its services are");
});

test("once nothing is left of what was being made, it is forgotten", async () => {
  const { deployment } = await killedDeployment();
  const root = temporaryFolder();
  const context = testContext(root, [], { PULUMI_BACKEND_URL: `file://${root}` });
  const found = deployment.pending_operations.filter(
    ({ resource }) => !resource.type.includes("secGroupRule"),
  );
  expect(await removeLeftovers(context, "lab", { ...deployment, pending_operations: found })).toBe(true);
  expect(await removeLeftovers(context, "lab", { resources: deployment.resources })).toBe(false);

  const calls: (readonly string[])[] = [];
  const stack = { type: "pulumi:pulumi:Stack", urn: "urn:of-stack" };
  const pulumi = async (args: readonly string[]) => `${calls.push(args)}`;
  await forgetCreations(pulumi, { resources: [...deployment.resources, stack] });
  expect(calls).toEqual([
    ["refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--target", "urn:of-stack"],
  ]);
});
