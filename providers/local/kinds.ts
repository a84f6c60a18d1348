import { createHash } from "node:crypto";
import { parseUrn } from "../../operations/urn.ts";
import {
  type CheckFailure,
  hasUnknown,
  IncompleteError,
  type OperationContext,
  type Properties,
  type ResourceKind,
} from "../../plugin/resource.ts";
import { LocalCloud, remove } from "./cloud/client.ts";
import { claim, homeOf, locationByName, newLocation } from "./cloud/home.ts";
import { portHolder } from "./cloud/port-holder.ts";
import type { Collection, GroupSpec, LoadBalancerSpec, NetworkSpec, Specs } from "./cloud/specs.ts";
import { installRuntime } from "./installed-runtime.ts";

/** The stack's name now. */
function stackOf({ urn }: OperationContext): string {
  return parseUrn(urn).stack;
}

/** The local cloud that a resource is part of, by its inputs or its state. */
function cloudOf({ cloud }: Properties, context: OperationContext): LocalCloud {
  return new LocalCloud(homeOf(cloud, stackOf(context)), context.signal);
}

/** What a resource asks of its cloud. */
function specOf<C extends Collection>({ cloud: _, ...spec }: Properties): Specs[C] {
  return spec as unknown as Specs[C];
}

/** A specification that is in force, as the inputs of a resource that was made by these. */
function inputsOf(spec: object, { cloud }: Properties): Properties {
  return { ...spec, ...(cloud !== undefined && { cloud }) };
}

/** An id that follows from the resource's URN, so that a create which is sent twice makes one resource. */
function idOf(context: OperationContext): string {
  return `${context.name}-${createHash("sha256").update(context.urn).digest("hex").slice(0, 7)}`;
}

/** A resource that the control plane keeps as it is specified: the inputs are the specification. */
function specified<C extends Collection>(
  collection: C,
): Required<Pick<ResourceKind, "replaceOn" | "create" | "read" | "update" | "delete">> {
  return {
    replaceOn: [],
    async create(news, context) {
      const id = idOf(context);
      await cloudOf(news, context).put(collection, id, specOf(news));
      return { id, outputs: {} };
    },
    async read(id, olds, context) {
      const spec = await cloudOf(olds.outputs, context).get(collection, id);
      return spec && { inputs: inputsOf(spec, olds.outputs), outputs: {} };
    },
    async update(id, news, _olds, context) {
      await cloudOf(news, context).put(collection, id, specOf(news));
      return {};
    },
    delete: (id, olds, context) => cloudOf(olds, context).delete(collection, id),
  };
}

/** Waits until a group runs as asked for. @throws IncompleteError when its rollout has stopped */
async function settle(id: string, news: Properties, context: OperationContext): Promise<void> {
  context.progress("waiting for its machines");
  const status = await cloudOf(news, context).settled(id, context.signal);
  if (status.failure !== undefined) throw new IncompleteError(id, news, status.failure);
  context.progress(`${status.ready} of ${status.desired} machines run`);
}

const group = specified("groups");
const machineGroup: ResourceKind = {
  ...group,
  async create(news, context) {
    await installRuntime(cloudOf(news, context).home);
    const created = await group.create(news, context);
    await settle(created.id, news, context);
    return created;
  },
  async update(id, news, olds, context) {
    await installRuntime(cloudOf(news, context).home);
    await group.update(id, news, olds, context);
    await settle(id, news, context);
    return {};
  },
  async read(id, olds, context) {
    const found = await cloudOf(olds.outputs, context).get("groups", id);
    return found && { inputs: inputsOf(withoutDefaults(found, olds.inputs), olds.outputs), outputs: {} };
  },
};

/** What was never asked for is nothing that can have drifted. */
function withoutDefaults(spec: GroupSpec, asked: Properties): Properties {
  return Object.fromEntries(
    Object.entries(spec).filter(([key]) => key in asked || Object.keys(asked).length === 0),
  );
}

function urlOf({ address, port }: Pick<LoadBalancerSpec, "address" | "port">): string {
  return `http://${address}:${port}`;
}

/** Refuses a port that another program has, before anything that stands behind it is made. */
async function checkEdge(
  news: Properties,
  olds: Properties | undefined,
  context: OperationContext,
): Promise<CheckFailure[]> {
  const { edge, controller } = news as unknown as NetworkSpec;
  const known = olds as Partial<NetworkSpec> | undefined;
  const cloud = hasUnknown(news.cloud) ? undefined : cloudOf(news, context);
  if (known?.edge && cloud && !cloud.exists) {
    const reason = `what was deployed is gone: there is no ${cloud.home}. \`npm run refresh\` records that, \`npm run up\` makes it again`;
    return [{ property: "", reason }];
  }
  if (known?.edge) await cloud?.revive();
  const held = [known?.edge, known?.controller];
  const failures: CheckFailure[] = [];
  for (const [key, wanted] of Object.entries({ loadBalancer: edge, controller })) {
    if (!wanted || held.some((one) => one?.address === wanted.address && one.port === wanted.port)) continue;
    const holder = await portHolder(wanted.address, wanted.port);
    if (!holder || (holder.pid !== undefined && holder.pid === (await cloud?.pid()))) continue;
    const who = holder.pid === undefined ? "another program" : `${holder.command} (process ${holder.pid})`;
    const reason = `${wanted.address}:${wanted.port} is taken by ${who}; end it, or choose another port in switchyard:${key}`;
    failures.push({ property: "", reason });
  }
  return failures;
}

const balancer = specified("loadBalancers");
const loadBalancer: ResourceKind = {
  ...balancer,
  preview: (news) =>
    hasUnknown([news.address, news.port]) ? {} : { url: urlOf(news as unknown as LoadBalancerSpec) },
  async create(news, context) {
    const { id } = await balancer.create(news, context);
    return { id, outputs: { url: urlOf(news as unknown as LoadBalancerSpec) } };
  },
  async update(id, news, olds, context) {
    await balancer.update(id, news, olds, context);
    return { url: urlOf(news as unknown as LoadBalancerSpec) };
  },
  async read(id, olds, context) {
    const found = await balancer.read(id, olds, context);
    return found && { ...found, outputs: { url: urlOf(found.inputs as unknown as LoadBalancerSpec) } };
  },
};

/** The cloud itself: a name, until something is put into it. */
const cloud: ResourceKind = {
  replaceOn: [],
  async create(_news, context) {
    const stack = stackOf(context);
    const id = claim(homeOf(undefined, stack)) ? locationByName(stack) : newLocation(stack);
    return { id, outputs: {} };
  },
  delete: (id, _olds, context) => remove(homeOf(id, stackOf(context))),
};

/** The local cloud's resource types. */
export const kinds: Readonly<Record<string, ResourceKind>> = {
  "switchyard:local:Cloud": cloud,
  "switchyard:local:Network": { ...specified("networks"), check: checkEdge },
  "switchyard:local:Bucket": specified("buckets"),
  "switchyard:local:MachineGroup": machineGroup,
  "switchyard:local:LoadBalancer": loadBalancer,
};
