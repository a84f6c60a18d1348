import { readFile } from "node:fs/promises";
import { answeredIn, type Clone, type Clones } from "../../operations/clones.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { LocalCloud } from "./cloud/client.ts";
import { homeOf } from "./cloud/home.ts";
import { MachineFolders } from "./cloud/machine.ts";
import { healthOf } from "./machines.ts";

/** Clones on a local cloud: each a group of one machine that no load balancer sends requests to, made of an image. */
export function openClones({ stack, outputs }: DeployedStack): Clones {
  const home = homeOf(outputs.operator.cloud, stack);
  const cloud = new LocalCloud(home);
  const folders = new MachineFolders(home);

  async function machineOf(id: string) {
    const machine = (await cloud.machines()).find((machine) => machine.id === id);
    if (!machine) throw new Error(`machine ${id} is gone`);
    return machine;
  }

  async function list(): Promise<Clone[]> {
    const machines = await cloud.machines();
    return Object.entries(await cloud.list("groups")).flatMap(([name, { cloneOf: of }]): Clone[] => {
      if (of === undefined) return [];
      const machine = machines.find(({ group }) => group === name);
      if (!machine) return [{ name, of, address: "", state: "starting", createdAt: new Date() }];
      const { id, address, port, state, launchedAt } = machine;
      const createdAt = new Date(launchedAt);
      return [{ name, id, of, address: `${address}:${port}`, state: healthOf[state], createdAt }];
    });
  }

  return {
    everyMs: 100,
    async snapshot(id) {
      const { cluster, release } = await machineOf(id);
      const createdAt = new Date().toISOString();
      const snapshot = `snapshot-${id}-${createdAt.replace(/\D/g, "")}`;
      await cloud.put("images", snapshot, { machine: id, cluster, release, isSnapshot: true, createdAt });
      return snapshot;
    },
    async create(image, of, name) {
      const { group } = await machineOf(of);
      const spec = await cloud.get("groups", group);
      if (!spec) throw new Error(`group ${group} is gone`);
      const { controls: _, ...rest } = spec;
      await cloud.put("groups", name, { ...rest, name, min: 1, max: 1, desired: 1, image, cloneOf: of });
      const status = await cloud.settled(name, AbortSignal.timeout(spec.rollout.timeoutSeconds * 1000));
      if (status.failure !== undefined) throw new Error(status.failure);
      const made = (await list()).find((clone) => clone.name === name);
      if (!made?.id) throw new Error(`${name} is gone`);
      return made;
    },
    async answeredAt(id) {
      return answeredIn(await readFile(folders.logOf(id), "utf8"));
    },
    list,
    async remove(names) {
      const clones = (await list()).filter(({ name }) => names.includes(name));
      await Promise.all(clones.map(({ name }) => cloud.delete("groups", name)));
      const used = new Set(Object.values(await cloud.list("groups")).map(({ image }) => image));
      for (const [id, { isSnapshot }] of Object.entries(await cloud.list("images")))
        if (isSnapshot && !used.has(id)) await cloud.delete("images", id);
    },
  };
}
