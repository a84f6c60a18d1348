import { once } from "node:events";
import http from "node:http";
import { expect, test } from "vitest";
import { balancer, connect, machine, until } from "./support.ts";

const mib = 1 << 20;
const block = Buffer.alloc(mib / 4, "x");

/** Writes `count` blocks as fast as the stream takes them. */
async function pour(stream: NodeJS.WritableStream, count: number): Promise<void> {
  for (let i = 0; i < count; i++) if (!stream.write(block)) await once(stream, "drain");
  stream.end();
}

function highestMemory(): { stop(): number } {
  const start = process.memoryUsage().rss;
  let peak = start;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  return {
    stop() {
      clearInterval(timer);
      return (peak - start) / mib;
    },
  };
}

test("512 MiB each way at once, in bounded memory", async () => {
  const blocks = 2048;
  const one = await machine(1, (req, res) => req.pipe(res));
  const { url } = await balancer({ app: [one] });
  const memory = highestMemory();
  const req = http.request(url, {
    agent: false,
    method: "POST",
    headers: { "transfer-encoding": "chunked" },
  });
  const sent = pour(req, blocks);
  const [res] = (await once(req, "response")) as [http.IncomingMessage];
  let received = 0;
  for await (const chunk of res) received += chunk.length;
  await sent;
  expect(received).toBe(512 * mib);
  expect(memory.stop()).toBeLessThan(256);
}, 60_000);

test("a client that reads nothing holds its machine back", async () => {
  let written = 0;
  const one = await machine(1, (_, res) => {
    const more = () => {
      do written += block.length;
      while (res.write(block) && written < 1024 * mib);
    };
    res.on("drain", more);
    more();
  });
  const { port } = await balancer({ app: [one] });
  const socket = await connect(port);
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await settled(() => written);
  expect(written).toBeLessThan(64 * mib);
});

test("a machine that reads nothing holds its client back", async () => {
  const one = await machine(1, (req) => req.pause());
  const { port } = await balancer({ app: [one] }, { drainSeconds: 0 });
  const socket = await connect(port);
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${1024 * mib}\r\n\r\n`);
  const stopped = pour(socket, 4096).catch(() => {});
  await settled(() => socket.bytesWritten - socket.writableLength);
  expect(socket.bytesWritten - socket.writableLength).toBeLessThan(64 * mib);
  socket.destroy();
  await Promise.race([stopped, once(socket, "close")]);
});

/** Waits until a count has begun to grow and then stays the same for a while. */
async function settled(count: () => number): Promise<void> {
  await until(() => count() > 0);
  for (let last = -1; last !== count(); await new Promise((resolve) => setTimeout(resolve, 300)))
    last = count();
}
