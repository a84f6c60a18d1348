import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { glob, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type * as grpc from "@grpc/grpc-js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import statuspb from "@pulumi/pulumi/proto/status_pb.js";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { processStart } from "../../providers/local/cloud/process.ts";
import { patience, processesIn } from "../support/local-cloud.ts";
import {
  environmentIn,
  executable,
  fromStruct,
  type Plugin,
  ProviderClient,
  portOf,
  startEngine,
  startPlugin,
  urnOf,
} from "../support/plugin.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

/** What the engine sends for a value that it does not know yet. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const types = {
  token: "switchyard:index:AdminToken",
  readiness: "switchyard:index:Readiness",
  cloud: "switchyard:local:Cloud",
  network: "switchyard:local:Network",
  bucket: "switchyard:local:Bucket",
  object: "switchyard:index:StoredObject",
  group: "switchyard:local:MachineGroup",
  balancer: "switchyard:local:LoadBalancer",
};
const token = urnOf(types.token, "admin");
const bucket = urnOf(types.bucket, "files");
const object = urnOf(types.object, "release");
/** Without an id, it is the cloud that has the stack's name. */
const place = { cloud: "local", access: {} };

let plugin: Plugin;
let client: ProviderClient;

beforeAll(async () => {
  plugin = await startPlugin();
  client = plugin.client;
});

afterAll(() => plugin.close());

/** A server on a free port that is closed when the test ends. */
async function httpServer(handle: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(handle).listen(0, "127.95.250.1");
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  return `http://127.95.250.1:${(server.address() as AddressInfo).port}`;
}

function readinessInputs(url: string, machines: number, timeoutSeconds: number) {
  const clusters = [{ name: "cluster1", path: "/cluster1", machines }];
  return { url, healthPath: "/healthz", release: "a".repeat(64), clusters, timeoutSeconds };
}

test("prints its port and nothing else", () => {
  expect(plugin.output()).toMatch(/^\d+\n$/);
});

describe("types", () => {
  test("refuses one it does not know, by name", async () => {
    const urn = urnOf("switchyard:index:Nothing", "n");
    const refused = 'the switchyard plugin has no resource type "switchyard:index:Nothing"';
    await expect(client.check(urn, {})).rejects.toThrow(refused);
    await expect(client.diff(urn, {}, {})).rejects.toThrow(refused);
    await expect(client.create(urn, {}, true)).rejects.toThrow(refused);
    await expect(client.create(urn, {})).rejects.toThrow(refused);
    await expect(client.read(urn, "id", {})).rejects.toThrow(refused);
    await expect(client.update(urn, "id", {}, {})).rejects.toThrow(refused);
    await expect(client.delete(urn, "id", {})).rejects.toThrow(refused);
  });

  test("takes the type of a child from the end of its qualified type", async () => {
    const urn = urnOf(`switchyard:index:Bucket$${types.bucket}`, "files");
    expect(await client.check(urn, { empty: true })).toEqual({ inputs: { empty: true }, failures: [] });
  });
});

function network(port: unknown) {
  const edge = { address: "127.95.250.2", port, allow: ["127.0.0.0/8"] };
  return { cidr: "10.95.0.0/16", subnets: ["10.95.1.0/24"], edge };
}

describe("check", () => {
  test("refuses an edge port that is taken, and names who has it", async () => {
    const server = createServer().listen(0, "127.95.250.2");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { failures } = await client.check(urnOf(types.network, "network"), network(port));
    expect(failures).toEqual([{ property: "", reason: expect.any(String) }]);
    expect(failures[0]?.reason).toMatch(
      new RegExp(
        `^127\\.95\\.250\\.2:${port} is taken by .* \\(process ${process.pid}\\); end it, or choose`,
      ),
    );
    server.close();
    await once(server, "close");
    const free = await client.check(urnOf(types.network, "network"), network(port));
    expect(free).toEqual({ inputs: network(port), failures: [] });
  });

  test("lets a taken port pass when the network has it already", async () => {
    const server = createServer().listen(0, "127.95.250.2");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const inputs = network((server.address() as AddressInfo).port);
    await client.create(bucket, { empty: true });
    const { failures } = await client.check(urnOf(types.network, "network"), inputs, inputs);
    expect(failures).toEqual([]);
  });
});

test.each(Object.values(types))("refuses to import a %s, and says what makes it", async (type) => {
  await expect(client.import(urnOf(type, "one"), "some-id")).rejects.toThrow(
    "one cannot be imported: npm run up makes it",
  );
});

describe("diff", () => {
  const olds = { bucket: "files-1", key: "a", content: { file: "x" } };

  test("is none for equal inputs, whatever the outputs are", async () => {
    expect(await client.diff(object, olds, structuredClone(olds))).toEqual({
      some: false,
      changed: [],
      replaces: [],
      deleteBeforeReplace: false,
    });
  });

  test("names changed, added and removed keys, and updates in place what it can", async () => {
    const news = { content: { file: "y" }, extra: 1, bucket: "files-1" };
    const diff = await client.diff(urnOf(types.group, "cluster1"), olds, news);
    expect(diff).toEqual({
      some: true,
      changed: ["content", "extra", "key"],
      replaces: [],
      deleteBeforeReplace: false,
    });
  });

  test("replaces an object when its key changes, the new one first", async () => {
    const diff = await client.diff(object, olds, { ...olds, key: "b", content: { file: "y" } });
    expect(diff).toEqual({
      some: true,
      changed: ["content", "key"],
      replaces: ["key"],
      deleteBeforeReplace: false,
    });
  });

  test("leaves out what the program ignores", async () => {
    const news = { ...olds, key: "b", content: { file: "y" } };
    expect(await client.diff(object, olds, news, ["key"])).toMatchObject({
      changed: ["content"],
      replaces: [],
    });
    expect(await client.diff(object, olds, news, ["key", "content"])).toMatchObject({ some: false });
  });

  test("counts what is not known yet as changed", async () => {
    const diff = await client.diff(object, olds, { ...olds, bucket: unknown });
    expect(diff).toMatchObject({ some: true, replaces: ["bucket"] });
  });
});

describe("create", () => {
  test("makes another secret of 256 bits each time, shows none in a preview, and writes none anywhere", async () => {
    expect(await client.create(token, {}, true)).toEqual({ id: "", properties: {} });
    const made = await Promise.all([client.create(token, {}), client.create(token, {})]);
    for (const { id, properties } of made) {
      const secret = properties.token as string;
      expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(properties).toEqual({
        token: secret,
        sha256: createHash("sha256").update(secret).digest("hex"),
      });
      expect(id).not.toBe("");
      expect(secret).not.toContain(id);
      expect(plugin.output() + plugin.engine.lines.join("\n")).not.toContain(secret);
    }
    expect(made[0]?.properties.token).not.toBe(made[1]?.properties.token);
    expect(made[0]?.id).not.toBe(made[1]?.id);
  });

  test("previews a load balancer's URL as soon as its address is known", async () => {
    const urn = urnOf(types.balancer, "edge");
    const inputs = { address: "127.95.250.3", port: 8080, backends: [{ groups: [unknown] }] };
    const { id, properties } = await client.create(urn, inputs, true);
    expect({ id, url: properties.url }).toEqual({ id: "", url: "http://127.95.250.3:8080" });
    const later = await client.create(urn, { ...inputs, port: unknown }, true);
    expect(later.properties).not.toHaveProperty("url");
  });

  test("previews a change of that URL", async () => {
    const olds = { address: "127.95.250.3", port: 8080, url: "http://127.95.250.3:8080" };
    const news = { address: "127.95.250.3", port: 8081 };
    const properties = await client.update(urnOf(types.balancer, "edge"), "edge-1", olds, news, true);
    expect(properties.url).toBe("http://127.95.250.3:8081");
  });
});

describe("the local cloud's resources", () => {
  test("a create that is sent twice makes one bucket, of the same name", async () => {
    const first = await client.create(bucket, { empty: true });
    const again = await client.create(bucket, { empty: true });
    expect(first.id).toMatch(/^files-[0-9a-f]{7}$/);
    expect(again).toEqual(first);
    const other = await client.create(urnOf(types.bucket, "other"), { empty: true });
    expect(other.id).toMatch(/^other-[0-9a-f]{7}$/);
  });

  test("a cloud takes the place of one that had no name of its own once, and is found by its name alone", async () => {
    const { id: old } = await client.create(bucket, { empty: true });
    const cloud = urnOf(types.cloud, "cloud");
    const [first, second] = [await client.create(cloud, {}), await client.create(cloud, {})];
    expect(join(dirname(plugin.home), first.id)).toBe(plugin.home);
    expect(second.id).toMatch(new RegExp(`^${basename(plugin.home)}-[0-9a-f]{8}$`));
    const renamed = bucket.replace("plugin-test", "another-name");
    expect((await client.read(renamed, old, { empty: true, cloud: first.id })).inputs).toEqual({
      empty: true,
      cloud: first.id,
    });
    expect((await client.read(renamed, old, { empty: true, cloud: second.id })).id).toBe("");
    await client.create(renamed, { empty: true, cloud: second.id });
    const home = join(dirname(plugin.home), second.id);
    await client.create(urnOf(types.network, "network"), { ...network(8080), cloud: second.id });
    expect(await processesIn(home)).not.toEqual([]);
    await client.delete(cloud, second.id, {});
    expect(await processesIn(home)).toEqual([]);
    expect(existsSync(join(home, "buckets"))).toBe(true);
    await client.delete(renamed, `${(await readdir(join(home, "buckets")))[0]}`, {
      empty: true,
      cloud: second.id,
    });
    await client.delete(cloud, second.id, {});
    expect(existsSync(home)).toBe(false);
    await client.delete(cloud, second.id, {});
    await expect(client.read(bucket, old, { empty: true, cloud: "../elsewhere" })).rejects.toThrow(
      '"../elsewhere" is no name of a local cloud\'s folder',
    );
  });

  test("a network whose cloud is gone is refused, with what to do", async () => {
    const news = { ...network(8080), cloud: "gone-00000000" };
    const { failures } = await client.check(urnOf(types.network, "network"), news, news);
    expect(failures).toEqual([
      { property: "", reason: expect.stringContaining("`npm run refresh` records that") },
    ]);
  });

  test("an object is stored, found, changed, and gone after its delete", async () => {
    const { id: bucketName } = await client.create(bucket, { empty: true });
    const file = join(plugin.home, "content");
    await writeFile(file, "some bytes");
    const sha256 = createHash("sha256").update("some bytes").digest("hex");
    const inputs = { ...place, bucket: bucketName, key: "releases/a", content: { file, sha256 } };
    const { id } = await client.create(object, inputs);
    expect(id).toBe(`${bucketName}/releases/a`);
    expect(await client.read(object, id, inputs)).toEqual({ id, inputs, properties: inputs });
    expect(await client.update(object, id, inputs, { ...inputs, more: 1 })).toEqual({ ...inputs, more: 1 });
    await client.delete(object, id, inputs);
    expect(await client.read(object, id, inputs)).toEqual({ id: "", inputs: {}, properties: {} });
    await client.delete(object, id, inputs);
  });

  test("an input that is not given again is gone from the state, in previews too; outputs stay", async () => {
    const { id } = await client.create(bucket, { empty: true, more: 1 });
    const state = { empty: true, more: 1, made: "then" };
    const given = { empty: true, more: 1 };
    for (const preview of [true, false]) {
      const after = await client.update(bucket, id, state, { empty: true }, preview, given);
      expect(after).toEqual({ empty: true, made: "then" });
    }
  });

  test("what is named by its content is not stored when it is damaged, and stored again when it is other", async () => {
    const { id: bucketName } = await client.create(bucket, { empty: true });
    const file = join(plugin.home, "content");
    await writeFile(file, "some bytes");
    const sha256 = createHash("sha256").update("some bytes").digest("hex");
    const inputs = { ...place, bucket: bucketName, key: "releases/b", content: { file, sha256 } };
    await writeFile(file, "some");
    await expect(client.create(object, inputs)).rejects.toThrow(
      `${file} has the sha256 ${createHash("sha256").update("some").digest("hex")}, and must have ${sha256}: it is damaged`,
    );
    expect(await client.read(object, "x", inputs)).toMatchObject({ id: "" });
    await writeFile(file, "some bytes");
    const { id } = await client.create(object, inputs);
    expect(await client.read(object, id, inputs)).toMatchObject({ id });
    const [stored = ""] = await Array.fromAsync(glob(`${plugin.home}/**/buckets/${bucketName}/releases/b`));
    await writeFile(stored, "other");
    expect(await client.read(object, id, inputs)).toMatchObject({ id: "" });
  });

  test("refuses to store a file that is not there, and names it", async () => {
    const inputs = { ...place, bucket: "files", key: "a", content: { file: "/nowhere/at/all", sha256: "" } };
    await expect(client.create(object, inputs)).rejects.toThrow(
      "the file to be stored is missing: /nowhere/at/all",
    );
  });

  test.each(["network", "bucket", "group", "balancer"] as const)(
    "reads a %s that is gone as gone",
    async (kind) => {
      const read = await client.read(urnOf(types[kind], "gone"), "gone-0000000", { some: "input" });
      expect(read).toEqual({ id: "", inputs: {}, properties: {} });
    },
  );

  test("reads what was changed behind its back", async () => {
    const { id } = await client.create(bucket, { empty: true });
    await client.update(bucket, id, { empty: true }, { empty: false });
    expect((await client.read(bucket, id, { empty: true })).inputs).toEqual({ empty: false });
  });

  test("keeps a bucket with data in it, and says how to delete it", async () => {
    const inputs = { empty: false };
    const { id: bucketName } = await client.create(bucket, inputs);
    const file = join(plugin.home, "content");
    await writeFile(file, "some bytes");
    const sha256 = createHash("sha256").update("some bytes").digest("hex");
    const content = { file, sha256 };
    await client.create(object, { ...place, bucket: bucketName, key: "files/data.csv", content });
    await expect(client.delete(bucket, bucketName, inputs)).rejects.toThrow(
      `bucket ${bucketName} holds 1 files: to delete them with it, set switchyard:bucket to`,
    );
    await client.update(bucket, bucketName, inputs, { empty: true });
    await client.delete(bucket, bucketName, { empty: true });
    expect((await client.read(bucket, bucketName, inputs)).id).toBe("");
  });
});

describe("readiness", () => {
  test("an update that fails is recorded as tried, with its reason", async () => {
    const url = await httpServer((_, response) => void response.writeHead(503).end());
    const news = readinessInputs(url, 1, 0.1);
    const urn = urnOf(types.readiness, "ready");
    const error = await client.update(urn, "id-1", { ...news, timeoutSeconds: 9 }, news).then(
      () => undefined,
      (error: grpc.ServiceError) => error,
    );
    const [bytes] = error?.metadata.get("grpc-status-details-bin") ?? [];
    const [any] = statuspb.Status.deserializeBinary(bytes as Buffer).getDetailsList();
    expect(any?.getTypeUrl()).toBe("type.googleapis.com/pulumirpc.ErrorResourceInitFailed");
    const detail = pb.ErrorResourceInitFailed.deserializeBinary(any?.getValue_asU8() ?? new Uint8Array());
    expect(detail.getId()).toBe("id-1");
    expect(detail.getReasonsList()).toEqual([expect.stringContaining("cluster1: 0 of 1 machines")]);
    expect(fromStruct(detail.getProperties())).toEqual(news);
  });

  test("Cancel ends a wait, and every later one", async () => {
    const other = await startPlugin();
    onTestFinished(() => other.close());
    const url = await httpServer((_, response) => void response.end());
    const urn = urnOf(types.readiness, "ready");
    const inputs = readinessInputs(url, 1, 600);
    const waiting = other.client.create(urn, inputs);
    waiting.catch(() => {}); // it is looked at below
    await expect.poll(() => other.engine.lines, patience).toContain("cluster1: 0 of 1 machines");
    await other.client.cancel();
    await expect(waiting).rejects.toThrow("the deployment was cancelled");
    await expect(other.client.create(urn, inputs)).rejects.toThrow("the deployment was cancelled");
  });
});

test("ends by itself when the engine is killed, in the middle of a wait", async () => {
  const folder = await mkdtemp(join(tmpdir(), "plugin-"));
  const engine = await startEngine();
  // The shell stands for the engine: it starts the plugin, and is killed.
  const shell = spawn("sh", ["-c", '"$0" "$1" & echo "plugin $!"; wait', executable, engine.address], {
    env: environmentIn(folder),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { port, output } = portOf(shell);
  const waiting = new ProviderClient(await port);
  onTestFinished(async () => {
    waiting.close();
    engine.close();
    await rm(folder, { recursive: true });
  });
  const pid = Number(/plugin (\d+)/.exec(output())?.[1]);
  expect(processStart(pid)).toBeDefined();
  const url = await httpServer((_, response) => void response.end());
  const create = waiting.create(urnOf(types.readiness, "ready"), readinessInputs(url, 1, 600));
  create.catch(() => {}); // it is looked at below
  await expect.poll(() => engine.lines, patience).toContain("cluster1: 0 of 1 machines");
  shell.kill("SIGKILL");
  await expect(create).rejects.toThrow();
  await expect.poll(() => processStart(pid), patience).toBeUndefined();
});
