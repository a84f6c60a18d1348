// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { planOf, type StackPlan } from "../support/plan.ts";
import { makeProject } from "./project.ts";

async function plan(program: string, config: Record<string, unknown> = {}): Promise<StackPlan> {
  return planOf("dev", { root: await makeProject(program, config) });
}

const urn = (types: string, name: string) => `urn:pulumi:dev::lab::${types}::${name}`;

describe("what a program registers", { timeout: 120_000 }, () => {
  it("has the URN, parent, dependencies and options that the engine would give it", async () => {
    const { get, dependsOn, children } = await plan(`
      const group = new Group("group", { protect: true, retainOnDelete: true });
      const one = new Thing("one", { size: 1 }, { parent: group, deleteBeforeReplace: true });
      const two = new Thing("two", { from: one.id, size: 2 }, {
        parent: group, protect: false, retainOnDelete: false, dependsOn: group, ignoreChanges: ["size"],
        replaceOnChanges: ["from"], deletedWith: one, customTimeouts: { create: "10m" }, import: "an-id",
        aliases: [{ name: "old" }, "urn:pulumi:dev::lab::lab:index:Thing::older"],
      });
      new Thing("three", { from: two.urn }, { parent: two });`);
    expect(get("one")).toEqual({
      urn: urn("lab:index:Group$lab:index:Thing", "one"),
      custom: true,
      type: "lab:index:Thing",
      inputs: { size: 1 },
      parent: urn("lab:index:Group", "group"),
      protect: true,
      provider: `${urn("pulumi:providers:lab", "default")}::[unknown]`,
      propertyDependencies: { size: [] },
      retainOnDelete: true,
      deleteBeforeReplace: true,
    });
    expect(get("two")).toEqual({
      urn: urn("lab:index:Group$lab:index:Thing", "two"),
      custom: true,
      type: "lab:index:Thing",
      inputs: { from: "${Thing:one.id}", size: 2 },
      parent: urn("lab:index:Group", "group"),
      dependencies: [get("one").urn],
      provider: `${urn("pulumi:providers:lab", "default")}::[unknown]`,
      propertyDependencies: { from: [get("one").urn], size: [] },
      aliases: [urn("lab:index:Group$lab:index:Thing", "old"), urn("lab:index:Thing", "older")],
      customTimeouts: { create: "10m" },
      importID: "an-id",
      deletedWith: get("one").urn,
      ignoreChanges: ["size"],
      replaceOnChanges: ["from"],
    });
    expect(get("three")).toMatchObject({
      urn: urn("lab:index:Group$lab:index:Thing$lab:index:Thing", "three"),
      inputs: { from: get("two").urn },
    });
    expect([dependsOn("three", "one"), dependsOn("one", "three")]).toEqual([true, false]);
    expect(children("group")).toEqual([get("one"), get("two")]);
  });

  it("has the provider that is given, or its parent's, or the default one of its version", async () => {
    const { get } = await plan(`
      const provider = new pulumi.ProviderResource("lab", "eu", { region: "eu" });
      const group = new Group("group", { providers: [provider] });
      new Thing("given", {}, { provider });
      new Thing("inherited", {}, { parent: group });
      new Thing("versioned", {}, { version: "1.2.3-alpha.1" });
      new Thing("other", {}, { parent: group }, "net:index:Thing");`);
    expect(get("eu")).toMatchObject({ type: "pulumi:providers:lab", inputs: { region: "eu" } });
    expect(get("given").provider).toBe(`${get("eu").urn}::[unknown]`);
    expect(get("inherited").provider).toBe(`${get("eu").urn}::[unknown]`);
    expect(get("versioned").provider).toBe(
      `${urn("pulumi:providers:lab", "default_1_2_3_alpha_1")}::[unknown]`,
    );
    expect(get("other").provider).toBe(`${urn("pulumi:providers:net", "default")}::[unknown]`);
  });

  it("may exist already and only be read", async () => {
    const { get, document } = await plan(`
      const old = new Thing("old", {}, { id: "thing-1" });
      new Thing("new", { id2: old.id, arn2: old.arn });`);
    expect(get("old")).toMatchObject({ id: "thing-1", external: true });
    expect(get("new").inputs).toEqual({ arn2: "${Thing:old.arn}", id2: "thing-1" });
    expect(document.changeSummary).toEqual({ create: 2, read: 1 });
  });

  it("shows files by their place in the project and their content", async () => {
    const root = await makeProject(`
      new Thing("files", {
        file: new pulumi.asset.FileAsset("./data/a.txt"), text: new pulumi.asset.StringAsset("hello"),
        folder: new pulumi.asset.FileArchive(process.cwd() + "/data"),
        outside: new pulumi.asset.FileAsset("/etc/hostname-that-is-not-there"),
        both: new pulumi.asset.AssetArchive({ "b.txt": new pulumi.asset.FileAsset("data/a.txt") }),
      });`);
    await mkdir(join(root, "data"));
    await writeFile(join(root, "data/a.txt"), "hello");
    const sha256 = createHash("sha256").update("hello").digest("hex");
    const folder = createHash("sha256").update(`a.txt\0${sha256}\n`).digest("hex");
    const { get } = await planOf("dev", { root });
    expect(get("files").inputs).toEqual({
      both: { assets: { "b.txt": { path: "data/a.txt", sha256 } } },
      file: { path: "data/a.txt", sha256 },
      folder: { path: "data", sha256: folder },
      outside: { path: "hostname-that-is-not-there", sha256: "missing" },
      text: { sha256, text: "hello" },
    });
  });
});

describe("outputs", { timeout: 120_000 }, () => {
  it("are tokens that strings, JSON and arrays carry", async () => {
    const { get, outputs } = await plan(`
      const thing = new Thing("data", {});
      const bucket = new Thing("files", {}, { parent: new Group("files", {}, "lab:index:Bucket") }, "lab:s3:Bucket");
      new Thing("policy", {
        text: pulumi.interpolate\`arn:\${bucket.arn}/*\`, list: [thing.arn, thing.id], same: bucket,
        json: pulumi.jsonStringify({ Resource: [bucket.arn] }),
        split: thing.arn.apply((arn: string) => arn.length > 0 ? [arn] : []),
      });
      export const arn = bucket.arn;`);
    expect(get("policy").inputs).toEqual({
      json: '{"Resource":["${files.arn}"]}',
      list: ["${Thing:data.arn}", "${Thing:data.id}"],
      same: "${files.id}",
      split: ["${Thing:data.arn}"],
      text: "arn:${files.arn}/*",
    });
    expect(outputs).toEqual({ arn: "${files.arn}" });
  });

  it("stay unknown where a generated class says that they are no text", async () => {
    const { get } = await plan(`
      import { Vpc } from "@pulumi/aws/ec2/vpc.js";
      class MyVpc extends Vpc {}
      for (const vpc of [new Vpc("one", { cidrBlock: "10.0.0.0/16" }), new MyVpc("two", {})]) {
        new Thing("of-" + vpc.constructor.name, {
          arn: vpc.arn, cidr: vpc.cidrBlock, tags: vpc.tagsAll, dns: vpc.enableDnsHostnames,
          length: vpc.ipv6NetmaskLength.apply((length) => length! * 2),
        });
      }`);
    expect(get("of-Vpc").inputs).toEqual({
      arn: "${Vpc:one.arn}",
      cidr: "10.0.0.0/16",
      dns: "[unknown]",
      length: "[unknown]",
      tags: "[unknown]",
    });
    expect(get("of-MyVpc").inputs).toMatchObject({ arn: "${Vpc:two.arn}", dns: "[unknown]" });
    expect(get("of-Vpc").propertyDependencies).toMatchObject({ dns: [get("one").urn] });
    expect(get("one").provider).toMatch(/pulumi:providers:aws::default_\d+_\d+_\d+::\[unknown\]$/);
  });

  it("that are calculated with as numbers are unknown, whatever their type", async () => {
    const { get } = await plan(`
      const thing = new Thing("one", {});
      new Thing("two", { port: thing.arn.apply((port: any) => port * 2) });`);
    expect(get("two").inputs).toEqual({ port: "[unknown]" });
  });
});

describe("transforms", { timeout: 120_000 }, () => {
  it("change a resource: its own first, then those of what it is in, then the stack's", async () => {
    const { get, outputs } = await plan(`
      const add = (word: string) => (args: any) => args.type === "lab:index:Group" ? undefined
        : ({ props: { ...args.props, words: [...(args.props.words ?? []), word] }, opts: args.opts });
      pulumi.runtime.registerResourceTransform(add("stack"));
      const group = new Group("group", { transforms: [add("group")] });
      const inner = new Group("inner", { parent: group, transforms: [add("inner")] });
      const thing = new Thing("thing", {}, { parent: inner, transforms: [add("own")] });
      new Thing("other", {});
      export const arn = thing.arn;`);
    expect(get("thing").inputs).toEqual({ words: ["own", "inner", "group", "stack"] });
    expect(get("other").inputs).toEqual({ words: ["stack"] });
    expect(outputs).toEqual({ arn: "${Thing:thing.arn}" });
  });

  it("get and set options, and what a resource depends on", async () => {
    const { get, dependsOn } = await plan(`
      const one = new Thing("one", {}, { protect: true });
      const two = new Thing("two", {});
      const own = ({ props, opts }: any) => ({
        props: { ...props, size: pulumi.output(props.size).apply((size: number) => size + 1) },
        opts: { ...opts, protect: true, dependsOn: [two], ignoreChanges: [...opts.ignoreChanges, "tags"],
          customTimeouts: { create: "5m" } },
      });
      new Thing("three", { size: 1, from: one.arn }, { ignoreChanges: ["size"], transforms: [own] });
      new Thing("four", { from: one.arn }, { transforms: [() => undefined] });
      pulumi.runtime.registerResourceTransform(({ name, props, opts }) =>
        name === "five" ? { props, opts: { ...opts, retainOnDelete: true } } : undefined);
      new Thing("five", { from: one.arn });`);
    expect(get("three")).toMatchObject({
      inputs: { size: 2, from: "${Thing:one.arn}" },
      protect: true,
      ignoreChanges: ["size", "tags"],
      customTimeouts: { create: "5m" },
    });
    expect(dependsOn("three", "two")).toBe(true);
    for (const name of ["four", "five"]) {
      expect(get(name).dependencies).toEqual([get("one").urn]);
      expect(get(name).propertyDependencies).toEqual({ from: [get("one").urn] });
    }
    expect(get("five").retainOnDelete).toBe(true);
    expect(get("four")).not.toHaveProperty("retainOnDelete");
  });

  it("get secrets and unknown values as outputs, and keep them so", async () => {
    const { get } = await plan(`
      const password = pulumi.secret("hunter2");
      const number = pulumi.output(pulumi.unknown);
      pulumi.runtime.registerResourceTransform(({ props, opts }) => ({
        props: { ...props, kinds: [props.password, props.list?.[0], props.number].map(pulumi.Output.isInstance),
          twice: pulumi.interpolate\`\${props.password}\${props.password}\` },
        opts,
      }));
      new Thing("two", { password, list: [password], number });`);
    expect(get("two").inputs).toEqual({
      kinds: [true, true, true],
      list: ["[secret]"],
      number: "[unknown]",
      password: "[secret]",
      twice: "[secret]",
    });
  });
});

describe("secrets", { timeout: 120_000 }, () => {
  it("are masked in inputs, outputs, logs, and in all that is made of them", async () => {
    const { get, outputs, diagnostics, document } = await plan(`
      const password = pulumi.secret('hunter"2');
      const thing = new Thing("db", { password, user: "me" }, { additionalSecretOutputs: ["arn", "user"] });
      new Thing("app", {
        url: pulumi.interpolate\`db://\${password}@host\`, json: pulumi.jsonStringify({ password }),
        arn: thing.arn, user: thing.user, passed: thing.password, nested: { list: [password, "plain"] },
        leaked: pulumi.unsecret(password).apply((text) => JSON.stringify({ text })),
        leakedArn: pulumi.unsecret(thing.arn).apply((arn) => "at " + arn),
        idOf: thing.id,
      });
      pulumi.unsecret(password).apply((text) => { console.log("it is " + text); pulumi.log.warn(text); });
      export const out = password;`);
    expect(get("db").inputs).toEqual({ password: "[secret]", user: "me" });
    expect(get("app").inputs).toEqual({
      arn: "[secret]",
      idOf: "${Thing:db.id}",
      json: "[secret]",
      leaked: '{"text":"[secret]"}',
      leakedArn: "at [secret]",
      nested: { list: ["[secret]", "plain"] },
      passed: "[secret]",
      url: "[secret]",
      user: "[secret]",
    });
    expect(outputs).toEqual({ out: "[secret]" });
    expect(diagnostics).toEqual(["warning: [secret]", "it is [secret]"]);
    expect(JSON.stringify(document)).not.toContain("hunter");
  });

  it("of the configuration are neither read nor shown", async () => {
    const { get } = await plan(
      `const config = new pulumi.Config();
       new Thing("one", { plain: config.get("key"), secret: config.getSecret("key") });`,
      { "lab:key": { secure: "v1:abc" } },
    );
    expect(get("one").inputs).toEqual({ plain: "[secret]", secret: "[secret]" });
  });
});

describe("a program that fails", { timeout: 120_000 }, () => {
  it("shows its errors as the CLI does, with paths from the project's folder on", async () => {
    const error = plan(`
      pulumi.log.info("about to fail");
      process.stderr.write("on stderr\\n");
      throw new Error("no luck");`);
    await expect(error).rejects.toThrow(/^about to fail\nerror: Running program 'index.ts' failed/);
    await expect(error).rejects.toThrow(/Error: no luck\n {4}at index\.ts:\d+:\d+\n/);
    await expect(error).rejects.toThrow(/\non stderr\n$/);
  });

  it("that ends by itself is an error too", async () => {
    await expect(plan("process.exit(7);")).rejects.toThrow(
      "error: Program exited with non-zero exit code: 7\n",
    );
  });

  it.each([
    [
      "a data source",
      `await pulumi.runtime.invoke("aws:ec2/getAmi:getAmi", { owners: ["self"] });`,
      /aws:ec2\/getAmi:getAmi is a data source, and a plan has nothing to read it from/,
    ],
    ["one URN twice", `new Thing("one"); new Thing("one");`, /Duplicate resource URN '\S+::one'/],
    [
      "a transform that fails",
      `pulumi.runtime.registerResourceTransform(() => { throw new Error("no such zone"); }); new Thing("one");`,
      /transform failed: Error: no such zone/,
    ],
    [
      "a component of a plugin",
      `class Far extends pulumi.ComponentResource {
         constructor() { super("far:index:Component", "one", {}, {}, true); }
       }
       new Far();`,
      /far:index:Component is a component that lives in a plugin/,
    ],
  ])("is one with %s", async (_, program, message) => {
    await expect(plan(program)).rejects.toThrow(message);
  });
});

describe("the program's environment", { timeout: 120_000 }, () => {
  it("has nothing of ours that could change a plan", async () => {
    process.env.AWS_REGION = "eu-west-3";
    onTestFinished(() => {
      delete process.env.AWS_REGION;
    });
    const { outputs } = await plan("export const names = Object.keys(process.env).sort();");
    expect(outputs.names).not.toContain("AWS_REGION");
    expect(outputs.names).not.toContain("HOME");
  });

  it("is that of a preview", async () => {
    const { outputs } = await plan(`
      export const facts = [pulumi.getProject(), pulumi.getStack(), pulumi.getOrganization(), pulumi.runtime.isDryRun()];`);
    expect(outputs.facts).toEqual(["lab", "dev", "organization", true]);
  });
});
