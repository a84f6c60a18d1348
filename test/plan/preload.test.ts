import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Runs code as the program is run, and reads what it prints as JSON. */
async function run(code: string): Promise<unknown> {
  const args = ["--import", "./plan/preload.ts", "--input-type=commonjs", "--eval", code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  return JSON.parse(stdout);
}

/** Every file that Node.js opened as a module, whoever asked for it: their names, as packages have them. */
const seen = `
  const { Module } = require("node:module");
  const seen = new Set();
  const compile = Module.prototype._compile;
  Module.prototype._compile = function (content, file, ...rest) {
    seen.add(/.*node_modules.((?:@[^/]+.)?[^/]+)/.exec(file)?.[1]);
    return compile.call(this, content, file, ...rest);
  };`;
const heavy =
  /typescript|arborist|normalize-package-data|opentelemetry.(exporter|sdk|instrumentation|resources)/;

test("Pulumi's SDK loads no compiler, package installer or exporter before they are used", async () => {
  const names = (await run(`${seen}
    require("@pulumi/pulumi");
    require("@pulumi/pulumi/cmd/run/tracing");
    console.log(JSON.stringify([...seen]));`)) as string[];
  expect(names).toContain("@pulumi/pulumi");
  expect(names.filter((name) => heavy.test(name))).toEqual([]);
});

test("a function is handed to the cloud as ever", async () => {
  const code = `
    const pulumi = require("@pulumi/pulumi");
    const greeting = { text: "Hello" };
    const handler = (name) => greeting.text + name + pulumi.getProject();
    pulumi.runtime.serializeFunction(handler).then(({ text }) => console.log(JSON.stringify(text)));`;
  const args = ["--input-type=commonjs", "--eval", code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  expect(stdout).toContain("Hello");
  expect(await run(code)).toBe(JSON.parse(stdout));
});

test("the packages of such a function are found, and the Automation API is there", async () => {
  const [paths, automation] = (await run(`
    const pulumi = require("@pulumi/pulumi");
    pulumi.runtime.computeCodePaths({ extraIncludePackages: ["yaml"] }).then((paths) =>
      console.log(JSON.stringify([[...paths.keys()], typeof pulumi.automation.LocalWorkspace.create])));`)) as [
    string[],
    string,
  ];
  expect(paths.some((path) => path.includes("node_modules/yaml"))).toBe(true);
  expect(automation).toBe("function");
});

test("traces are sent where the CLI asks for them", async () => {
  const bodies: unknown[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(JSON.parse(Buffer.concat(await Array.fromAsync(request)).toString()));
    response.writeHead(202).end();
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await run(`
    const tracing = require("@pulumi/pulumi/cmd/run/tracing");
    tracing.start("http://127.0.0.1:${port}/api/v2/spans");
    tracing.newSpan("a span of this test").end();
    tracing.stop();
    console.log(1);`);
  expect(JSON.stringify(bodies)).toContain("a span of this test");
});

test("an error in the program names its file and line, and no trace is lost but those that nobody reads", async () => {
  const stack = await run(`
    const { debuggablePromise } = require("@pulumi/pulumi/runtime/debuggable");
    debuggablePromise(Promise.resolve(), "a promise");
    console.log(JSON.stringify(new Error("here").stack));`);
  expect(stack).toMatch(/^Error: here\n +at \[eval\]:4:/);
});
