import * as grpc from "@grpc/grpc-js";
import enginegrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import enginepb from "@pulumi/pulumi/proto/engine_pb.js";

/** Lines that the engine shows at a resource. */
export interface EngineLog {
  /** A passing line, replaced by the next one. */
  progress(urn: string, message: string): void;
  /** A warning, which stays. */
  warn(urn: string, message: string): void;
}

/** A log that speaks to the engine at `address` (`host:port`). */
export function connectEngine(address: string): EngineLog {
  const client = new enginegrpc.EngineClient(address, grpc.credentials.createInsecure());
  const { INFO, WARNING } = enginepb.LogSeverity;
  const log = (severity: typeof INFO | typeof WARNING, urn: string, message: string, isPassing: boolean) => {
    const request = new enginepb.LogRequest()
      .setSeverity(severity)
      .setUrn(urn)
      .setMessage(message)
      .setEphemeral(isPassing);
    client.log(request, (error: grpc.ServiceError | null) => {
      if (error)
        process.stderr.write(`switchyard plugin: the engine did not take a log line: ${error.message}\n`);
    });
  };
  return {
    progress: (urn, message) => log(INFO, urn, message, true),
    warn: (urn, message) => log(WARNING, urn, message, false),
  };
}
