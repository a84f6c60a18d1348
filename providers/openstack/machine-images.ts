import { type Image, type Images, sealScript, withCopy } from "../../operations/images.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import {
  cloneMaker,
  type DiskImage,
  deleteImage,
  imagesBy,
  openClones,
  removeIn,
  sourceKey,
  stackKey,
} from "./clones.ts";
import { placeOf } from "./outputs.ts";

/**
 * How long a copy may take to boot, to seal itself and to switch itself off, in milliseconds. Nova looks each ten minutes who
 * did, where its hypervisor does not tell.
 */
const sealLimitMs = 1_500_000;

/** The property of an image that has its release. */
const releaseKey = "release";

/** Images on OpenStack: Nova's server images in the project, each of a copy of the machine that sealed itself. */
export function openImages(deployed: DeployedStack): Images {
  const { stack } = deployed;
  const maker = cloneMaker(deployed);
  const { services, network } = maker;
  const { project: owner } = placeOf(deployed);
  const list = async () => (await imagesBy(services, { [stackKey]: stack, owner })).map(imageOf);

  return {
    // https://docs.openstack.org/api-ref/image/v2/index.html#create-image
    // Of a filter, `in:` begins a list.
    names: {
      pattern: /^(?!in:)[\x20-\x7e]{1,255}$/,
      expected: "1 to 255 printable ASCII characters, not beginning with in:",
    },
    setting: (id) => `switchyard:openstack: { image: ${id} }`,
    async create(machine, name) {
      const { metadata } = await maker.serverOf(machine);
      const remove = (copy: string) => removeIn(services, network, (clone) => clone === copy);
      return withCopy(machine, remove, async (copy) => {
        const snapshot = await openClones(deployed).snapshot(machine);
        const { id = "" } = await maker.launch(snapshot, machine, copy, sealScript);
        await maker.serverIn("SHUTOFF", id, sealLimitMs);
        const properties = { [stackKey]: stack, [sourceKey]: machine, [releaseKey]: metadata.release ?? "" };
        return imageOf(await maker.image(id, name, properties));
      });
    },
    list,
    async remove(id) {
      if ((await list()).some((image) => image.id === id)) await deleteImage(services, id);
    },
  };
}

function imageOf(image: DiskImage): Image {
  const { id, name, created_at } = image;
  const text = (key: string) => String(image[key] ?? "");
  return { id, name, release: text(releaseKey), of: text(sourceKey), createdAt: new Date(created_at) };
}
