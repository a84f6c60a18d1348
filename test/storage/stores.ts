import { readdir } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { test } from "vitest";
import { Buckets } from "../../providers/local/cloud/buckets.ts";
import { createEndpoint } from "../../providers/local/cloud/endpoint.ts";
import type { State } from "../../providers/local/cloud/store.ts";
import { openStore } from "../../service/storage/index.ts";
import { readStoreSettings, type StoreOptions } from "../../service/storage/settings.ts";
import type { BucketStore, Store } from "../../service/storage/store.ts";
import { segmentsFolder } from "../../service/storage/swift-account.ts";
import { isInstalled, serverPackages } from "../servers/cache.ts";
import { startGcs } from "../servers/gcs.ts";
import { startOpenstack } from "../servers/openstack.ts";
import { serverFolder } from "../servers/process.ts";
import { startS3 } from "../servers/s3.ts";
import { isSignedV4 } from "./signed-v4.ts";

/** A store that is open, and what tests see of it from behind. */
export interface OpenStore {
  readonly store: Store;
  /** The same bucket, where the controller keeps its documents. */
  documents?(): Promise<BucketStore>;
  /** The keys of all objects but documents, with what unfinished uploads have left. */
  keys(): Promise<string[]>;
  /** Whether a URL is what its key signed; only where the server does not look. */
  readonly isSigned?: (url: string) => boolean;
  stop(): Promise<void>;
}

/** A store on a real server, and what tests ask that server behind the store's back. */
export interface TestStore extends OpenStore {
  /** The environment that the store was opened by. */
  readonly environment: Readonly<Record<string, string>>;
  /** Opens the same store by another environment. */
  reopen(changes: Readonly<Record<string, string>>, options?: StoreOptions): Promise<BucketStore>;
  /** Where Swift is, whatever its catalog says, and how to end a token before its time. */
  readonly server?: string;
  /** Requests something of Swift behind the store's back; `path` begins below the account. */
  readonly request?: (method: string, path: string) => Promise<Response>;
  readonly revoke?: (token: string) => Promise<void>;
  /** Swift's application credential, in place of the password. */
  readonly application?: Readonly<Record<string, string>>;
}

/** A test of what some stores alone have: for the others there is no such test, rather than one left out. */
export function testIf(applies: boolean): (name: string, run: () => Promise<void>) => void {
  return applies ? test : () => {};
}

/** What the conformance suite needs to know of a store. */
export interface StoreKind {
  readonly name: string;
  /** Whether its server is installed. */
  readonly installed: boolean;
  readonly prefix: string;
  /** Longest file name, in bytes. */
  readonly maxNameBytes: number;
  /** The API of a deployed app has files alone. */
  readonly hasDocuments?: false;
  /** Whether it decides itself how long a download's URL is good for, and by what name the file is saved. */
  readonly fixedUrls?: true;
  open(): Promise<OpenStore>;
}

export interface TestStoreKind extends StoreKind {
  readonly name: "s3" | "gcs" | "swift" | "local";
  /** Starts the server. With an endpoint, Swift's catalog names that, and it takes SHA-1 alone. */
  open(endpoint?: string): Promise<TestStore>;
  /** The variable that has the address of the server, for tests to put something in between; Swift has its catalog. */
  readonly address: "S3_ENDPOINT" | "GCS_ENDPOINT" | "IDENTITY_URL" | "SWIFT";
}

async function reopen(
  environment: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string>>,
  options?: StoreOptions,
): Promise<BucketStore> {
  return openStore(readStoreSettings({ ...environment, ...changes }), options);
}

/** Sets variables of this process, which the SDKs look at, until it is called back. */
function setEnvironment(variables: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

async function openS3(): Promise<TestStore> {
  const server = await startS3();
  const restore = setEnvironment(server.credentials);
  const { bucket: Bucket } = server;
  const environment = {
    STORE: "s3",
    BUCKET: Bucket,
    AWS_REGION: "us-east-1",
    S3_ENDPOINT: server.endpoint,
  };
  return {
    store: await openStore(readStoreSettings(environment)),
    environment,
    reopen: (...change) => reopen(environment, ...change),
    documents: () => reopen(environment, {}, { prefix: "controller/" }),
    keys: async () => {
      const { Contents = [] } = await server.client.send(new ListObjectsV2Command({ Bucket }));
      const { Uploads = [] } = await server.client.send(new ListMultipartUploadsCommand({ Bucket }));
      return [...Contents.map(({ Key }) => `${Key}`), ...Uploads.map(({ Key }) => `upload of ${Key}`)];
    },
    stop: async () => {
      restore();
      await server.stop();
    },
  };
}

async function openGcs(): Promise<TestStore> {
  const server = await startGcs();
  const restore = setEnvironment(server.credentials);
  const environment = { STORE: "gcs", BUCKET: server.bucket, GCS_ENDPOINT: server.endpoint };
  return {
    store: await openStore(readStoreSettings(environment)),
    environment,
    reopen: (...change) => reopen(environment, ...change),
    documents: () => reopen(environment, {}, { prefix: "controller/" }),
    keys: async () => {
      const answer = await fetch(`${server.endpoint}/storage/v1/b/${server.bucket}/o`);
      const { items = [] } = (await answer.json()) as { items?: { name: string }[] };
      return items.map(({ name }) => name);
    },
    isSigned: (url) => isSignedV4(url, server.publicKey),
    stop: async () => {
      restore();
      await server.stop();
    },
  };
}

async function openOpenstack(endpoint?: string): Promise<TestStore> {
  const server = await startOpenstack({
    ...(endpoint && { endpoint, tokenCacheSeconds: 2, digests: "sha1" }),
  });
  // A key of the container's own, which is good for less than one of the account's.
  const key = "key-of-the-container";
  await server.request("POST", `/${server.bucket}`, { "x-container-meta-temp-url-key": key });
  const environment = {
    STORE: "swift",
    BUCKET: server.bucket,
    SWIFT_TEMP_URL_KEY: key,
    ...server.credentials,
  };
  return {
    store: await reopen(environment, {}, { segmentBytes: 6 * 1024 * 1024 }),
    server: server.swift,
    request: server.request,
    revoke: server.revoke,
    application: server.application,
    environment,
    reopen: (...change) => reopen(environment, ...change),
    documents: () => reopen(environment, {}, { prefix: "controller/" }),
    keys: async () => {
      const answer = await server.request("GET", `/${server.bucket}?format=json`);
      const names = ((await answer.json()) as { name: string }[]).map(({ name }) => name);
      return names.map((name) => name.replace(`${segmentsFolder}/`, "segment "));
    },
    stop: server.stop,
  };
}

/** The state of a local cloud in which one machine has a bucket; it is a controller if it controls any groups, or none. */
export function stateWithMachine(bucket: string, token: string, controls?: readonly string[]): State {
  const state = {
    version: 1,
    endpointPort: 0,
    networks: {},
    buckets: { [bucket]: { empty: true } },
    loadBalancers: {},
  };
  const groups = { "group-1": { spec: { bucket, controls }, desired: 1 } };
  const machines = { "m-1": { id: "m-1", group: "group-1", token } };
  return { ...state, groups, machines } as unknown as State;
}

/** The keys in a bucket of the local cloud, by the bucket's folder. */
export async function keysBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

async function openLocal(): Promise<TestStore> {
  const { folder, undo, stop } = await serverFolder("local");
  const bucket = "files-of-test";
  const buckets = new Buckets(folder);
  buckets.create(bucket);
  const endpoint = createEndpoint(stateWithMachine(bucket, "secret", []), buckets);
  await endpoint.listen({ host: "127.0.0.1", port: 0 });
  undo.push(() => endpoint.close());
  const { port } = endpoint.server.address() as AddressInfo;
  const environment = {
    STORE: "local",
    BUCKET: bucket,
    IDENTITY_URL: `http://127.0.0.1:${port}/machines/secret`,
  };
  const root = join(folder, "buckets", bucket);
  return {
    store: await openStore(readStoreSettings(environment)),
    environment,
    reopen: (...change) => reopen(environment, ...change),
    documents: () => reopen(environment, {}, { prefix: "controller/" }),
    keys: async () => (await keysBelow(root)).filter((key) => !key.startsWith("controller/")),
    stop,
  };
}

export const storeKinds: readonly TestStoreKind[] = [
  {
    name: "s3",
    installed: isInstalled(serverPackages.s3),
    prefix: "files/",
    maxNameBytes: 1018,
    open: openS3,
    address: "S3_ENDPOINT",
  },
  {
    name: "gcs",
    installed: isInstalled(serverPackages.gcs),
    prefix: "files/",
    maxNameBytes: 1018,
    open: openGcs,
    address: "GCS_ENDPOINT",
  },
  {
    name: "swift",
    installed: isInstalled(serverPackages.swift),
    prefix: "",
    maxNameBytes: 1024,
    open: openOpenstack,
    address: "SWIFT",
  },
  {
    name: "local",
    installed: true,
    prefix: "files/",
    maxNameBytes: 1024,
    open: openLocal,
    address: "IDENTITY_URL",
  },
];
