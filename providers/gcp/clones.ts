import { answeredIn, type Clone, type Clones, networkOf } from "../../operations/clones.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { clonesKind } from "../../plugin/clones.ts";
import type { ComputeApi } from "../../service/compute/gcp-api.ts";
import { openCompute } from "./compute.ts";
import { serialPort } from "./machines.ts";
import { placeOf } from "./outputs.ts";

/** Labels of clones and of what they are made of: the network, by which a deployment finds what is its own, and the machine. */
const networkLabel = "switchyard_network";
const sourceLabel = "switchyard_clone_of";

/** How long an operation of Compute Engine's may take, in milliseconds. */
const operationLimitMs = 30 * 60_000;

interface Disk {
  readonly boot?: boolean;
  readonly source?: string;
}

interface Port {
  readonly subnetwork?: string;
  readonly networkIP?: string;
  readonly accessConfigs?: readonly { readonly natIP?: string }[];
}

interface Item {
  readonly key: string;
  readonly value: string;
}

/** What is read here of a machine (`Instance` in Compute Engine's API); the rest is passed on as it is. */
interface Instance {
  readonly id: string;
  readonly name: string;
  readonly zone: string;
  readonly status: string;
  readonly creationTimestamp: string;
  readonly machineType: string;
  readonly disks: readonly Disk[];
  readonly networkInterfaces: readonly Port[];
  readonly metadata?: { readonly items?: readonly Item[] };
  readonly labels?: Readonly<Record<string, string>>;
  readonly serviceAccounts?: readonly object[];
  readonly shieldedInstanceConfig?: object;
  readonly scheduling?: { readonly onHostMaintenance?: string };
  readonly tags?: { readonly items?: readonly string[] };
}

interface Aggregated {
  readonly items?: Readonly<Record<string, { readonly instances?: readonly Instance[] }>>;
  readonly nextPageToken?: string;
}

interface Snapshots {
  readonly items?: readonly { readonly name: string }[];
  readonly nextPageToken?: string;
}

interface Operation {
  readonly name: string;
  readonly status: string;
  readonly error?: { readonly errors?: readonly { readonly message?: string }[] };
}

/** How to make clones, and what else is made of a machine's disk (machine-images.ts). */
export function cloneMaker(deployed: DeployedStack) {
  const network = networkOf(deployed);
  const { project } = placeOf(deployed);
  const compute = openCompute(project);

  async function machineOf(id: string): Promise<Instance> {
    const [found] = await instancesBy(compute, `id=${id}`);
    if (!found) throw new Error(`machine ${id} is gone`);
    return found;
  }

  return {
    compute,
    network,
    project,
    machineOf,
    async snapshot(id: string): Promise<string> {
      const { disks, zone } = await machineOf(id);
      const disk = last(bootDisk(disks));
      const name = `${network}-${Date.now()}`;
      const place = `zones/${last(zone)}`;
      const labels = { [networkLabel]: network, [sourceLabel]: id };
      await run(compute, place, "POST", `${place}/disks/${disk}/createSnapshot`, { name, labels });
      return name;
    },
    /**
     * Makes a machine on a disk of a snapshot that is like another one; resolves once Google has made it.
     *
     * @param script what it runs instead of the machine's startup script, without the machine's rights and keys
     */
    async launch(snapshot: string, machine: string, name: string, script?: string): Promise<Clone> {
      const source = await machineOf(machine);
      const place = `zones/${last(source.zone)}`;
      const spec = cloneSpec(source, snapshot, nameIn(network, name), network);
      const { serviceAccounts: _, ...rest } = spec;
      const instance = script === undefined ? spec : { ...rest, metadata: { items: scriptItems(script) } };
      await run(compute, place, "POST", `${place}/instances`, instance);
      return cloneOf(await compute.call<Instance>("GET", `${place}/instances/${spec.name}`), network);
    },
  };
}

/** Metadata of a machine that runs a script, and that nobody's keys are for. */
function scriptItems(script: string): readonly Item[] {
  return [
    { key: "startup-script", value: script },
    { key: "block-project-ssh-keys", value: "TRUE" },
  ];
}

/** Clones on Google Cloud: machines with disks of a snapshot of the first one's, which no group has. */
export function openClones(deployed: DeployedStack): Clones {
  const { compute, network, machineOf, snapshot, launch } = cloneMaker(deployed);
  return {
    everyMs: 5_000,
    snapshot,
    create: (snapshot, machine, name) => launch(snapshot, machine, name),
    async answeredAt(id) {
      const { zone, name } = await machineOf(id);
      let written = "";
      const signal = AbortSignal.timeout(30_000);
      for await (const text of serialPort(compute, `zones/${last(zone)}/instances/${name}`, signal)())
        written += text;
      return answeredIn(written);
    },
    list: async () => (await clonesIn(compute, network)).map((instance) => cloneOf(instance, network)),
    remove: (names) => removeIn(compute, network, ({ name }) => names.includes(name)),
  };
}

/** A machine like another one, on a disk of a snapshot, with an address of its own. */
function cloneSpec(source: Instance, snapshot: string, name: string, network: string) {
  const labels = { ...source.labels, [networkLabel]: network, [sourceLabel]: source.id };
  const items =
    source.metadata?.items?.filter(({ key }) => !/^(created-by|instance-template)$/.test(key)) ?? [];
  return {
    name,
    machineType: `zones/${last(source.zone)}/machineTypes/${last(source.machineType)}`,
    disks: [
      {
        boot: true,
        autoDelete: true,
        initializeParams: { sourceSnapshot: `global/snapshots/${snapshot}`, labels },
      },
    ],
    networkInterfaces: source.networkInterfaces.map(({ subnetwork, accessConfigs }) => ({
      subnetwork,
      ...(accessConfigs && { accessConfigs: [{ networkTier: "PREMIUM" }] }),
    })),
    metadata: { items: items.map(({ key, value }) => ({ key, value })) },
    labels,
    ...(source.serviceAccounts && { serviceAccounts: source.serviceAccounts }),
    ...(source.shieldedInstanceConfig && { shieldedInstanceConfig: source.shieldedInstanceConfig }),
    ...(source.scheduling?.onHostMaintenance && {
      scheduling: { onHostMaintenance: source.scheduling.onHostMaintenance },
    }),
    tags: { items: source.tags?.items ?? [] },
  };
}

/** Compute Engine's name of a clone, which is a project's: with the network's, which is one, too. */
function nameIn(network: string, name: string): string {
  return `${network}-${name}`;
}

function cloneOf(
  { id, name, zone: _, status, labels, networkInterfaces, creationTimestamp }: Instance,
  network: string,
): Clone {
  const [port] = networkInterfaces;
  return {
    name: name.replace(nameIn(network, ""), ""),
    id,
    of: labels?.[sourceLabel] ?? "",
    address: port?.accessConfigs?.[0]?.natIP ?? port?.networkIP ?? "",
    state: status.toLowerCase(),
    createdAt: new Date(creationTimestamp),
  };
}

/** The URL of the disk that a machine boots from. */
export function bootDisk(disks: readonly Disk[]): string {
  return disks.find(({ boot }) => boot)?.source ?? "";
}

/** The last part of a URL, which is a thing's name. */
function last(url = ""): string {
  return url.slice(url.lastIndexOf("/") + 1);
}

async function instancesBy(compute: ComputeApi, filter: string): Promise<Instance[]> {
  const found: Instance[] = [];
  for await (const { items = {} } of compute.pages<Aggregated>("GET", "aggregated/instances", { filter }))
    found.push(...Object.values(items).flatMap(({ instances = [] }) => instances));
  return found;
}

const clonesIn = (compute: ComputeApi, network: string) =>
  instancesBy(compute, `labels.${networkLabel}=${network}`);

/** Removes clones, and the snapshots of whose machine none is left. */
export async function removeIn(
  compute: ComputeApi,
  network: string,
  which: (clone: Clone) => boolean,
): Promise<void> {
  const clones = await clonesIn(compute, network);
  const going = clones.filter((instance) => which(cloneOf(instance, network)));
  await Promise.all(
    going.map(({ zone, name }) =>
      run(compute, `zones/${last(zone)}`, "DELETE", `zones/${last(zone)}/instances/${name}`),
    ),
  );
  // A disk that was made of a snapshot does without it.
  if (going.length < clones.length) return;
  const filter = `labels.${networkLabel}=${network}`;
  for await (const { items = [] } of compute.pages<Snapshots>("GET", "global/snapshots", { filter }))
    for (const { name } of items) await run(compute, "global", "DELETE", `global/snapshots/${name}`);
}

/** Asks for something that takes a while, and waits until it is done. @throws with Google's own words */
export async function run(
  compute: ComputeApi,
  place: string,
  method: "POST" | "DELETE",
  path: string,
  body?: object,
): Promise<void> {
  const signal = AbortSignal.timeout(operationLimitMs);
  let operation = await compute.call<Operation>(method, path, {}, signal, body);
  while (operation.status !== "DONE")
    operation = await compute.call<Operation>(
      "POST",
      `${place}/operations/${operation.name}/wait`,
      {},
      signal,
    );
  const [problem] = operation.error?.errors ?? [];
  if (problem) throw new Error(`${path}: ${problem.message ?? "it failed, and Google does not say why"}`);
}

interface Inputs {
  readonly network: string;
  readonly project: string;
}

/** Removes the clones of a network. */
export const clones = clonesKind(({ network, project }: Inputs) =>
  removeIn(openCompute(project), network, () => true),
);
