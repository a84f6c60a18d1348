import { request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import autocannon from "autocannon";
import type { Deployment } from "../test/e2e/deployment.ts";
import { lost } from "../test/e2e/load.ts";
import { openFiles, residentMegabytes } from "../test/support/figures.ts";
import { withNineMachines } from "./nine-machines.ts";
import type { Row } from "./table.ts";

const seconds = 60;
/** 500 connections at once: most ask for little, the rest upload slowly, again and again. */
const quick = 440;
const slow = 60;
const upload = { chunks: 24, chunkBytes: 256 * 1024, everyMs: 400 };

/** Connections to machines are kept that long when nobody uses them, and a little more. */
const settleMs = 70_000;

async function* slowly(): AsyncGenerator<Buffer> {
  const chunk = Buffer.alloc(upload.chunkBytes, "x");
  for (let sent = 0; sent < upload.chunks; sent += 1) {
    yield chunk;
    await pause(upload.everyMs);
  }
}

function put(url: string): { status: Promise<number>; body: NodeJS.WritableStream } {
  const body = request(url, { method: "PUT", agent: false });
  const status = new Promise<number>((resolve, reject) => {
    body.once("error", reject);
    body.once("response", (response) => {
      response.resume().once("end", () => resolve(response.statusCode ?? 0));
    });
  });
  return { status, body };
}

/** Uploads until the time is over; counts what went wrong. */
async function uploads(url: string, name: string, until: number): Promise<{ done: number; failed: number }> {
  const count = { done: 0, failed: 0 };
  while (Date.now() < until) {
    const { status, body } = put(`${url}/files/${name}`);
    try {
      await Promise.all([pipeline(Readable.from(slowly()), body), status]);
      if ((await status) === 200) count.done += 1;
      else count.failed += 1;
    } catch {
      count.failed += 1; // it is counted, and the table shows it
    }
  }
  return count;
}

/** The most memory that a process has while something runs, looked at twice a second. */
async function peakWhile<T>(pid: number, work: Promise<T>): Promise<{ result: T; peak: number }> {
  let peak = 0;
  const timer = setInterval(async () => {
    peak = Math.max(peak, await residentMegabytes(pid));
  }, 500);
  try {
    return { result: await work, peak };
  } finally {
    clearInterval(timer);
  }
}

function ask(url: string): Promise<autocannon.Result> {
  const requests = ["/cluster1", "/cluster2", "/healthz"].map((path) => ({ path }));
  return autocannon({ url, connections: quick, duration: seconds, requests, timeout: 20 });
}

/** The control plane under 500 connections for a minute, slow uploads among them. */
export function benchLoad(): Promise<Row[]> {
  return withNineMachines(measure, { app: { public: true } });
}

async function measure(deployment: Deployment, url: string): Promise<Row[]> {
  const pid = (await (await deployment.cloud()).pid()) ?? 0;
  const before = { files: openFiles(pid), memory: await residentMegabytes(pid) };
  const until = Date.now() + seconds * 1000;
  const slowOnes = Array.from({ length: slow }, (_, index) => uploads(url, `slow-${index}`, until));
  const { result, peak } = await peakWhile(pid, Promise.all([ask(url), ...slowOnes]));
  const [load, ...counts] = result;
  const total = (key: "done" | "failed") => counts.reduce((sum, count) => sum + count[key], 0);
  await pause(settleMs);
  return [
    {
      what: `${quick + slow} connections for ${seconds} s: requests, p99`,
      value: `${Math.round(load.requests.average)}/s`,
      beside: `${load.latency.p99} ms; ${lost(load)} of ${load.requests.total} lost`,
    },
    {
      what: `slow uploads of ${(upload.chunks * upload.chunkBytes) / 1024 ** 2} MiB among them`,
      value: `${total("done")} done`,
      beside: `${total("failed")} failed`,
    },
    {
      what: "control plane's memory before / at most / after",
      value: `${before.memory.toFixed(0)} MB`,
      beside: `${peak.toFixed(0)} MB / ${(await residentMegabytes(pid)).toFixed(0)} MB`,
    },
    {
      what: "control plane's open files before / after",
      value: String(before.files),
      beside: String(openFiles(pid)),
    },
  ];
}
