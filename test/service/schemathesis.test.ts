import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { startController } from "./controller/controller-api.ts";
import { hasTool, holdToDescription } from "./described.ts";
import { startFileApi } from "./file-api.ts";

const timeout = 300_000;

test.skipIf(!hasTool)("schemathesis finds no 500 and no undocumented answer", { timeout }, async () => {
  const { app, listen, log, store } = await startFileApi({ RATE_LIMIT: "0" });
  store.files.set("appstore_games.csv", {
    content: Buffer.alloc(1),
    contentType: "text/csv",
    modified: new Date(0),
  });
  expect(await holdToDescription(app, listen)).toContain("get /download/{name} 200");
  expect(log().filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

test.skipIf(!hasTool)("nor at the controller", { timeout }, async () => {
  const { app, log } = await startController(Date.now(), { RATE_LIMIT: "0" });
  const seen = await holdToDescription(app, async () => {
    await app.listen({ host: "127.0.0.1", port: 0 });
    return (app.server.address() as AddressInfo).port;
  });
  for (const answer of [
    "get /schedules 200",
    "post /schedules 400",
    "patch /schedules/{id} 404",
    "get /events 200",
  ])
    expect(seen).toContain(answer);
  expect(log().filter(({ level }) => Number(level) >= 50)).toEqual([]);
});
