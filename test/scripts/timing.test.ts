import * as grpc from "@grpc/grpc-js";
import eventsrpc from "@pulumi/pulumi/proto/events_grpc_pb.js";
import eventspb from "@pulumi/pulumi/proto/events_pb.js";
import { expect, test } from "vitest";
import { receiveEvents } from "../../scripts/events.ts";
import { type EngineEvent, Timeline, timingReport } from "../../scripts/timing.ts";

const urnOf = (name: string, type = "a:b:Thing") => `urn:pulumi:s::p::${type}::${name}`;

const step = (name: string, op = "create", more: object = { new: { custom: true } }) => ({
  metadata: { op, urn: urnOf(name), ...more },
});

function timelineOf(events: readonly (readonly [at: number, event: EngineEvent])[]): Timeline {
  const timeline = new Timeline();
  for (const [at, event] of events) timeline.add(event, at);
  return timeline;
}

const report = {
  stack: "s",
  startedAt: new Date("2026-01-01T00:00:00Z"),
  took: 9000,
  before: undefined,
  after: undefined,
};

test("each resource that changes has a row: when it began, how long it took, and what was ready last of what it needs", () => {
  const { steps = [] } = timelineOf([
    [500, { preludeEvent: {} }],
    [600, { resourcePreEvent: step("shown") }],
    [700, { summaryEvent: { isPreview: true } }],
    [1000, { preludeEvent: {} }],
    [1100, { resourcePreEvent: step("component", "create", { new: { custom: false } }) }],
    [1200, { resourcePreEvent: step("first") }],
    [1300, { resourcePreEvent: step("second") }],
    [1300, { resourcePreEvent: step("alike", "same") }],
    [2200, { resOutputsEvent: step("first") }],
    [3300, { resOutputsEvent: step("second") }],
    [3400, { resourcePreEvent: step("third", "update") }],
    [3500, { resourcePreEvent: step("fourth") }],
    [4400, { resOpFailedEvent: step("third", "update") }],
    [5000, { resourcePreEvent: step("second", "delete", { old: { custom: true } }) }],
    [5100, { resOutputsEvent: step("second", "delete", { old: { custom: true } }) }],
    [5200, { resourcePreEvent: step("first", "delete", { old: { custom: true } }) }],
    [5900, { resOutputsEvent: step("first", "delete", { old: { custom: true } }) }],
    [6000, { summaryEvent: { isPreview: false } }],
  ]);
  const resources = [
    { urn: urnOf("second"), type: "a:b:Thing", propertyDependencies: { of: [urnOf("first")], none: null } },
    { urn: urnOf("third"), type: "a:b:Thing", dependencies: [urnOf("first"), urnOf("second")] },
    {
      urn: urnOf("fourth"),
      type: "a:b:Thing",
      dependencies: [urnOf("third")],
      provider: `${urnOf("first")}::id`,
    },
  ];
  expect(timingReport({ ...report, steps, before: { resources }, after: { resources } })).toContain(`
2026-01-01T00:00:00.000Z, 9.0 s; times below are seconds since the engine began.

| Resource     | What   | Began | Took        | Waited for              |
|--------------|--------|-------|-------------|-------------------------|
| Thing first  | create | 0.2   | 1.0         |                         |
| Thing second | create | 0.3   | 2.0         |                         |
| Thing third  | update | 2.4   | 1.0, failed | Thing second, until 2.3 |
| Thing fourth | create | 2.5   | cut off     | Thing first, until 1.2  |
| Thing second | delete | 4.0   | 0.1         |                         |
| Thing first  | delete | 4.2   | 0.7         | Thing second, until 4.1 |
`);
});

test("a preview alone took no resource's time, and a deployment may change nothing", () => {
  const preview = timelineOf([
    [1, { preludeEvent: {} }],
    [2, { summaryEvent: { isPreview: true } }],
  ]);
  expect(preview.steps).toBeUndefined();
  expect(new Timeline().steps).toBeUndefined();
  expect(timelineOf([[1, { preludeEvent: {} }]]).steps).toEqual([]);
  expect(timingReport({ ...report, steps: [] })).toContain("Nothing was made, changed or deleted.");
});

test("all events that were sent have arrived when the receiver is closed, however large", async () => {
  const events: object[] = [];
  const receiver = await receiveEvents((event) => void events.push(event));
  const client = new eventsrpc.EventsClient(
    receiver.url.slice("tcp://".length),
    grpc.credentials.createInsecure(),
  );
  const sent = [{ preludeEvent: {} }, { other: "x".repeat(5_000_000) }];
  await new Promise<void>((resolve, reject) => {
    const call = client.streamEvents((error) => (error ? reject(error) : resolve()));
    for (const event of sent) call.write(new eventspb.EventRequest().setEvent(JSON.stringify(event)));
    call.end();
  });
  client.close();
  await receiver.close();
  expect(events).toEqual(sent);
});
