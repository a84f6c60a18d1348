import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import enginegrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type enginepb from "@pulumi/pulumi/proto/engine_pb.js";
import provider from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import type { Struct as StructMessage } from "google-protobuf/google/protobuf/struct_pb.js";
import structpb from "google-protobuf/google/protobuf/struct_pb.js";
import type { Properties } from "../../plugin/resource.ts";
import { endCloud } from "./local-cloud.ts";

/** What the project tells Pulumi to run. */
export const executable = join(import.meta.dirname, "../../plugin/pulumi-resource-switchyard");

/** The stack that URNs of tests are of. */
export const stack = "plugin-test";

export function urnOf(type: string, name: string): string {
  return `urn:pulumi:${stack}::switchyard::${type}::${name}`;
}

export function toStruct(properties: Properties): StructMessage {
  return structpb.Struct.fromJavaScript(JSON.parse(JSON.stringify(properties)));
}

export function fromStruct(struct: StructMessage | undefined): Properties {
  return (struct?.toJavaScript() ?? {}) as Properties;
}

/** The engine's side of the connection: it takes the plugin's log lines. */
export interface Engine {
  readonly address: string;
  readonly lines: string[];
  close(): void;
}

export async function startEngine(): Promise<Engine> {
  const lines: string[] = [];
  const server = new grpc.Server();
  server.addService(enginegrpc.EngineService as unknown as grpc.ServiceDefinition, {
    log: (call: { request: enginepb.LogRequest }, callback: grpc.sendUnaryData<emptypb.Empty>) => {
      lines.push(call.request.getMessage());
      callback(null, new emptypb.Empty());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { address: `127.0.0.1:${port}`, lines, close: () => server.forceShutdown() };
}

type Unary<Q, S> = (
  request: Q,
  callback: (error: grpc.ServiceError | null, response: S) => void,
) => grpc.ClientUnaryCall;

/** The calls of the provider protocol that tests make, in plain JSON. */
export class ProviderClient {
  readonly #client: InstanceType<typeof provider.ResourceProviderClient>;

  constructor(port: number) {
    this.#client = new provider.ResourceProviderClient(
      `127.0.0.1:${port}`,
      grpc.credentials.createInsecure(),
    );
  }

  #call<Q, S>(method: Unary<Q, S>, request: Q): Promise<S> {
    return new Promise((resolve, reject) =>
      method.call(this.#client, request, (error, response) => (error ? reject(error) : resolve(response))),
    );
  }

  async check(urn: string, news: Properties, olds?: Properties) {
    const request = new pb.CheckRequest().setUrn(urn).setNews(toStruct(news));
    if (olds) request.setOlds(toStruct(olds));
    const response = await this.#call<pb.CheckRequest, pb.CheckResponse>(this.#client.check, request);
    const failures = response.getFailuresList().map((failure) => failure.toObject());
    return { inputs: fromStruct(response.getInputs()), failures };
  }

  async diff(urn: string, olds: Properties, news: Properties, ignoreChanges: string[] = []) {
    const request = new pb.DiffRequest()
      .setUrn(urn)
      .setId("some-id")
      .setOldInputs(toStruct(olds))
      .setOlds(toStruct({ ...olds, anOutput: 1 }))
      .setNews(toStruct(news))
      .setIgnorechangesList(ignoreChanges);
    const response = await this.#call<pb.DiffRequest, pb.DiffResponse>(this.#client.diff, request);
    return {
      some: response.getChanges() === pb.DiffResponse.DiffChanges.DIFF_SOME,
      changed: response.getDiffsList(),
      replaces: response.getReplacesList(),
      deleteBeforeReplace: response.getDeletebeforereplace(),
    };
  }

  async create(urn: string, news: Properties, preview = false) {
    const request = new pb.CreateRequest().setUrn(urn).setProperties(toStruct(news)).setPreview(preview);
    const response = await this.#call<pb.CreateRequest, pb.CreateResponse>(this.#client.create, request);
    return { id: response.getId(), properties: fromStruct(response.getProperties()) };
  }

  /** A read as `pulumi import` asks for it: of an id alone. */
  async import(urn: string, id: string): Promise<void> {
    await this.#call(this.#client.read, new pb.ReadRequest().setUrn(urn).setId(id));
  }

  async read(urn: string, id: string, inputs: Properties, properties = inputs) {
    const request = new pb.ReadRequest()
      .setUrn(urn)
      .setId(id)
      .setInputs(toStruct(inputs))
      .setProperties(toStruct(properties));
    const response = await this.#call<pb.ReadRequest, pb.ReadResponse>(this.#client.read, request);
    return {
      id: response.getId(),
      inputs: fromStruct(response.getInputs()),
      properties: fromStruct(response.getProperties()),
    };
  }

  /** @param oldInputs those of the state's properties that were given; default: none */
  async update(
    urn: string,
    id: string,
    olds: Properties,
    news: Properties,
    preview = false,
    oldInputs: Properties = {},
  ) {
    const request = new pb.UpdateRequest()
      .setOldInputs(toStruct(oldInputs))
      .setUrn(urn)
      .setId(id)
      .setOlds(toStruct(olds))
      .setNews(toStruct(news))
      .setPreview(preview);
    const response = await this.#call<pb.UpdateRequest, pb.UpdateResponse>(this.#client.update, request);
    return fromStruct(response.getProperties());
  }

  async delete(urn: string, id: string, properties: Properties): Promise<void> {
    const request = new pb.DeleteRequest().setUrn(urn).setId(id).setProperties(toStruct(properties));
    await this.#call<pb.DeleteRequest, emptypb.Empty>(this.#client.delete, request);
  }

  async cancel(): Promise<void> {
    await this.#call<emptypb.Empty, emptypb.Empty>(this.#client.cancel, new emptypb.Empty());
  }

  close(): void {
    this.#client.close();
  }
}

/** The plugin, started as the engine starts it, with a local cloud of its own. */
export interface Plugin {
  readonly client: ProviderClient;
  readonly engine: Engine;
  /** The folder of the stack's local cloud. */
  readonly home: string;
  /** All that it has written, its first line (the port) included. */
  output(): string;
  close(): Promise<void>;
}

/** Collects what a process writes, and resolves with its first line that is a port. */
export function portOf(child: ChildProcess): { port: Promise<number>; output: () => string } {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      output += chunk;
    });
  }
  const port = new Promise<number>((resolve, reject) => {
    if (!child.stdout) throw new Error("the process has no stdout");
    createInterface(child.stdout).on("line", (line) => /^\d+$/.test(line) && resolve(Number(line)));
    child.once("close", () => reject(new Error(`no port in: ${output}`)));
  });
  return { port, output: () => output };
}

/** The environment of a plugin whose local clouds are kept in a folder. */
export function environmentIn(folder: string): NodeJS.ProcessEnv {
  const { PULUMI_BACKEND_URL: _, ...environment } = process.env;
  return { ...environment, SWITCHYARD_HOME: folder };
}

export async function startPlugin(): Promise<Plugin> {
  const folder = await mkdtemp(join(tmpdir(), "plugin-"));
  const engine = await startEngine();
  const child = spawn(executable, [engine.address], {
    env: environmentIn(folder),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { port, output } = portOf(child);
  const client = new ProviderClient(await port);
  const home = join(folder, stack);
  return {
    client,
    engine,
    home,
    output,
    async close() {
      client.close();
      child.kill("SIGKILL");
      await once(child, "close");
      engine.close();
      await endCloud(home);
      await rm(folder, { recursive: true });
    },
  };
}
