import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { extract, list } from "tar";
import { afterAll, expect, test, vi } from "vitest";
import { buildRelease, type ReleaseBuild } from "../../release/build.ts";
import { spawnApp, startApp } from "../service/process.ts";

vi.setConfig({ testTimeout: 60_000 });

const root = join(import.meta.dirname, "../..");
const folders: string[] = [];

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-release-"));
  folders.push(folder);
  return folder;
}

/** A copy of what a release is built from, deep in a folder of its own. */
async function copyOfProject(...below: string[]): Promise<string> {
  const copy = join(await temporaryFolder(), ...below);
  await mkdir(copy, { recursive: true });
  await cp(join(root, "service"), join(copy, "service"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json"]) await cp(join(root, name), join(copy, name));
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  // What has only just been saved counts as changed since (release/record.ts).
  const { ctimeMs } = await stat(join(copy, "tsconfig.json"));
  await vi.waitUntil(() => Date.now() - ctimeMs > 50, { interval: 10 });
  return copy;
}

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** Builds in a process of its own, with another umask and time zone. */
async function buildElsewhere(folder: string): Promise<ReleaseBuild> {
  const module = pathToFileURL(join(root, "release/build.ts")).href;
  const script = `
    process.umask(0o077);
    const { buildRelease } = await import(${JSON.stringify(module)});
    console.log(JSON.stringify(await buildRelease({ root: ${JSON.stringify(folder)} })));
  `;
  const env = { TZ: "Asia/Kathmandu" };
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
    env,
  });
  return JSON.parse(stdout);
}

test("R5.2: the same sources give the same archive in any folder, umask and time zone", async () => {
  const first = await copyOfProject();
  const second = await copyOfProject("some", "where", "else");
  const options = await readFile(join(second, "tsconfig.json"), "utf8");
  await writeFile(join(second, "tsconfig.json"), options.replace("es2024", "es2022"));
  const one = await buildRelease({ root: first });
  const content = await readFile(join(first, one.file));
  expect(one.file).toBe(`.switchyard/releases/${one.sha256}.tar.gz`);
  expect(createHash("sha256").update(content).digest("hex")).toBe(one.sha256);
  expect(await buildElsewhere(second)).toEqual(one);
  expect((await buildRelease({ root, outDir: first })).sha256).toBe(one.sha256);
});

test("R5.2: a changed source gives another archive", async () => {
  const copy = await copyOfProject();
  const before = await buildRelease({ root: copy });
  const file = join(copy, "service/routes/health.ts");
  const source = await readFile(file, "utf8");
  await writeFile(file, source.replace('send("Healthy!")', 'send("Healthy.")'));
  expect(await readFile(file, "utf8")).not.toBe(source);
  expect((await buildRelease({ root: copy })).sha256).not.toBe(before.sha256);
});

test("an archive that is there is not written again, and nothing is left beside it", async () => {
  const copy = await copyOfProject();
  const { file } = await buildRelease({ root: copy });
  const before = await stat(join(copy, file), { bigint: true });
  await buildRelease({ root: copy });
  const after = await stat(join(copy, file), { bigint: true });
  expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
  const left = await readdir(join(copy, ".switchyard/releases"));
  expect(left.sort()).toEqual(
    [`${file.split("/").at(-1)}`, "last.json", "parts", "types.tsbuildinfo"].sort(),
  );
});

test("an archive that was cut short is made again", async () => {
  const copy = await copyOfProject();
  const { file, sha256 } = await buildRelease({ root: copy });
  await truncate(join(copy, file), 1000);
  expect(await buildRelease({ root: copy })).toEqual({ file, sha256 });
  const content = await readFile(join(copy, file));
  expect(createHash("sha256").update(content).digest("hex")).toBe(sha256);
});

test("an error in the sources is reported by file and line", async () => {
  const copy = await copyOfProject();
  await writeFile(
    join(copy, "service/server.ts"),
    'import { run } from "../components/run.ts";\n\nvoid run(;\n',
  );
  const error = await buildRelease({ root: copy }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  const { message } = error as Error;
  expect(message).toContain("service/server.ts:3:9:");
  expect(message).toContain('Unexpected ";"');
  expect(message).not.toContain("node_modules");
});

test("a type error is one, also in a file of which nothing but types is used", async () => {
  const copy = await copyOfProject();
  const good = await buildRelease({ root: copy });
  const file = join(copy, "service/context.ts");
  const source = await readFile(file, "utf8");
  await writeFile(file, `${source}export const wrong: number = "text";\n`);
  const line = source.split("\n").length;
  await expect(buildRelease({ root: copy })).rejects.toThrow(
    `the service's types are wrong:\nservice/context.ts(${line},14): error TS2322: Type 'string' is not assignable`,
  );
  await writeFile(file, source);
  expect(await buildRelease({ root: copy })).toEqual(good);
});

test("the archive holds the app and a file for each store, which run in an empty folder", async () => {
  const folder = await temporaryFolder();
  // The folder above says what it says of most projects; the release must not care.
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  const { sha256 } = await buildRelease({ root, outDir: folder });
  const file = join(folder, `${sha256}.tar.gz`);
  const entries: unknown[] = [];
  await list({ file, onReadEntry: ({ path, mode, uid, gid }) => entries.push([path, mode, uid, gid]) });
  const stores = { gcs: "openGcs", local: "openLocal", s3: "openS3", swift: "openSwift" };
  const storeFiles = ["storage-errors.js", ...Object.keys(stores).map((name) => `storage-${name}.js`)];
  const page = ["favicon-16x16.png", "favicon-32x32.png", "index.css", "swagger-ui-bundle.js"];
  const pageFiles = [...page, "swagger-ui-standalone-preset.js", "swagger-ui.css"].map(
    (name) => `swagger-ui/${name}`,
  );
  const clouds = ["compute-aws.js", "compute-gcp.js", "compute-local.js", "compute-openstack.js"];
  const withMaps = [...clouds, "docs.js", "server.js", ...storeFiles].flatMap((name) => [
    name,
    `${name}.map`,
  ]);
  const schedules = ["page/index.html", "page/page.css", "page/page.js"];
  const names = ["package.json", ...withMaps, ...pageFiles, ...schedules];
  expect(entries).toEqual(names.map((name) => [name, 0o644, 0, 0]));

  const cwd = join(folder, "unpacked");
  await mkdir(cwd);
  await extract({ file, cwd });
  const load = createRequire(join(cwd, "server.js"));
  for (const [name, open] of Object.entries(stores)) {
    expect(load(`./storage-${name}.js`)).toEqual({ [open]: expect.any(Function) });
  }
  const errors = load("./storage-errors.js");
  const gone = { STORE: "local", BUCKET: "files", IDENTITY_URL: "http://127.0.0.1:1/machines/1" };
  const store = load("./storage-local.js").openLocal(gone);
  const failure = await store.stat("file", AbortSignal.timeout(10_000)).catch((error: unknown) => error);
  expect(failure, "an error that the app knows").toBeInstanceOf(errors.StoreError);

  const app = await startApp(join(cwd, "server.js"), { RELEASE: sha256 }, cwd);
  const answer = await fetch(`http://127.0.0.1:${app.port}/`);
  expect(answer.headers.get("x-release")).toBe(sha256);
  expect(await answer.json()).toEqual({
    status: 200,
    message: "Successfully connected to day02 upload/download API",
  });
  const document = await fetch(`http://127.0.0.1:${app.port}/openapi.json`);
  expect(await document.json()).toMatchObject({ openapi: "3.1.0" });
  for (const path of ["/docs", "/docs/static/swagger-ui-bundle.js", "/docs/static/swagger-ui.css"]) {
    expect((await fetch(`http://127.0.0.1:${app.port}${path}`)).status, path).toBe(200);
  }
  app.child.kill("SIGTERM");
  expect(await app.exited).toBe(0);

  const controller = { ROLE: "controller", COMPUTE: "local", PEAK_GROUPS: "[]", MAX_MACHINES: "1", ...gone };
  const other = await startApp(join(cwd, "server.js"), controller, cwd);
  for (const path of ["/", "/page.js", "/page.css", "/groups", "/openapi.json", "/docs"]) {
    expect((await fetch(`http://127.0.0.1:${other.port}${path}`)).status, path).toBe(200);
  }
  other.child.kill("SIGTERM");
  expect(await other.exited).toBe(0);
});

test("an error's place is that in the sources: while the app is loaded or started, in a request, and where nobody catches it", async () => {
  const copy = await copyOfProject();
  const faults: [when: string, file: string, at: string][] = [
    ["load", "service/routes/health.ts", "/** `GET /healthz`, the health check"],
    ["start", "service/app.ts", "  const never = new AbortController().signal;"],
    ["request", "service/routes/root.ts", "      reply.send(greeting);"],
    ["later", "service/routes/cluster.ts", "reply"],
  ];
  const places = new Map<string, string>();
  for (const [when, file, at] of faults) {
    const path = join(copy, file);
    const source = await readFile(path, "utf8");
    const lines = source.split("\n");
    const line = lines.findIndex((text) => text.includes(at) && /;$|\*\/$/.test(text));
    expect(line, file).toBeGreaterThan(0);
    const fault = `if (process.env.FAULT === "${when}") throw new Error("fault of ${when}");`;
    lines.splice(line, 0, when === "later" ? `setImmediate(() => { ${fault} });` : fault);
    places.set(when, `${file}:${line + 1}`);
    await writeFile(path, lines.join("\n"));
  }
  const { file } = await buildRelease({ root: copy });
  const cwd = join(await temporaryFolder(), "a folder");
  await mkdir(cwd);
  await extract({ file: join(copy, file), cwd });
  const server = join(cwd, "server.js");

  for (const when of ["load", "start"]) {
    const { exited, errors } = spawnApp(server, { FAULT: when }, cwd);
    expect(await exited).toBe(1);
    const [first, ...stack] = errors().split("\n");
    expect(first).toBe(`Error: fault of ${when}`);
    expect(stack[0]).toMatch(new RegExp(`^ +at .*${places.get(when)}:\\d+\\)?$`));
    expect(
      Math.max(
        ...errors()
          .split("\n")
          .map(({ length }) => length),
      ),
    ).toBeLessThan(300);
  }

  const app = await startApp(server, { FAULT: "request" }, cwd);
  expect((await fetch(`http://127.0.0.1:${app.port}/`)).status).toBe(500);
  const failed = JSON.parse(await app.logged(/request failed/));
  expect(failed.err.stack).toMatch(
    new RegExp(`^Error: fault of request\n +at .*${places.get("request")}:\\d+`),
  );
  app.child.kill("SIGTERM");
  expect(await app.exited).toBe(0);

  const crashing = await startApp(server, { FAULT: "later" }, cwd);
  await fetch(`http://127.0.0.1:${crashing.port}/cluster1`).catch(() => undefined);
  const crashed = JSON.parse(await crashing.logged(/"crashed"/));
  expect(crashed.err.stack).toMatch(new RegExp(`^Error: fault of later\n +at .*${places.get("later")}:\\d+`));
  expect(await crashing.exited).toBe(1);
});

test("a change in the same folder is seen, and so is its undoing, a lost archive and a damaged record", async () => {
  const copy = await copyOfProject();
  const build = () => buildRelease({ root: copy });
  const source = join(copy, "service/server.ts");
  const before = await readFile(source);
  const first = await build();
  const parts = join(copy, ".switchyard/releases/parts");
  const inode = async (part: string) => (await stat(join(parts, part))).ino;
  const [server, store] = [await inode("server"), await inode("storage-s3")];
  await writeFile(source, `${before}\nprocess.title = "changed";\n`);
  expect((await build()).sha256).not.toBe(first.sha256);
  // What the change is not in is not bundled again.
  expect(await inode("server")).not.toBe(server);
  expect(await inode("storage-s3")).toBe(store);
  await writeFile(source, before);
  expect(await build()).toEqual(first);
  await rm(join(copy, first.file));
  expect(await build()).toEqual(first);
  expect((await stat(join(copy, first.file))).size).toBeGreaterThan(0);
  await truncate(join(parts, "storage-gcs"), 1000);
  await rm(join(parts, "docs"));
  await writeFile(join(parts, "server.json"), "{");
  await writeFile(join(copy, ".switchyard/releases/last.json"), "{");
  expect(await build()).toEqual(first);
});

test("what is saved or removed while it is built is built the next time", async () => {
  const copy = await copyOfProject();
  const [changed, gone] = ["service/routes/health.ts", "service/unused.ts"].map((file) => join(copy, file));
  const record = join(copy, ".switchyard/releases/parts/page.json");
  const buildWhile = async (happens: () => Promise<void>) => {
    await rm(record, { force: true });
    const building = buildRelease({ root: copy });
    await expect.poll(() => existsSync(record), { timeout: 60_000, interval: 5 }).toBe(true);
    await happens();
    return await building;
  };
  const other = 'Object.assign(globalThis, { changed: "meanwhile" });\n';
  const first = await buildWhile(() => writeFile(`${changed}`, other, { flag: "a" }));
  await writeFile(`${gone}`, "export {};\n");
  const second = await buildWhile(() => rm(`${gone}`));
  expect(second.sha256).not.toBe(first.sha256);
  expect(await buildRelease({ root: copy })).toEqual(second);
});

test("of builds at the same time one does the work; none waits for one that was killed", async () => {
  const copy = await copyOfProject();
  const folder = join(copy, ".switchyard/releases");
  const ended = spawn("true");
  await once(ended, "exit");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "building"), String(ended.pid));
  const first = buildRelease({ root: copy });
  await expect.poll(() => existsSync(join(folder, "parts/page.json")), { timeout: 60_000 }).toBe(true);
  const bundled = await stat(join(folder, "parts/server"));
  const [one, other] = await Promise.all([first, buildElsewhere(copy)]);
  expect(other).toEqual(one);
  expect((await stat(join(folder, "parts/server"))).ino).toBe(bundled.ino);
  expect((await readdir(folder)).includes("building")).toBe(false);
});
