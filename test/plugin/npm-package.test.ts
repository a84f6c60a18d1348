import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fetchNpmPackage, type NpmPackage } from "../../plugin/npm-package.ts";

vi.setConfig({ testTimeout: 30_000 });

const name = "some-runtime";
const integrityOf = (bytes: Buffer) => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;

let folder: string;
let cache: string;
let registry: Server;
let requests: string[];
let tarball: Buffer;
let wanted: NpmPackage;

/** A package's tarball as npm publishes it. */
async function publishable(version: string): Promise<Buffer> {
  const root = join(folder, "package");
  await mkdir(root, { recursive: true });
  await writeFile(join(root, "package.json"), JSON.stringify({ name, version }));
  return execFileSync("tar", ["-czf", "-", "-C", folder, "package"]);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "packages-"));
  cache = join(folder, "cache");
  tarball = await publishable("1.2.3");
  requests = [];
  registry = createServer((request, response) => {
    requests.push(request.url ?? "");
    const url = `http://${request.headers.host}/${name}/-/${name}-1.2.3.tgz`;
    const dist = { tarball: url, integrity: integrityOf(tarball) };
    const versions = { "1.2.3": { name, version: "1.2.3", dist } };
    if (request.url === `/${name}`) {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ name, "dist-tags": { latest: "1.2.3" }, versions }));
    } else if (request.url === new URL(url).pathname) response.end(tarball);
    else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(registry, "listening");
  vi.stubEnv("npm_config_registry", `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`);
  vi.stubEnv("npm_config_cache", join(folder, "npm"));
  vi.stubEnv("npm_config_noproxy", "127.0.0.1");
  vi.stubEnv("npm_config_fetch_retries", "0");
  wanted = { npmPackage: name, version: "1.2.3", integrity: integrityOf(tarball) };
});

afterEach(async () => {
  vi.unstubAllEnvs();
  registry.close();
  registry.closeAllConnections();
  await rm(folder, { recursive: true });
});

test("fetches a package byte for byte, and only once", async () => {
  const file = await fetchNpmPackage(wanted, cache);
  expect(await readFile(file)).toEqual(tarball);
  expect(await readdir(cache)).toEqual([`${name}-1.2.3.tgz`]);
  const before = requests.length;
  expect(await fetchNpmPackage(wanted, cache)).toBe(file);
  expect(requests).toHaveLength(before);
});

test("refuses a package whose hash is not the locked one, and keeps nothing of it", async () => {
  const found = wanted.integrity;
  const integrity = integrityOf(Buffer.from("something else"));
  await expect(fetchNpmPackage({ ...wanted, integrity }, cache)).rejects.toThrow(
    `${name} 1.2.3 has the hash ${found}, but package-lock.json has ${integrity}: it is not used`,
  );
  expect(await readdir(cache)).toEqual([]);
});

test("fetches again what is damaged in its folder", async () => {
  const file = await fetchNpmPackage(wanted, cache);
  await writeFile(file, tarball.subarray(0, 10));
  expect(await fetchNpmPackage(wanted, cache)).toBe(file);
  expect(await readFile(file)).toEqual(tarball);
  expect(await readdir(cache)).toEqual([`${name}-1.2.3.tgz`]);
});

test("says what cannot be fetched, with npm's reason, and keeps nothing", async () => {
  const missing = { ...wanted, version: "9.9.9" };
  await expect(fetchNpmPackage(missing, cache)).rejects.toThrow(
    /^npm cannot fetch some-runtime 9\.9\.9: (.|\n)*No matching version/,
  );
  expect(await readdir(cache)).toEqual([]);
});

test("serves two who ask at once", async () => {
  const files = await Promise.all([fetchNpmPackage(wanted, cache), fetchNpmPackage(wanted, cache)]);
  expect(new Set(files)).toEqual(new Set([join(cache, `${name}-1.2.3.tgz`)]));
  expect(await readdir(cache)).toEqual([`${name}-1.2.3.tgz`]);
});
