import { readdirSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import type { PlannedResource } from "../../../plan/plan.ts";

const root = join(import.meta.dirname, "../../..");
/** A file that is not there, in a folder from which the SDK is found. */
const file = join(root, "planned-inputs.ts");

const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
};

/** What of planned inputs the SDK's types do not have, or have otherwise: names and types, however deep. */
export function typeProblems(resources: readonly PlannedResource[]): string[] {
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  const source = sourceOf(resources);
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? source : readFile(name));
  host.getSourceFile = (name, ...more) =>
    name === file ? ts.createSourceFile(name, source, options.target ?? 99) : getSourceFile(name, ...more);
  const program = ts.createProgram([file], options, host);
  const checked = program.getSourceFile(file);
  return [...program.getSyntacticDiagnostics(checked), ...program.getSemanticDiagnostics(checked)].map(
    ({ messageText, start = 0 }) => {
      const line = source.slice(0, start).split("\n").length - 1;
      return `${resources[Math.floor((line - 1) / 2)]?.urn}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
    },
  );
}

/** A line that declares secrets, and then two lines for each resource: a comment, and its inputs by their type. */
function sourceOf(resources: readonly PlannedResource[]): string {
  const lines = resources.map(({ type, urn, inputs }, at) => {
    const [, module = "", name = ""] = /^openstack:([^:]+):(\w+)$/.exec(type) ?? [];
    const path = moduleOf(module);
    const value = JSON.stringify(inputs ?? {}).replaceAll('"[secret]"', "secret");
    return `// ${urn}\nexport const _${at}: import("@pulumi/openstack/${path}.js").${name}Args = ${value};`;
  });
  // A plan shows no secret, so its type is not known either.
  return `declare const secret: any;\n${lines.join("\n")}\n`;
}

/** Where the SDK has a module of a type: `loadbalancer/l7PolicyV2` is in l7policyV2. */
function moduleOf(module: string): string {
  const [folder = "", name = ""] = module.split("/");
  const files = readdirSync(join(root, "node_modules/@pulumi/openstack", folder));
  const found = files.find((entry) => entry.toLowerCase() === `${name}.d.ts`.toLowerCase()) ?? `${name}.d.ts`;
  return `${folder}/${found.slice(0, -".d.ts".length)}`;
}
