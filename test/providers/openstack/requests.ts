import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { simpleType } from "../../../plan/labels.ts";
import type { PlannedResource } from "../../../plan/plan.ts";
import { folderOf, serverPackages } from "../../servers/cache.ts";

// biome-ignore lint/suspicious/noExplicitAny: inputs of a plan are whatever JSON
type Inputs = Readonly<Record<string, any>>;

/** What a resource becomes of its service: which schema of validate.py, and the body. */
export interface ServiceRequest {
  readonly schema: string;
  readonly body: unknown;
}

const id = "0f3c3a52-6a53-4f1f-8a37-0a3a9a1d6a11";

/** What stands for values that a plan does not know. */
const known: readonly (readonly [pattern: RegExp, value: string])[] = [
  // Of texts that the program makes of others: members' addresses alone.
  [/^\[unknown\]$/, "10.0.1.7"],
  [/^\[secret\]$/, "c2VjcmV0"],
  [/^\$\{.*/, id],
];

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Names as the services have them; keys of maps that are the user's own are left alone. */
const maps = ["metadata", "insertHeaders"];

function toRequest(value: unknown): unknown {
  if (typeof value === "string") {
    const [, put = value] = known.find(([pattern]) => pattern.test(value)) ?? [];
    return put;
  }
  if (Array.isArray(value)) return value.map(toRequest);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [snake(name), maps.includes(name) ? part : toRequest(part)]),
  );
}

/** Renames some, and takes out what has no new name. */
function renamed(inputs: Inputs, names: Readonly<Record<string, string | undefined>>): Inputs {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, value]) => {
      if (!(name in names)) return [[name, value]];
      const to = names[name];
      return to === undefined ? [] : [[to, value]];
    }),
  );
}

type Convert = (inputs: Inputs, name: string) => readonly [schema: string, body: unknown];

/**
 * How the provider makes a request of inputs, where the two differ: what it makes of a name when there is none, and what
 * it asks for otherwise than in the body (tags). All other inputs stay, so that one which a service does not know is found.
 */
const shapes: Readonly<Record<string, Convert>> = {
  ApplicationCredential: (inputs, name) => [
    "application_credential",
    {
      application_credential: {
        name,
        ...inputs,
        roles: inputs.roles.map((role: string) => ({ name: role })),
      },
    },
  ],
  Flavor: (inputs) => ["flavor", { flavor: renamed(inputs, { is_public: "os-flavor-access:is_public" }) }],
  FloatingIp: (inputs) => [
    "floatingip",
    { ...renamed(inputs, { pool: undefined, tags: undefined }), floating_network_id: id },
  ],
  Instance: ({ scheduler_hints: [hints], security_groups: _, ...inputs }) => {
    const names = {
      block_devices: "block_device_mapping_v2",
      flavor_name: "flavorRef",
      image_id: "imageRef",
      image_name: "imageRef",
      key_pair: "key_name",
      stop_before_destroy: undefined,
    };
    // The provider finds ids of names.
    const server = renamed({ ...inputs, ...(inputs.image_name && { image_name: id }) }, names);
    return ["server", { server, "os:scheduler_hints": hints }];
  },
  Keypair: (inputs, name) => ["keypair", { keypair: { name, ...inputs } }],
  L7PolicyV2: (inputs) => ["l7policy", inputs],
  L7RuleV2: (inputs) => ["l7rule", renamed(inputs, { l7policy_id: undefined })],
  Listener: (inputs) => ["listener", inputs],
  LoadBalancer: (inputs) => [
    "loadbalancer",
    renamed(inputs, { loadbalancer_provider: "provider", security_group_ids: undefined }),
  ],
  Member: (inputs) => ["member", renamed(inputs, { pool_id: undefined })],
  Monitor: (inputs) => ["healthmonitor", inputs],
  Network: (inputs, name) => ["network", { name, ...renamed(inputs, { tags: undefined }) }],
  Pool: (inputs) => ["pool", renamed(inputs, { lb_method: "lb_algorithm" })],
  Port: (inputs, name) => [
    "port",
    { name, ...renamed(inputs, { security_group_ids: "security_groups", tags: undefined }) },
  ],
  Router: (inputs, name) => [
    "router",
    {
      name,
      ...renamed(inputs, { external_network_id: undefined, tags: undefined }),
      external_gateway_info: { network_id: inputs.external_network_id },
    },
  ],
  SecGroup: (inputs, name) => [
    "security_group",
    { name, ...renamed(inputs, { delete_default_rules: undefined, tags: undefined }) },
  ],
  SecGroupRule: (inputs) => ["security_group_rule", inputs],
  ServerGroup: (inputs, name) => ["server_group", { server_group: { name, ...inputs } }],
  Subnet: (inputs, name) => ["subnet", { name, ...renamed(inputs, { tags: undefined }) }],
};

/** Types whose requests no schema describes: a container is all headers, an interface one id, an access key nothing. */
const plain = ["Container", "Ec2CredentialV3", "RouterInterface"];

/** @returns undefined for a type whose requests no schema describes */
export function requestOf({ type, urn, inputs = {} }: PlannedResource): ServiceRequest | undefined {
  const kind = simpleType(type);
  if (plain.includes(kind)) return undefined;
  const convert = shapes[kind];
  if (!convert) throw new Error(`requests.ts does not know how the provider asks for a ${kind}`);
  const [schema, body] = convert(toRequest(inputs) as Inputs, urn.split("::").at(-1) ?? "");
  return { schema, body };
}

/** What the services would not take of requests, a list for each. */
export async function requestProblems(requests: readonly ServiceRequest[]): Promise<string[][]> {
  const python = join(folderOf(serverPackages.swift), "bin/python");
  const asked = promisify(execFile)(python, [join(import.meta.dirname, "validate.py")], {
    env: { ...process.env, PYTHONWARNINGS: "ignore" },
    maxBuffer: 1 << 26,
  });
  asked.child.stdin?.end(JSON.stringify(requests));
  return JSON.parse((await asked).stdout);
}
