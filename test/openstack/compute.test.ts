import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { controllerCalls } from "../../providers/openstack/identity.ts";
import { removeAll } from "../../providers/openstack/sweep.ts";
import type { Compute } from "../../service/compute/compute.ts";
import { OpenstackApi } from "../../service/compute/openstack/api.ts";
import { isInstalled, serverPackages } from "../servers/cache.ts";
import type { Answer } from "./cloud.ts";
import { type Deployment, makeDeployment, tendUntil } from "./deployment.ts";

/** How long each part may take on a machine with much other work, in milliseconds. */
const timeout = 1_200_000;

describe.skipIf(!isInstalled(serverPackages.swift))(
  "the controller's calls, against an OpenStack on the loopback address",
  { timeout },
  () => {
    let deployment: Deployment;
    let compute: Compute;
    /** What was asked of the services, as access rules name it. */
    const asked = new Set<string>();
    const calls = vi.spyOn(OpenstackApi.prototype, "call");

    beforeAll(async () => {
      deployment = await makeDeployment();
      compute = deployment.open();
    }, timeout);
    afterEach(() => {
      for (const [service, method, path] of calls.mock.calls)
        asked.add(`${service} ${method} ${service === "load-balancer" ? "/lbaas" : ""}${path.split("?")[0]}`);
    });
    afterAll(() => deployment?.cloud.stop());

    const extra = async (): Promise<Answer[]> =>
      (await deployment.servers()).filter(({ id }) => id !== deployment.own);
    /** What the controllers of another release are told. */
    const changed = () => {
      const { template, group } = deployment;
      return { ...template, groups: [{ ...group, revision: "two" }] };
    };
    const stateOf = async (one = compute) => (await one.groups([deployment.group.id]))[0];
    const isSettled = async (machines: number) => {
      const [servers, ports, ...pools] = await Promise.all([
        extra(),
        deployment.ports(),
        ...deployment.template.pools.map((pool) => deployment.members(pool)),
      ]);
      const all = [servers, ports, ...pools];
      return (
        all.every(({ length }) => length === machines) &&
        servers.every((server) => server.status === "ACTIVE" && !server["OS-EXT-STS:task_state"])
      );
    };
    /** Machines that run without their port, and places that several are on. Ports are asked for last: they are bound first. */
    async function misplaced(): Promise<string[]> {
      const servers = (await extra()).filter((server) => server["OS-EXT-STS:task_state"] !== "deleting");
      const ports = await deployment.ports();
      const places = servers.map(({ metadata }) => metadata.switchyard_slot);
      return [
        ...servers
          .filter(({ id, status }) => status === "ACTIVE" && !ports.some((port) => port.device_id === id))
          .map(({ name }) => `${name} has lost its port`),
        ...places
          .filter((place, at) => places.indexOf(place) !== at)
          .map((place) => `${place} is taken twice`),
      ];
    }
    async function bringTo(machines: number, ...computes: Compute[]): Promise<string[]> {
      for (const one of computes) await one.resize(deployment.group.id, machines);
      return tendUntil(computes, () => isSettled(machines));
    }

    it("set the size of a group, and see what came of it", async () => {
      const { group, template } = deployment;
      expect(await compute.groups([group.id, "gone"])).toEqual([{ id: group.id, size: 0, running: 0 }]);
      await bringTo(2, compute);
      expect(await stateOf()).toEqual({ id: group.id, size: 2, running: 2 });
      const servers = await extra();
      expect(servers.map(({ name }) => name).sort()).toEqual(["lab-web-standard-0", "lab-web-standard-1"]);
      const zones = servers.map((server) => server["OS-EXT-AZ:availability_zone"]);
      expect(zones.sort()).toEqual(["az1", "az2"]);
      for (const server of servers)
        expect(server).toMatchObject({
          config_drive: "True",
          metadata: { owner: "me", switchyard_network: template.network, switchyard_revision: "one" },
        });
      const ports = await deployment.ports();
      for (const port of ports)
        expect(port).toMatchObject({ security_groups: [template.securityGroup], tags: template.tags });
      const { server_group } = await deployment.user("nova", "GET", `/os-server-groups/${group.id}`);
      expect(server_group.members.sort()).toEqual(servers.map(({ id }) => id).sort());
      for (const { pool, weight } of group.pools) {
        const members = await deployment.members(pool);
        expect(members.map((member) => member.weight)).toEqual([weight, weight]);
        expect(members.map(({ address }) => address).sort()).toEqual(
          ports.map(({ fixed_ips: [{ ip_address }] }) => ip_address).sort(),
        );
      }
    });

    it("drain a machine before it goes", async () => {
      const { group, template } = deployment;
      let now = Date.now();
      const patient = deployment.open({ ...template, drainSeconds: 300 }, () => now);
      await patient.resize(group.id, 1);
      const weights = async () => {
        const members = await deployment.members(group.pools[0]?.pool ?? "");
        return members.map(({ weight }) => weight).sort();
      };
      await tendUntil([patient], async () => (await weights()).join() === "0,3");
      expect(await extra()).toHaveLength(2);
      expect(await stateOf(patient)).toMatchObject({ size: 1, running: 1 });
      now += 301_000;
      await tendUntil([patient], () => isSettled(1));
      expect((await extra()).map(({ name }) => name)).toEqual(["lab-web-standard-0"]);
    });

    it("make no machine twice, of two controllers at once, and take no port from one that runs", async () => {
      const { group } = deployment;
      const others = [deployment.open(), deployment.open()];
      for (const size of [4, 3]) {
        for (const one of others) await one.resize(group.id, size);
        await tendUntil(others, async () => {
          expect(await misplaced()).toEqual([]);
          return isSettled(size);
        });
        expect(new Set((await deployment.ports()).map(({ name }) => name)).size).toBe(size);
      }
    });

    it("make anew a machine that has lost its port, and a place whose maker was killed", async () => {
      const { user, group, template } = deployment;
      const [{ id: lost, device_id: without }] = await deployment.ports();
      await user("neutron", "PUT", `/v2.0/ports/${lost}`, { port: { device_id: "" } });
      const later = deployment.open(template, () => Date.now() + 121_000);
      await bringTo(3, later);
      expect((await extra()).map(({ id }) => id)).not.toContain(without);
      const description = `Extra machine 7 of ${group.id}`;
      await user("neutron", "POST", "/v2.0/ports", { port: { network_id: template.network, description } });
      await compute.resize(group.id, 4);
      await tendUntil([compute], async () => true);
      expect(await Promise.all([extra(), deployment.ports()])).toMatchObject([{ length: 3 }, { length: 4 }]);
      await bringTo(4, later);
      expect(await misplaced()).toEqual([]);
    });

    it("keep what came when there is no room for more, and say why in the cloud's words", async () => {
      const { cloud, group } = deployment;
      const admin = await cloud.logIn(cloud.administrator);
      const [{ tenant_id: project }] = await extra();
      await admin("nova", "PUT", `/os-quota-sets/${project}`, { quota_set: { instances: 5 } });
      const short = deployment.open();
      await short.resize(group.id, 6);
      await tendUntil([short], async () => (await extra()).length === 4);
      await tendUntil([short], async () => (await stateOf(short))?.problem !== undefined);
      expect(await stateOf(short)).toMatchObject({
        size: 6,
        problem: expect.stringContaining("Quota exceeded for instances"),
      });
      await bringTo(2, short);
      expect(await stateOf(short)).toEqual({ id: group.id, size: 2, running: 2 });
      await admin("nova", "PUT", `/os-quota-sets/${project}`, { quota_set: { instances: -1 } });
    });

    it("put machines of a new revision in the place of old ones, the new before the old", async () => {
      const { group } = deployment;
      const next = deployment.open(changed());
      await next.resize(group.id, 2);
      const revisions = async () =>
        (await extra()).map(({ metadata }) => metadata.switchyard_revision).sort();
      await tendUntil([next], async () => (await revisions()).join() === "one,one,two");
      await tendUntil([next], async () => {
        deployment.checks("ONLINE");
        expect((await extra()).length).toBeGreaterThan(1);
        return (await revisions()).join() === "two,two" && isSettled(2);
      });
      compute = next;
    });

    it("make an extra machine anew whose health check fails, and one that is gone", async () => {
      const [first, second] = await extra();
      const address = Object.values<Answer>(first.addresses)[0][0].addr;
      let now = Date.now() + 700_000;
      const { group } = deployment;
      const healer = deployment.open(changed(), () => now);
      await healer.groups([group.id]);
      deployment.checks("ERROR", address);
      const { signal } = new AbortController();
      expect((await healer.tend?.(signal))?.done).toEqual([]);
      now += 61_000;
      expect((await healer.tend?.(signal))?.done).toEqual([
        `${first.name} is made anew: its health check fails`,
      ]);
      await deployment.user("nova", "DELETE", `/servers/${second.id}`);
      // By the clock as it is, for which no machine takes too long.
      const after = deployment.open(changed());
      await bringTo(2, after);
      const ids = (await extra()).map(({ id }) => id);
      expect(ids).not.toContain(first.id);
      expect(ids).not.toContain(second.id);
    });

    it("reboot the deployment's own machine, then rebuild it in place", async () => {
      const { own, user, group } = deployment;
      const [{ addresses }] = (await deployment.servers()).filter(({ id }) => id === own);
      const address = Object.values<Answer>(addresses)[0][0].addr;
      const actions = async () =>
        (await user("nova", "GET", `/servers/${own}/os-instance-actions`)).instanceActions
          .map(({ action }: Answer) => action)
          .reverse();
      const isActive = async () => (await user("nova", "GET", `/servers/${own}`)).server.status === "ACTIVE";
      let now = Date.now() + 700_000;
      const healer = deployment.open(changed(), () => now);
      await healer.groups([group.id]);
      deployment.checks("ONLINE");
      deployment.checks("ERROR", address);
      const { signal } = new AbortController();
      await healer.tend?.(signal);
      now += 61_000;
      expect((await healer.tend?.(signal))?.done).toEqual([
        "lab-web-0a1b2c3d-0 is rebooted: its health check fails",
      ]);
      await tendUntil([], isActive);
      now += 601_000;
      expect((await healer.tend?.(signal))?.done).toEqual([
        "lab-web-0a1b2c3d-0 is rebuilt, because a reboot did not help: its health check fails",
      ]);
      await tendUntil([], isActive);
      expect(await actions()).toEqual(["create", "reboot", "rebuild"]);
    });

    it("are undone by what a deployment leaves behind that goes", async () => {
      const { user, login, template, own } = deployment;
      const told: string[] = [];
      const { signal } = new AbortController();
      const api = new OpenstackApi(async () => login);
      await removeAll(api, template, { signal, progress: (line) => told.push(line) });
      expect(await isSettled(0)).toBe(true);
      expect((await user("nova", "GET", `/servers/${own}`)).server.status).toBe("ACTIVE");
      expect(told[0]).toBe("removing 2 extra machines");
      expect(told.at(-1)).toBe("looking once more for extra machines");
    });

    it("empty a group that the deployment has no more", async () => {
      await bringTo(1, deployment.open());
      const without = deployment.open({ ...deployment.template, groups: [] });
      await tendUntil([without], () => isSettled(0));
    });

    it("list what schedules may name", async () => {
      expect((await compute.images()).map(({ name }) => name)).toEqual(["Ubuntu 24.04", "Ubuntu 24.04"]);
      expect(await compute.flavors()).toContainEqual(
        expect.objectContaining({ name: "m1.small", processors: 1, memoryMiB: 2048 }),
      );
      expect((await compute.networks()).map(({ id }) => id)).toContain(deployment.template.network);
    });

    it("are those that its credential allows, and no others", () => {
      const allowed = Object.entries(controllerCalls).flatMap(([service, rules]) =>
        rules.map((rule) => new RegExp(`^${service} ${rule.replaceAll("*", "[^/]+")}$`)),
      );
      const all = [...asked];
      expect(all.filter((call) => !allowed.some((rule) => rule.test(call)))).toEqual([]);
      const others = allowed.filter((rule) => !all.some((call) => rule.test(call)));
      // Octavia asks that with the controller's token.
      expect(others).toEqual([/^network GET \/subnets\/[^/]+$/]);
    });
  },
);
