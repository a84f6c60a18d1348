import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * A server that tests run against, or a tool that they run: a real one, installed from its package registry into a cache
 * outside the tree.
 */
export interface ServerPackage {
  readonly name: "versitygw" | "fake-gcs-server" | "google-discovery" | "moto" | "openstack" | "schemathesis";
  /** What tests have it for, to end "tests against …". */
  readonly what: string;
  /** The files that what is installed depends on; their paths begin at this folder. */
  readonly pins: readonly string[];
}

export const serverPackages = {
  s3: { name: "versitygw", what: "S3", pins: ["versitygw/go.mod", "versitygw/go.sum"] },
  gcs: {
    name: "fake-gcs-server",
    what: "Google Cloud Storage",
    pins: ["fake-gcs-server/go.mod", "fake-gcs-server/go.sum"],
  },
  google: {
    name: "google-discovery",
    what: "the descriptions of Google's APIs",
    pins: ["google-discovery/requirements.txt"],
  },
  aws: { name: "moto", what: "EC2 and auto scaling", pins: ["moto/requirements.txt"] },
  swift: {
    name: "openstack",
    what: "OpenStack",
    pins: [
      "openstack/requirements.txt",
      "openstack/template.sh",
      "../openstack/template.sh",
      "../openstack/template.ts",
      "../openstack/settings.ts",
      "../openstack/make_databases.py",
    ],
  },
  openapi: {
    name: "schemathesis",
    what: "the OpenAPI document",
    pins: ["schemathesis/requirements.txt"],
  },
} as const satisfies Record<string, ServerPackage>;

/**
 * Where a server is, or would be, installed: a folder of its own for each state of these files, in
 * `$XDG_CACHE_HOME/switchyard/servers` or `~/.cache/switchyard/servers`.
 */
export function folderOf({ name, pins }: ServerPackage): string {
  const hash = createHash("sha256");
  for (const pin of pins) hash.update(readFileSync(join(import.meta.dirname, pin)));
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(cache, "switchyard", "servers", `${name}-${hash.digest("hex").slice(0, 12)}`);
}

/** The file that stands in a server's folder once all of it is installed. */
export function markerOf(server: ServerPackage): string {
  return join(folderOf(server), "installed");
}

/** Whether a server is installed; says in one line how to install it when it is not. */
export function isInstalled(server: ServerPackage): boolean {
  if (existsSync(markerOf(server))) return true;
  console.warn(
    `left out: tests against ${server.what}: ${server.name} is not installed; npm run test:servers does`,
  );
  return false;
}
