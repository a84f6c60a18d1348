import * as grpc from "@grpc/grpc-js";
import provider from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { connectEngine, type EngineLog } from "../plugin/engine.ts";
import { kindsOf } from "../plugin/kinds.ts";
import { ProviderServer } from "../plugin/server.ts";
import { clouds } from "./index.ts";

/** How often the plugin looks whether the engine that started it still lives, in milliseconds. */
const parentCheckMs = 500;

const engineAddress = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
const print = (urn: string, message: string) => process.stderr.write(`${urn}: ${message}\n`);
const log: EngineLog = engineAddress ? connectEngine(engineAddress) : { progress: print, warn: print };
const service = new ProviderServer(kindsOf(clouds), "0.1.0", log);

const server = new grpc.Server();
server.addService(provider.ResourceProviderService, service.handlers);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${port}\n`);
});

// A killed engine closes no connection that would be noticed here; its child is then given another parent.
const engine = process.ppid;
setInterval(() => {
  if (process.ppid === engine) return;
  service.cancel("the engine is gone");
  process.exit(1);
}, parentCheckMs).unref();
