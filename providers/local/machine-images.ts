import type { Image, Images } from "../../operations/images.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { LocalCloud } from "./cloud/client.ts";
import { homeOf } from "./cloud/home.ts";
import type { ImageSpec } from "./cloud/specs.ts";
import { imageNames } from "./image-names.ts";

const imageOf = (name: string, { release, machine, createdAt }: ImageSpec): Image => ({
  id: name,
  name,
  release,
  of: machine,
  createdAt: new Date(createdAt),
});

/** Images of a local cloud: folders with the runtime and the release that a machine runs, and nothing else. */
export function openImages({ stack, outputs }: DeployedStack): Images {
  const cloud = new LocalCloud(homeOf(outputs.operator.cloud, stack));
  return {
    names: imageNames,
    async create(id, name) {
      const machine = (await cloud.machines()).find((one) => one.id === id);
      if (!machine) throw new Error(`machine ${id} is gone`);
      const { cluster, release } = machine;
      const spec = { machine: id, cluster, release, isSnapshot: false, createdAt: new Date().toISOString() };
      await cloud.put("images", name, spec);
      return imageOf(name, spec);
    },
    async list() {
      const all = Object.entries(await cloud.list("images"));
      return all.flatMap(([name, spec]) => (spec.isSnapshot ? [] : [imageOf(name, spec)]));
    },
    remove: (id) => cloud.delete("images", id),
  };
}
