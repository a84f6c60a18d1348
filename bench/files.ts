import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Upload } from "@aws-sdk/lib-storage";
import autocannon from "autocannon";
import { isInstalled, serverPackages } from "../test/servers/cache.ts";
import { type S3Server, startS3 } from "../test/servers/s3.ts";
import { type App, nodeOptions, startApp, stopApp, withRelease } from "./app.ts";
import { median, type Row, timed } from "./table.ts";

const token = "bench";
const authorization = `Bearer ${token}`;
const tokenHash = createHash("sha256").update(token).digest("hex");
const largeBytes = 2 * 1024 ** 3;
const [smallFiles, smallBytes, atOnce] = [1000, 10_000, 32];
const [rounds, roundSeconds, connections] = [5, 3, 50];

async function startBare(logs: boolean): Promise<App> {
  const child = fork(join(import.meta.dirname, "bare-route.ts"), [String(logs)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv: nodeOptions,
  });
  const [port] = await once(child, "message");
  return { child, url: `http://127.0.0.1:${port}` };
}

/** Requests per second to each URL in turn, the median of several rounds. */
async function ratesOf(urls: readonly string[]): Promise<number[]> {
  for (const url of urls) await autocannon({ url, connections, duration: 1 });
  const rates = urls.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, url] of urls.entries()) {
      const { requests, errors, non2xx } = await autocannon({ url, connections, duration: roundSeconds });
      if (errors + non2xx > 0) throw new Error(`${url}: ${errors + non2xx} requests failed`);
      rates[index]?.push(requests.average);
    }
  }
  return rates.map(median);
}

/** `GET /` beside a bare Fastify route: both with a log line for each request, and both without. */
async function benchRoot(folder: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const logs of [true, false]) {
    const bare = await startBare(logs);
    const app = await startApp(folder, { LOG_LEVEL: logs ? "info" : "warn", METRICS_PORT: "0" });
    try {
      const [bareRate = 0, appRate = 0] = await ratesOf([bare.url, app.url]);
      rows.push({
        what: `GET / ${logs ? "with" : "without"} request logs`,
        value: `${appRate.toFixed(0)}/s`,
        beside: `${bareRate.toFixed(0)}/s (a bare Fastify route, logs ${logs ? "on" : "off"})`,
        ratio: appRate / bareRate,
        goal: "ratio 0.90",
      });
    } finally {
      await stopApp(bare);
      await stopApp(app);
    }
  }
  return rows;
}

function* zeros(bytes: number) {
  const chunk = Buffer.alloc(64 * 1024);
  for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk.subarray(0, bytes - sent);
}

async function put(url: string, name: string, bytes: number): Promise<void> {
  const call = request(`${url}/files/${name}`, { method: "PUT", headers: { authorization } });
  Readable.from(zeros(bytes)).pipe(call);
  const [response] = await once(call, "response");
  response.resume();
  await once(response, "end");
  if (response.statusCode !== 200) throw new Error(`PUT /files/${name} was answered ${response.statusCode}`);
}

/** The most memory that a process has had, in bytes (`VmHWM`, proc(5)). */
function peakMemory({ child }: App): number {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1024;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

async function benchUploads(folder: string, s3: S3Server): Promise<Row[]> {
  const app = await startApp(folder, {
    STORE: "s3",
    BUCKET: s3.bucket,
    S3_ENDPOINT: s3.endpoint,
    AWS_REGION: "us-east-1",
    ...s3.credentials,
    LOG_LEVEL: "warn",
    ADMIN_TOKEN_SHA256: tokenHash,
  });
  try {
    const sdk = () =>
      new Upload({
        client: s3.client,
        params: {
          Bucket: s3.bucket,
          Key: "sdk",
          Body: Readable.from(zeros(largeBytes), { objectMode: false }),
        },
        partSize: 8 * 1024 * 1024,
        queueSize: 3,
      }).done();
    const [throughApp, alone]: [number[], number[]] = [[], []];
    for (let round = 0; round < 3; round += 1) {
      alone.push(largeBytes / (await timed(sdk)));
      throughApp.push(largeBytes / (await timed(() => put(app.url, "large", largeBytes))));
    }
    const memory = peakMemory(app);
    let next = 0;
    const worker = async () => {
      while (next < smallFiles) await put(app.url, `small/${next++}`, smallBytes);
    };
    const small = await timed(() => Promise.all(Array.from({ length: atOnce }, worker)));
    const [listing = 0] = await ratesOf([`${app.url}/list_files?limit=100`]);
    return [
      {
        what: "2 GiB through the app to S3",
        value: `${megabytes(median(throughApp))}/s`,
        beside: `${megabytes(median(alone))}/s (the SDK alone)`,
        ratio: median(throughApp) / median(alone),
        goal: "ratio 0.90",
      },
      { what: "the app's peak memory by then", value: megabytes(memory), goal: "150 MB" },
      {
        what: `${smallFiles} uploads of ${smallBytes / 1000} kB, ${atOnce} at once`,
        value: `${(smallFiles / small).toFixed(0)}/s`,
      },
      { what: "GET /list_files?limit=100", value: `${listing.toFixed(0)}/s` },
    ];
  } finally {
    await stopApp(app);
  }
}

/** The file API: its cost per request, and files through it to a real S3 server, where that is installed. */
export function benchFiles(): Promise<Row[]> {
  return withRelease(async (folder) => {
    const rows = await benchRoot(folder);
    if (!isInstalled(serverPackages.s3)) return rows;
    const s3 = await startS3();
    try {
      return [...rows, ...(await benchUploads(folder, s3))];
    } finally {
      await s3.stop();
    }
  });
}
