import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { folderOf, serverPackages } from "../../servers/cache.ts";
import { type Running, serverFolder, startServer } from "../../servers/process.ts";
import { passOn } from "../../storage/proxy.ts";
import { freePorts } from "../../support/ports.ts";
import type { RoleCredentials } from "./imds.ts";

const region = "us-east-1";
const account = "000000000000"; // versitygw's only one

export interface RoleS3Options {
  readonly bucket: string;
  /** The statements of the role's policy. */
  readonly statements: readonly PolicyStatement[];
  /** Called with each request once it was answered. */
  readonly report?: (request: S3Request) => void;
  /** Serves HTTPS on port 443 of an address, under AWS's own name of the bucket. Default: HTTP, any free port of 127.0.0.1. */
  readonly tls?: { readonly host: string; readonly key: string; readonly cert: string };
}

export interface PolicyStatement {
  readonly Effect: "Allow";
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

export interface S3Request {
  readonly path: string;
  readonly authorization: string;
  readonly status: number;
}

/** An S3 that knows temporary credentials of a role. */
export interface RoleS3 extends Running {
  /** The bucket's address. */
  readonly url: string;
  readonly bucket: string;
  readonly region: string;
  readonly role: string;
  /** Each request that came through the address above, once it was answered. */
  readonly requests: S3Request[];
  /** New credentials of the role, good for so many seconds; default 3,600. */
  credentials(seconds?: number): Promise<RoleCredentials>;
  /** Stores an object with the rights of the account's owner. */
  put(key: string, body: Buffer): Promise<void>;
  /** Answers the next requests, one each, in place of the server. */
  intercept(...answers: ((response: ServerResponse) => void)[]): void;
}

/**
 * Starts versitygw with its IAM service. It checks each signature, that the security token is the session's and is
 * signed, that the session has not expired, and what the role's policy says. Sessions are written to the service's
 * own file, since it gives them out only for tokens of an identity provider on the internet.
 */
export async function startRoleS3(options: RoleS3Options): Promise<RoleS3> {
  const place = await serverFolder("role-s3");
  try {
    return await startIn(place, options);
  } catch (error) {
    await place.stop();
    throw error;
  }
}

async function startIn(
  { folder, undo, stop }: Awaited<ReturnType<typeof serverFolder>>,
  { bucket, statements, tls, report }: RoleS3Options,
): Promise<RoleS3> {
  const [iamPort = 0, port = 0] = await freePorts(2);
  const command = join(folderOf(serverPackages.s3), "versitygw");
  const owner = { accessKeyId: "test-owner", secretAccessKey: "test-owner-secret" };
  const env = { ROOT_ACCESS_KEY: owner.accessKeyId, ROOT_SECRET_KEY: owner.secretAccessKey };
  const iam = { folder: join(folder, "iam"), socket: join(folder, "iam.sock") };
  const endpoint = `http://127.0.0.1:${port}`;
  await mkdir(iam.folder);
  await mkdir(join(folder, "data"));
  const role = roleOf("app", statements);
  await writeFile(join(iam.folder, "iam.json"), JSON.stringify({ roles: { app: role }, sessions: {} }));
  const start = async (serverPort: number, args: readonly string[]) => {
    const listen = ["--port", `127.0.0.1:${serverPort}`, "--health", "/healthz"]; // what else it has, redirects to its maker
    const url = `http://127.0.0.1:${serverPort}/healthz`;
    const server = await startServer({ command, args: [...listen, ...args], env, cwd: folder, url });
    undo.push(server.stop);
  };
  await start(iamPort, ["iam", "--dir", iam.folder, "--private-ports", iam.socket]);
  const domain = `s3.${region}.amazonaws.com`;
  const names = tls ? ["--virtual-domain", domain] : [];
  await start(port, ["--iam-standalone-endpoint", iam.socket, ...names, "posix", "data"]);
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: owner });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const front = await startFront(port, tls, report);
  undo.push(front.close);
  return {
    url: tls ? `https://${bucket}.${domain}` : `http://127.0.0.1:${front.port}/${bucket}`,
    bucket,
    region,
    role: role.RoleName,
    requests: front.requests,
    credentials: (seconds = 3600) => newSession(iam.folder, role, seconds),
    put: async (Key, Body) => void (await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))),
    intercept: (...answers) => void front.answers.push(...answers),
    stop,
  };
}

type StoredRole = ReturnType<typeof roleOf>;

function roleOf(name: string, Statement: readonly PolicyStatement[]) {
  const document = JSON.stringify({ Version: "2012-10-17", Statement });
  return {
    RoleName: name,
    RoleID: "AROATESTTESTTESTTEST1",
    Arn: `arn:aws:iam::${account}:role/${name}`,
    Policies: { inline: [{ PolicyName: name, PolicyDocument: document }] },
  };
}

async function newSession(folder: string, role: StoredRole, seconds: number): Promise<RoleCredentials> {
  const credentials: RoleCredentials = {
    AccessKeyId: `ASIA${randomBytes(8).toString("hex").toUpperCase()}`,
    SecretAccessKey: randomBytes(30).toString("base64"),
    Token: randomBytes(200).toString("base64"),
    Expiration: new Date(Date.now() + seconds * 1000).toISOString(),
  };
  const file = join(folder, "iam.json");
  const state = JSON.parse(await readFile(file, "utf8"));
  state.sessions[credentials.AccessKeyId] = {
    accessKeyId: credentials.AccessKeyId,
    secretAccessKey: credentials.SecretAccessKey,
    sessionToken: credentials.Token,
    expiration: credentials.Expiration,
    createDate: new Date(Date.now() - 3600_000).toISOString(),
    roleArn: role.Arn,
    roleName: role.RoleName,
    roleId: role.RoleID,
    roleSessionName: "i-0abc",
  };
  await writeFile(`${file}.new`, JSON.stringify(state));
  await rename(`${file}.new`, file);
  return credentials;
}

/** Passes requests on unchanged, its own address as their host and all, and notes them. */
async function startFront(port: number, tls: RoleS3Options["tls"], report: RoleS3Options["report"]) {
  const requests: S3Request[] = [];
  const answers: ((response: ServerResponse) => void)[] = [];
  const listener: RequestListener = (request: IncomingMessage, response: ServerResponse) => {
    const { url = "", headers } = request;
    response.on("close", () => {
      const seen = { path: url, authorization: headers.authorization ?? "", status: response.statusCode };
      requests.push(seen);
      report?.(seen);
    });
    const answer = answers.shift();
    if (answer) return answer(response);
    passOn(`http://127.0.0.1:${port}`, request, response);
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  server.listen(tls ? 443 : 0, tls?.host ?? "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.closeAllConnections();
    await once(server.close(), "close");
  };
  return { port: (server.address() as AddressInfo).port, requests, answers, close };
}
