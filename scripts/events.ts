import * as grpc from "@grpc/grpc-js";
import eventsrpc from "@pulumi/pulumi/proto/events_grpc_pb.js";
import type { EventRequest } from "@pulumi/pulumi/proto/events_pb.js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import type { EngineEvent } from "./timing.ts";

export interface EventReceiver {
  /** What the CLI takes as its `--event-log`, with `PULUMI_DEBUG_COMMANDS` set. */
  readonly url: string;
  /** Resolves once all that was sent has arrived; the CLI must have ended. */
  close(): Promise<void>;
}

/** Listens for the engine's events on a port of this machine that is free. */
export async function receiveEvents(onEvent: (event: EngineEvent) => void): Promise<EventReceiver> {
  // Inputs of resources are in the events, and may be large.
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  const streamEvents: grpc.handleClientStreamingCall<EventRequest, emptypb.Empty> = (call, callback) => {
    call.on("data", (request: EventRequest) => onEvent(JSON.parse(request.getEvent()) as EngineEvent));
    call.on("end", () => callback(null, new emptypb.Empty()));
  };
  server.addService(eventsrpc.EventsService, { streamEvents });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
  return {
    url: `tcp://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.tryShutdown((error) => (error ? reject(error) : resolve()));
      }),
  };
}
