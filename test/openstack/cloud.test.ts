import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isInstalled, serverPackages } from "../servers/cache.ts";
import { type Answer, type Caller, type OpenstackCloud, startCloud } from "./cloud.ts";
import { names } from "./template.ts";

/** How long each part may take on a machine with much other work; 5 to 10 s, and half a minute to start, are usual. In milliseconds. */
const timeout = 600_000;

/** Asks until something is in a state, and fails when it is in the state of errors. */
async function waitFor(state: string, ask: () => Promise<Answer>, key: string): Promise<Answer> {
  for (;;) {
    const answer = await ask();
    if (answer[key] === state) return answer;
    if (answer[key] === "ERROR") throw new Error(JSON.stringify(answer));
    await sleep(200);
  }
}

describe.skipIf(!isInstalled(serverPackages.swift))(
  "an OpenStack on the loopback address",
  { timeout },
  () => {
    let cloud: OpenstackCloud;
    let user: Caller;
    let networkId: string;
    let subnetId: string;

    beforeAll(async () => {
      cloud = await startCloud();
      user = await cloud.logIn(cloud.user);
      const { network } = await user("neutron", "POST", "/v2.0/networks", { network: { name: "of-test" } });
      networkId = network.id;
      const range = { network_id: networkId, ip_version: 4, cidr: "10.9.0.0/24" };
      subnetId = (await user("neutron", "POST", "/v2.0/subnets", { subnet: range })).subnet.id;
    }, timeout);
    afterAll(() => cloud?.stop());

    it.each(["az1", "az2"])("boots a machine in %s, on a port of its own", async (zone) => {
      const { port } = await user("neutron", "POST", "/v2.0/ports", { port: { network_id: networkId } });
      const { flavors } = await user("nova", "GET", "/flavors");
      const { images } = await user("glance", "GET", `/v2/images?name=${encodeURIComponent(names.image)}`);
      const { server } = await user("nova", "POST", "/servers", {
        server: {
          name: `of-test-${zone}`,
          flavorRef: flavors.find(({ name }: Answer) => name === "m1.small").id,
          imageRef: images[0].id,
          availability_zone: zone,
          networks: [{ port: port.id }],
        },
      });
      const ask = async () => (await user("nova", "GET", `/servers/${server.id}`)).server;
      const active = await waitFor("ACTIVE", ask, "status");
      expect(active["OS-EXT-AZ:availability_zone"]).toBe(zone);
      expect(active.addresses["of-test"][0].addr).toBe(port.fixed_ips[0].ip_address);
      const bound = await user("neutron", "GET", `/v2.0/ports/${port.id}`);
      expect(bound.port).toMatchObject({ status: "ACTIVE", device_id: server.id });
    });

    it("makes a load balancer, whose parts refuse changes until it is active", async () => {
      const { loadbalancer } = await user("octavia", "POST", "/v2.0/lbaas/loadbalancers", {
        loadbalancer: { name: "of-test", vip_subnet_id: subnetId },
      });
      const listener = { loadbalancer_id: loadbalancer.id, protocol: "HTTP", protocol_port: 80 };
      const addListener = () => user("octavia", "POST", "/v2.0/lbaas/listeners", { listener });
      await expect(addListener()).rejects.toThrow("409");
      const path = `/v2.0/lbaas/loadbalancers/${loadbalancer.id}`;
      const ask = async () => (await user("octavia", "GET", path)).loadbalancer;
      await waitFor("ACTIVE", ask, "provisioning_status");
      await addListener();
      await waitFor("ACTIVE", ask, "provisioning_status");
    });

    it("leaves what an administrator may do to the administrator", async () => {
      const flavor = { flavor: { name: "of-test", vcpus: 1, ram: 64, disk: 1 } };
      await expect(user("nova", "POST", "/flavors", flavor)).rejects.toThrow("403");
      const administrator = await cloud.logIn(cloud.administrator);
      await expect(administrator("nova", "POST", "/flavors", flavor)).resolves.toHaveProperty("flavor.id");
    });
  },
);
