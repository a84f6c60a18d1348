import { parseArgs } from "node:util";
import type { Image, Images } from "../operations/images.ts";
import { type MachineStatus, machineOf } from "../operations/machines.ts";
import { cloudNamed } from "../providers/index.ts";
import { localStack } from "./backend.ts";
import { age, machinesOf } from "./machines.ts";
import { type Context, runMain } from "./process.ts";
import { deployedStack } from "./pulumi.ts";
import { npmRun } from "./report.ts";
import { formatRows } from "./table.ts";

const usage = `Usage: npm run image -- create [--from MACHINE] [--name NAME]   makes an image of a running machine
       npm run image -- ls         lists images: name, release, machine, age
       npm run image -- rm NAME…   removes some

An image has the runtime and the release installed, and nothing of the machine's own. Machines that boot it start without a
download, unless another release has been deployed since: that one they fetch.

  --from MACHINE    the machine, as npm run machines lists it; default: the first that is healthy
  --name NAME       what the image is called; default: STACK-RELEASE
  --stack, -s NAME  which stack; default: ${localStack}
  --help, -h        this`;

export interface ImageRequest {
  readonly command: "create" | "ls" | "rm";
  readonly stack: string;
  readonly from?: string;
  readonly name?: string;
  readonly names: readonly string[];
}

/** Reads a command line; fails with what is wrong and how it is used. */
export function parseImageRequest(args: readonly string[]): ImageRequest {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      from: { type: "string" },
      name: { type: "string" },
      stack: { type: "string", short: "s", default: localStack },
    },
  });
  const [command, ...names] = positionals;
  const { stack, ...given } = values;
  const known = command === "create" || command === "ls" || command === "rm";
  const isCreate = command === "create";
  if (!known || (command === "rm") === (names.length === 0)) throw new Error(usage);
  if (!isCreate && Object.keys(given).length > 0) throw new Error(usage);
  return { command, stack, ...given, names };
}

/** The machine that an image is made of. @throws when there is none, or it is not healthy */
export function machineFor(
  machines: readonly MachineStatus[],
  { stack, from }: Pick<ImageRequest, "stack" | "from">,
): MachineStatus {
  if (from === undefined) {
    const healthy = machines.find(({ health }) => health === "healthy");
    if (healthy) return healthy;
    throw new Error(`Stack ${stack} has no healthy machine to make an image of.`);
  }
  const machine = machineOf(machines, from, stack);
  if (machine.health === "healthy") return machine;
  throw new Error(`machine ${from} is ${machine.health}: an image can be made of a healthy one only`);
}

/** Makes an image. @throws when its name is none, or another image's */
export async function createImage(
  images: Images,
  { id, release }: MachineStatus,
  {
    stack,
    name = `${stack.split("/").at(-1)}-${release.slice(0, 12)}`,
  }: Pick<ImageRequest, "stack" | "name">,
): Promise<Image> {
  const { pattern, expected } = images.names;
  if (!pattern.test(name)) throw new Error(`--name ${name}: it must be ${expected}`);
  const twin = (await images.list()).find((image) => image.name === name);
  if (twin)
    throw new Error(
      `There is an image ${name} already, made of machine ${twin.of}. Choose another --name, or remove it: ${npmRun("image", stack, "rm", name)}`,
    );
  return images.create(id, name);
}

function show(images: readonly Image[], stack: string): string {
  if (images.length === 0) return `Stack ${stack} has no images.`;
  const rows = images.map(({ name, id, release, of, createdAt }) => [
    name,
    id,
    release.slice(0, 12),
    of,
    age(Date.now() - +createdAt),
  ]);
  return formatRows([["NAME", "ID", "RELEASE", "MADE OF", "AGE"], ...rows]).join("\n");
}

async function main(context: Context): Promise<number> {
  const request = parseImageRequest(process.argv.slice(2));
  const { command, stack } = request;
  const deployed = await deployedStack(context, stack);
  const cloud = cloudNamed(deployed.outputs.cloud);
  const images = (await cloud.images()).openImages(deployed);
  if (command === "ls") {
    console.log(show(await images.list(), stack));
    return 0;
  }
  if (command === "rm") {
    const there = await images.list();
    const found = request.names.map((name) => there.find((image) => [image.name, image.id].includes(name)));
    const missing = request.names.filter((_, index) => !found[index]);
    if (missing.length > 0) {
      const names = there.map(({ name }) => name).join(", ") || "none";
      throw new Error(`There is no image ${missing.join(", ")}; there are: ${names}`);
    }
    for (const image of found) if (image) await images.remove(image.id);
    context.log(`Removed ${request.names.join(", ")}.`);
    return 0;
  }
  const machine = machineFor(await (await machinesOf(deployed)).list(), request);
  context.log(`Making an image of machine ${machine.id} …`);
  const { id, name, release } = await createImage(images, machine, request);
  context.log(
    `Image ${name} has release ${release.slice(0, 12)}. To boot machines from it, put this into the stack's file:`,
  );
  console.log(images.setting?.(id) ?? `switchyard:image: ${id}`);
  return 0;
}

if (import.meta.main) await runMain(usage, main);
