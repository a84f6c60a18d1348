import { setTimeout as sleep } from "node:timers/promises";
import { type Image, type Images, sealScript, withCopy } from "../../operations/images.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { bootDisk, cloneMaker, removeIn, run } from "./clones.ts";
import { labelText } from "./labels.ts";
import { releaseMetadata } from "./release-metadata.ts";

/** How long a copy may take to boot, to seal itself and to switch itself off, and the pause between two looks, in milliseconds. */
const sealing = { limitMs: 900_000, everyMs: 2_000 } as const;

/** Labels of an image: the stack, as a label can have it, and the machine that it was made of. */
const stackLabel = "switchyard_image_of_stack";
const machineLabel = "switchyard_image_of";

/** What is read here of an image (`Image` in Compute Engine's API). */
interface DiskImage {
  readonly name: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly creationTimestamp: string;
}

interface DiskImages {
  readonly items?: readonly DiskImage[];
  readonly nextPageToken?: string;
}

/** An image's description: labels are too short for a release, and know no capitals. */
const description = (release: string, stack: string) => `Release ${release} of stack ${stack}`;

/** Images on Google Cloud: images of this project, each of the disk of a machine's copy that sealed itself. */
export function openImages(deployed: DeployedStack): Images {
  const { stack } = deployed;
  const maker = cloneMaker(deployed);
  const { compute, project, network } = maker;
  const ofStack = labelText(stack).slice(-63);

  async function list(): Promise<Image[]> {
    const found: Image[] = [];
    const filter = `labels.${stackLabel}=${ofStack}`;
    for await (const { items = [] } of compute.pages<DiskImages>("GET", "global/images", { filter }))
      found.push(...items.flatMap((image) => imageOf(image, project, stack)));
    return found;
  }

  async function untilOff(id: string): Promise<void> {
    for (const deadline = Date.now() + sealing.limitMs; Date.now() < deadline; await sleep(sealing.everyMs))
      if ((await maker.machineOf(id)).status === "TERMINATED") return;
    throw new Error(
      `The machine's copy ${id} has not sealed itself and switched itself off within ${sealing.limitMs / 1000} s.`,
    );
  }

  return {
    // https://docs.cloud.google.com/compute/docs/naming-resources
    names: {
      pattern: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
      expected:
        "1 to 63 lower-case letters, digits and hyphens, a letter first and no hyphen last, which is Google's rule",
    },
    async create(machine, name) {
      const { metadata } = await maker.machineOf(machine);
      const release = metadata?.items?.find(({ key }) => key === releaseMetadata)?.value ?? "";
      const remove = (copy: string) => removeIn(compute, network, (clone) => clone.name === copy);
      await withCopy(machine, remove, async (copy) => {
        const { id = "" } = await maker.launch(await maker.snapshot(machine), machine, copy, sealScript);
        await untilOff(id);
        await run(compute, "global", "POST", "global/images", {
          name,
          description: description(release, stack),
          labels: { [stackLabel]: ofStack, [machineLabel]: machine },
          sourceDisk: bootDisk((await maker.machineOf(id)).disks),
        });
      });
      const image = (await list()).find((one) => one.name === name);
      if (!image) throw new Error(`Image ${name} was made, and is gone.`);
      return image;
    },
    list,
    async remove(id) {
      const image = (await list()).find((one) => one.id === id);
      if (image) await run(compute, "global", "DELETE", `global/images/${image.name}`);
    },
  };
}

/** An image of a stack; none when it is of another one, whose label is the same. */
function imageOf(
  { name, description: text = "", labels, creationTimestamp }: DiskImage,
  project: string,
  stack: string,
): Image[] {
  const [, release = ""] = /^Release (\w*) of/.exec(text) ?? [];
  if (text !== description(release, stack)) return [];
  const id = `projects/${project}/global/images/${name}`;
  return [{ id, name, release, of: labels?.[machineLabel] ?? "", createdAt: new Date(creationTimestamp) }];
}
