import { isDeepStrictEqual } from "node:util";
import * as grpc from "@grpc/grpc-js";
import pluginpb from "@pulumi/pulumi/proto/plugin_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import statuspb from "@pulumi/pulumi/proto/status_pb.js";
import type { Message } from "google-protobuf";
import anypb from "google-protobuf/google/protobuf/any_pb.js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import type { Struct as StructMessage } from "google-protobuf/google/protobuf/struct_pb.js";
import structpb from "google-protobuf/google/protobuf/struct_pb.js";
import { parseUrn } from "../operations/urn.ts";
import type { EngineLog } from "./engine.ts";
import { IncompleteError, type OperationContext, type Properties, type ResourceKind } from "./resource.ts";

const { Struct } = structpb;

function toStruct(properties: Properties): StructMessage {
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(properties)));
}

function fromStruct(struct: StructMessage | undefined): Properties {
  return (struct?.toJavaScript() as Properties | undefined) ?? {};
}

interface ResourceRequest {
  getUrn(): string;
}

/** gRPC's shape of a partial failure: the engine records the resource and shows why it is incomplete. */
function incompleteStatus(error: IncompleteError): grpc.ServiceError {
  const detail = new pb.ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(toStruct(error.outputs));
  detail.setReasonsList([error.message]);
  const any = new anypb.Any();
  any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statuspb.Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(error.message);
  status.setDetailsList([any]);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return Object.assign(new Error(error.message), {
    code: grpc.status.UNKNOWN,
    details: error.message,
    metadata,
  });
}

function toServiceError(error: unknown): grpc.ServiceError {
  if (error instanceof IncompleteError) return incompleteStatus(error);
  const message = error instanceof Error ? error.message : String(error);
  return Object.assign(new Error(message), {
    code: grpc.status.UNKNOWN,
    details: message,
    metadata: new grpc.Metadata(),
  });
}

/** Finds a resource type by its token. */
export type KindOf = (type: string) => Promise<ResourceKind | undefined>;

/**
 * Pulumi's resource provider protocol over resource kinds. The SDK has a server of its own, but it knows
 * neither previews nor old inputs, and takes twice as long to load.
 */
export class ProviderServer {
  readonly #kindOf: KindOf;
  readonly #version: string;
  readonly #log: EngineLog;
  readonly #cancelled = new AbortController();

  constructor(kindOf: KindOf, version: string, log: EngineLog) {
    this.#kindOf = kindOf;
    this.#version = version;
    this.#log = log;
  }

  /** Ends whatever is under way with an error. */
  cancel(reason: string): void {
    this.#cancelled.abort(new Error(reason));
  }

  /** The handlers to give to `grpc.Server.addService`. */
  get handlers(): grpc.UntypedServiceImplementation {
    const unary =
      <Q, S extends Message>(handle: (request: Q) => Promise<S> | S): grpc.handleUnaryCall<Q, S> =>
      (call, callback) => {
        Promise.resolve()
          .then(() => handle(call.request))
          .then(
            (response) => callback(null, response),
            (error) => callback(toServiceError(error)),
          );
      };
    return {
      getPluginInfo: unary(() => new pluginpb.PluginInfo().setVersion(this.#version)),
      getSchema: unary(() =>
        new pb.GetSchemaResponse().setSchema(JSON.stringify({ name: "switchyard", version: this.#version })),
      ),
      // The stack's configuration shares this package's name and so arrives as the provider's; it is none of the provider's.
      checkConfig: unary(() => new pb.CheckResponse().setInputs(new Struct())),
      diffConfig: unary(() => new pb.DiffResponse().setChanges(pb.DiffResponse.DiffChanges.DIFF_NONE)),
      configure: unary(() => new pb.ConfigureResponse().setSupportspreview(true)),
      attach: unary(() => new emptypb.Empty()),
      cancel: unary(() => {
        this.cancel("the deployment was cancelled");
        return new emptypb.Empty();
      }),
      check: unary((request: pb.CheckRequest) => this.#check(request)),
      diff: unary((request: pb.DiffRequest) => this.#diff(request)),
      create: unary((request: pb.CreateRequest) => this.#create(request)),
      read: unary((request: pb.ReadRequest) => this.#read(request)),
      update: unary((request: pb.UpdateRequest) => this.#update(request)),
      delete: unary((request: pb.DeleteRequest) => this.#delete(request)),
    };
  }

  async #lookUp(request: ResourceRequest): Promise<{ kind: ResourceKind; context: OperationContext }> {
    const urn = request.getUrn();
    const { type, name } = parseUrn(urn);
    const kind = await this.#kindOf(type);
    if (!kind) throw new Error(`the switchyard plugin has no resource type "${type}"`);
    const progress = (message: string) => this.#log.progress(urn, message);
    const warn = (message: string) => this.#log.warn(urn, message);
    return { kind, context: { urn, name, signal: this.#cancelled.signal, progress, warn } };
  }

  async #check(request: pb.CheckRequest): Promise<pb.CheckResponse> {
    const { kind, context } = await this.#lookUp(request);
    const news = fromStruct(request.getNews());
    const olds = fromStruct(request.getOlds());
    const isNew = Object.keys(olds).length === 0;
    const failures = (await kind.check?.(news, isNew ? undefined : olds, context)) ?? [];
    const response = new pb.CheckResponse().setInputs(toStruct(news));
    for (const { property, reason } of failures) {
      response.addFailures(new pb.CheckFailure().setProperty(property).setReason(reason));
    }
    return response;
  }

  async #diff(request: pb.DiffRequest): Promise<pb.DiffResponse> {
    const { kind } = await this.#lookUp(request);
    const olds = fromStruct(request.getOldInputs());
    const news = fromStruct(request.getNews());
    const ignored = new Set(request.getIgnorechangesList());
    const changed = [...new Set([...Object.keys(olds), ...Object.keys(news)])]
      .filter((key) => !ignored.has(key) && !isDeepStrictEqual(olds[key], news[key]))
      .sort();
    const replaces = changed.filter((key) => kind.replaceOn.includes(key));
    const { DIFF_SOME, DIFF_NONE } = pb.DiffResponse.DiffChanges;
    // Never the old one first: the engine would delete with it, at once, whatever must be replaced because of it.
    return new pb.DiffResponse()
      .setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE)
      .setDiffsList(changed)
      .setReplacesList(replaces);
  }

  async #create(request: pb.CreateRequest): Promise<pb.CreateResponse> {
    const { kind, context } = await this.#lookUp(request);
    const news = fromStruct(request.getProperties());
    if (request.getPreview()) {
      const known = kind.preview?.(news, undefined, context) ?? {};
      return new pb.CreateResponse().setProperties(toStruct({ ...news, ...known }));
    }
    const { id, outputs } = await kind.create(news, context);
    return new pb.CreateResponse().setId(id).setProperties(toStruct({ ...news, ...outputs }));
  }

  async #read(request: pb.ReadRequest): Promise<pb.ReadResponse> {
    const { kind, context } = await this.#lookUp(request);
    // What is imported is known by its id alone, by which none of these kinds can be found.
    if (!request.hasInputs() && !request.hasProperties())
      throw new Error(`${context.name} cannot be imported: npm run up makes it, and what it is made of`);
    const olds = { inputs: fromStruct(request.getInputs()), outputs: fromStruct(request.getProperties()) };
    const found = kind.read ? await kind.read(request.getId(), olds, context) : olds;
    if (!found) return new pb.ReadResponse();
    return new pb.ReadResponse()
      .setId(request.getId())
      .setInputs(toStruct(found.inputs))
      .setProperties(toStruct({ ...found.inputs, ...found.outputs }));
  }

  async #update(request: pb.UpdateRequest): Promise<pb.UpdateResponse> {
    const { kind, context } = await this.#lookUp(request);
    const news = fromStruct(request.getNews());
    const olds = fromStruct(request.getOlds());
    // An input that is not given again is gone from the state, too.
    const given = fromStruct(request.getOldInputs());
    const kept = Object.fromEntries(Object.entries(olds).filter(([name]) => !Object.hasOwn(given, name)));
    if (request.getPreview()) {
      const known = kind.preview?.(news, olds, context) ?? {};
      return new pb.UpdateResponse().setProperties(toStruct({ ...kept, ...news, ...known }));
    }
    const outputs = (await kind.update?.(request.getId(), news, olds, context)) ?? {};
    return new pb.UpdateResponse().setProperties(toStruct({ ...kept, ...news, ...outputs }));
  }

  async #delete(request: pb.DeleteRequest): Promise<InstanceType<typeof emptypb.Empty>> {
    const { kind, context } = await this.#lookUp(request);
    await kind.delete?.(request.getId(), fromStruct(request.getProperties()), context);
    return new emptypb.Empty();
  }
}
