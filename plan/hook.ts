/**
 * Loaded before the program (`node --import`), in the process that runs it. Which outputs a resource has is not said on
 * the wire: only its constructor's property bag names them, also those that have no value yet. So this adds, to what the
 * recorder answers, a token for each output that is text; all others stay unknown, as in any preview.
 */
import "./preload.ts";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { type Labels, labelsKey } from "./labels.ts";

const require = createRequire(join(process.cwd(), "package.json"));
const rpc = require("@pulumi/pulumi/runtime/rpc.js");
const resolveProperties = rpc.resolveProperties as (
  resource: object,
  resolvers: Readonly<Record<string, unknown>>,
  type: string,
  name: string,
  outputs: Record<string, unknown>,
  ...rest: unknown[]
) => void;
if (typeof resolveProperties !== "function" || typeof rpc.specialSecretSig !== "string") {
  throw new Error(
    "This version of @pulumi/pulumi resolves outputs in a way that plan/hook.ts does not know.",
  );
}

rpc.resolveProperties = ((resource, resolvers, type, name, outputs, ...rest) => {
  const { [labelsKey]: labels, ...known } = outputs as { [labelsKey]?: Labels };
  if (labels) Object.assign(known, tokens(resource, Object.keys(resolvers), known, labels));
  resolveProperties(resource, resolvers, type, name, known, ...rest);
}) satisfies typeof resolveProperties;

// Five lines and more for each resource, each a call that the next one waits for, which the recorder would only drop: a
// quarter of the time that a large plan takes.
require("@pulumi/pulumi/log/index.js").debug = () => Promise.resolve();

function tokens(
  resource: object,
  names: readonly string[],
  known: Readonly<Record<string, unknown>>,
  { label, secrets }: Labels,
): Record<string, unknown> {
  const isText = textOutputs(resource.constructor);
  const missing = names.filter((name) => !Object.hasOwn(known, name) && isText(name));
  return Object.fromEntries(
    missing.map((name) => {
      const token = `\${${label}.${name}}`;
      const secret = { [rpc.specialSigKey]: rpc.specialSecretSig, value: token };
      return [name, secrets.includes(name) ? secret : token];
    }),
  );
}

type IsText = (output: string) => boolean;
const declared = new Map<unknown, IsText>();

/** Tells a class's text outputs by its type declarations; where there are none, as in this project, all are text. */
function textOutputs(type: { readonly name: string }): IsText {
  let isText = declared.get(type);
  if (!isText) {
    const source = declarationsOf(type);
    const texts = new Set(source?.matchAll(textOutput).map(([, name]) => name));
    isText = source === undefined ? () => true : (output) => texts.has(output);
    declared.set(type, isText);
  }
  return isText;
}

/** `readonly arn: pulumi.Output<string | undefined>;` and the like, also of string literals. */
const textOutput =
  /readonly (\w+): (?:pulumi\.)?Output<(?:string|"[^"]*")(?: \| (?:string|undefined|"[^"]*"))*>;/g;

/** The `.d.ts` beside the CommonJS file that a generated class, or the nearest one it extends, stands in. */
function declarationsOf(type: { readonly name: string } | null): string | undefined {
  if (!type?.name || type.name === "CustomResource") return undefined;
  const file = Object.values(require.cache).find(
    (module) =>
      module &&
      basename(module.filename).toLowerCase() === `${type.name.toLowerCase()}.js` &&
      Object.getOwnPropertyDescriptor(module.exports, type.name)?.value === type,
  )?.filename;
  const declarations = file?.replace(/\.js$/, ".d.ts");
  if (declarations && existsSync(declarations)) return readFileSync(declarations, "utf8");
  return declarationsOf(Object.getPrototypeOf(type));
}
