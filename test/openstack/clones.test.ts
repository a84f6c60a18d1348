import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { DeployedStack } from "../../operations/outputs.ts";
import { clones as kind, openClones, scriptOf } from "../../providers/openstack/clones.ts";
import { openImages } from "../../providers/openstack/machine-images.ts";
import { OpenstackApi } from "../../service/compute/openstack/api.ts";
import { look } from "../../service/compute/openstack/look.ts";
import { isInstalled, serverPackages } from "../servers/cache.ts";
import { operationContext } from "../support/operation-context.ts";
import { deployedStack } from "../support/outputs.ts";
import type { Answer, Caller } from "./cloud.ts";
import { type Deployment, makeDeployment, until } from "./deployment.ts";

/** How long each part may take on a machine with much other work, in milliseconds. */
const timeout = 600_000;

describe.skipIf(!isInstalled(serverPackages.swift))(
  "clones and images, against an OpenStack on the loopback address",
  { timeout },
  () => {
    let deployment: Deployment;
    let administrator: Caller;
    let stack: DeployedStack;
    let place: { readonly network: string; readonly authUrl: string; readonly region: string };

    beforeAll(async () => {
      deployment = await makeDeployment();
      const { cloud, template, login } = deployment;
      administrator = await cloud.logIn(cloud.administrator);
      for (const [name, value] of Object.entries(login)) vi.stubEnv(name, value);
      place = { network: template.network, authUrl: login.OS_AUTH_URL, region: login.OS_REGION_NAME ?? "" };
      const { tenant_id: project } = await detailsOf(deployment.own);
      const operator = { ...place, project, loadBalancer: "edge" };
      stack = deployedStack("lab", { operator });
    }, timeout);
    afterAll(async () => {
      vi.unstubAllEnvs();
      await deployment?.cloud.stop();
    });

    /** What there is in the project, beside what the deployment made. */
    async function more() {
      const { user, own, template } = deployment;
      const { ports } = await user("neutron", "GET", `/v2.0/ports?network_id=${template.network}`);
      const { images } = await user("glance", "GET", "/v2/images?visibility=private");
      return {
        servers: (await deployment.servers()).filter(({ id }) => id !== own).map(({ name }) => name),
        ports: ports
          .map(({ description }: Answer) => description)
          .filter((text: string) => /^Clone/.test(text)),
        images: images.map(({ name }: Answer) => name),
      };
    }
    const nothing = { servers: [], ports: [], images: [] };
    const detailsOf = async (id: string) => (await administrator("nova", "GET", `/servers/${id}`)).server;
    const userDataOf = async (id: string) =>
      Buffer.from((await detailsOf(id))["OS-EXT-SRV-ATTR:user_data"], "base64").toString();

    it("clones are made side by side, listed and removed; the last one takes the image along", async () => {
      const { own, user, login, template } = deployment;
      const clones = openClones(stack);
      const snapshot = await clones.snapshot(own);
      const names = ["clone-1", "clone-2", "clone-3"];
      const made = await Promise.all(names.map((name) => clones.create(snapshot, own, name)));
      expect(made.map(({ name, of, state }) => ({ name, of, state }))).toEqual(
        names.map((name) => ({ name, of: own, state: "active" })),
      );
      const [first, source] = await Promise.all([detailsOf(made[0]?.id ?? ""), detailsOf(own)]);
      expect(first).toMatchObject({
        image: { id: snapshot },
        flavor: { id: source.flavor.id },
        metadata: {
          project_name: "lab",
          switchyard_clone_network: template.network,
          switchyard_clone_of: own,
        },
        config_drive: "True",
      });
      expect(await userDataOf(first.id)).toBe(scriptOf(own));
      const portsOf = async (id: string) =>
        (await user("neutron", "GET", `/v2.0/ports?device_id=${id}`)).ports;
      const [[port], [other]] = await Promise.all([portsOf(first.id), portsOf(own)]);
      expect(port.security_groups).toEqual(other.security_groups);
      expect(port.fixed_ips[0].subnet_id).toBe(other.fixed_ips[0].subnet_id);
      expect(made[0]?.address).toBe(port.fixed_ips[0].ip_address);
      expect(await clones.answeredAt(first.id)).toBeUndefined();

      // To a controller they are nobody's.
      const { signal } = new AbortController();
      const seen = await look(new OpenstackApi(async () => login), template, signal);
      expect(seen).toMatchObject({ slots: [], strays: [], own: [{ server: { id: own } }] });

      await clones.remove(["clone-1", "gone"]);
      expect((await clones.list()).map(({ name }) => name).sort()).toEqual(["clone-2", "clone-3"]);
      expect((await more()).images).toHaveLength(1);
      await clones.remove(["clone-2", "clone-3"]);
      expect(await more()).toEqual(nothing);
    });

    it("one that Nova has no room for leaves nothing but the image, and says why", async () => {
      const { own } = deployment;
      const clones = openClones(stack);
      const snapshot = await clones.snapshot(own);
      const { tenant_id: project } = await detailsOf(own);
      const quota = (instances: number) =>
        administrator("nova", "PUT", `/os-quota-sets/${project}`, { quota_set: { instances } });
      await quota(1);
      await expect(clones.create(snapshot, own, "clone-1")).rejects.toThrow("Quota exceeded for instances");
      await quota(-1);
      expect(await more()).toEqual({ ...nothing, images: [expect.stringMatching(/^clones-/)] });
      await clones.remove([]);
      expect(await more()).toEqual(nothing);
      await expect(clones.snapshot("00000000-0000-4000-8000-000000000000")).rejects.toThrow(
        "machine 00000000-0000-4000-8000-000000000000 is gone",
      );
    });

    it("clones go before their network does, and the machine stays", async () => {
      const { own, template, user } = deployment;
      const clones = openClones(stack);
      await clones.create(await clones.snapshot(own), own, "clone-1");
      // Of one whose maker was killed.
      const port = { network_id: template.network, description: `Clone clone-2 of ${own}` };
      await user("neutron", "POST", "/v2.0/ports", { port });
      const context = operationContext("clones", AbortSignal.abort());
      expect(await kind.update?.("clones", place, place, context)).toEqual({});
      expect((await more()).servers).toEqual(["clone-1"]);
      await kind.delete?.("clones", place, context);
      await kind.delete?.("clones", place, context);
      expect(await more()).toEqual(nothing);
      expect(await detailsOf(own)).toMatchObject({ status: "ACTIVE" });
    });

    it("an image is made of a copy that has sealed itself, and machines boot it", async () => {
      const { own, user, template } = deployment;
      const images = openImages(stack);
      const making = images.create(own, "day02-flask-api-image");
      // Nova's fake driver runs no user data: what seals a copy ends with switching it off.
      const copyOf = async () =>
        (await deployment.servers()).find(
          ({ name, status }) => name === `sealing-${own}` && status === "ACTIVE",
        );
      await until(async () => (await copyOf()) !== undefined);
      const { id: copy } = await copyOf();
      expect(await userDataOf(copy)).toBe(readFileSync("release/seal.sh", "utf8"));
      await user("nova", "POST", `/servers/${copy}/action`, { "os-stop": null });
      const image = await making;
      expect(image).toMatchObject({ name: "day02-flask-api-image", of: own });
      expect(images.setting?.(image.id)).toBe(`switchyard:openstack: { image: ${image.id} }`);
      expect(await more()).toEqual({ ...nothing, images: ["day02-flask-api-image"] });
      expect(await images.list()).toEqual([image]);
      expect(await openImages(deployedStack("other", { operator: stack.outputs.operator })).list()).toEqual(
        [],
      );

      const { server } = await user("nova", "POST", "/servers", {
        server: {
          name: "of-image",
          flavorRef: (await detailsOf(own)).flavor.id,
          imageRef: image.id,
          networks: [{ uuid: template.network }],
        },
      });
      await until(async () => (await detailsOf(server.id)).status === "ACTIVE");
      // Clones of what boots an image are made of an image that is none.
      const clones = openClones(stack);
      await clones.snapshot(server.id);
      expect(await images.list()).toEqual([image]);
      await clones.remove([]);
      expect(await images.list()).toEqual([image]);
      await user("nova", "DELETE", `/servers/${server.id}`);
      await images.remove(image.id);
      await images.remove(image.id);
      expect(await images.list()).toEqual([]);
    });
  },
);
