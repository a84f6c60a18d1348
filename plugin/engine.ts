import * as grpc from "@grpc/grpc-js";
import enginegrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import enginepb from "@pulumi/pulumi/proto/engine_pb.js";

/** Lines that the engine shows at a resource while it works on it. */
export interface EngineLog {
  /** A passing line, replaced by the next one. */
  progress(urn: string, message: string): void;
}

/** A log that speaks to the engine at `address` (`host:port`). */
export function connectEngine(address: string): EngineLog {
  const client = new enginegrpc.EngineClient(address, grpc.credentials.createInsecure());
  return {
    progress(urn, message) {
      const request = new enginepb.LogRequest()
        .setSeverity(enginepb.LogSeverity.INFO)
        .setUrn(urn)
        .setMessage(message)
        .setEphemeral(true);
      client.log(request, (error: grpc.ServiceError | null) => {
        if (error)
          process.stderr.write(`switchyard plugin: the engine did not take a log line: ${error.message}\n`);
      });
    },
  };
}
