import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { formatMachines, schedulesByGroup } from "../../scripts/machines.ts";

const now = Date.parse("2026-11-27T12:00:00Z");
const machine = (cluster: string, id: string) => ({
  cluster,
  id,
  address: "10.0.0.1",
  health: "healthy",
  release: "a".repeat(64),
  launchedAt: new Date(now - 3_700_000),
});
const machines = [machine("app", "m-1"), machine("app-large", "m-2"), machine("app-large-gold", "m-3")];
const cells = (table: string) => table.split("\n").map((line) => line.split(/ {2,}/).at(-1));

/** A controller that answers with one thing. */
async function controller(status: number, answer: object): Promise<string> {
  const server = createServer((_request, response) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer)),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("extra machines are listed with the schedules whose they are", async () => {
  const { signal } = new AbortController();
  const schedule = { cluster: "app", flavor: "large", machinesNow: 1 };
  const url = await controller(200, {
    content: [
      { ...schedule, name: "mornings" },
      { ...schedule, name: "sale" },
      { ...schedule, name: "over", machinesNow: 0 },
      { ...schedule, name: "trial", image: "gold" },
    ],
  });
  const schedules = await schedulesByGroup(url, signal);
  expect(cells(formatMachines(machines, now, schedules))).toEqual([
    "SCHEDULE",
    "1h1m",
    "mornings, sale",
    "trial",
  ]);
  expect(cells(formatMachines(machines, now))).toEqual(["RESTARTS", "1h1m", "1h1m", "1h1m"]);
  const busy = await controller(503, { message: "the store does not answer" });
  await expect(schedulesByGroup(busy, signal)).rejects.toThrow("the store does not answer");
});
