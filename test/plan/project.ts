import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const nodeModules = join(import.meta.dirname, "../../node_modules");

/** A Pulumi project of its own with one stack `dev`, in a folder that is gone after the test. */
export async function makeProject(program: string, config: Record<string, unknown> = {}): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "plan-"));
  onTestFinished(() => rm(root, { recursive: true }));
  await symlink(nodeModules, join(root, "node_modules"));
  const files = {
    "package.json": { type: "module" },
    "Pulumi.yaml": { name: "lab", runtime: "nodejs", main: "index.ts" },
    "Pulumi.dev.yaml": { config },
  };
  for (const [name, content] of Object.entries(files))
    await writeFile(join(root, name), JSON.stringify(content));
  await writeFile(join(root, "index.ts"), prelude + program);
  return root;
}

/** Resources as a generated SDK has them, of a package that needs no types: outputs without a value are named too. */
const prelude = `import * as pulumi from "@pulumi/pulumi";
class Thing extends pulumi.CustomResource {
  constructor(name: string, props: object = {}, opts: object = {}, type = "lab:index:Thing") {
    super(type, name, { arn: undefined, ...props }, opts);
  }
}
class Group extends pulumi.ComponentResource {
  constructor(name: string, opts: object = {}, type = "lab:index:Group") {
    super(type, name, {}, opts);
  }
}
`;
