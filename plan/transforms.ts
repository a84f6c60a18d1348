import * as grpc from "@grpc/grpc-js";
import callbackgrpc from "@pulumi/pulumi/proto/callback_grpc_pb.js";
import callbackpb from "@pulumi/pulumi/proto/callback_pb.js";
import pb from "@pulumi/pulumi/proto/resource_pb.js";
import structpb from "google-protobuf/google/protobuf/struct_pb.js";
import { dependenciesIn, fromOutputs, toOutputs } from "./values.ts";

const { Struct } = structpb;

type JavaScriptStruct = Parameters<typeof Struct.fromJavaScript>[0];
type Transform = (request: pb.TransformRequest) => Promise<pb.TransformResponse>;

/** The program's functions that change a resource before it is registered, called as the engine calls them. */
export class Transforms {
  readonly #clients = new Map<string, callbackgrpc.CallbacksClient>();
  readonly #ofStack: Transform[] = [];
  readonly #ofResources = new Map<string, { readonly own: readonly Transform[]; readonly parent: string }>();

  /** Adds one for every resource from now on. */
  addToStack(callback: callbackpb.Callback): void {
    this.#ofStack.push(this.#transform(callback));
  }

  /** Keeps those of a resource that was registered, for the resources in it. */
  keep(urn: string, request: pb.RegisterResourceRequest): void {
    const own = request.getTransformsList().map((callback) => this.#transform(callback));
    this.#ofResources.set(urn, { own, parent: request.getParent() });
  }

  /**
   * Changes a request as the program's transforms say: its own first, then those of what it is in, then the stack's
   * (`RegisterResource` in pkg/resource/deploy/source_eval.go of Pulumi, also for what becomes of dependencies).
   * @throws with the transform's error
   */
  async apply(request: pb.RegisterResourceRequest): Promise<void> {
    const own = request.getTransformsList().map((callback) => this.#transform(callback));
    const transforms = [...own, ...this.#inherited(request.getParent()), ...this.#ofStack];
    if (transforms.length === 0) return;
    const known = own.length > 0 ? propertyDependencies(request) : new Map<string, string[]>();
    let properties = Struct.fromJavaScript(
      toOutputs(request.getObject()?.toJavaScript() ?? {}, known) as JavaScriptStruct,
    );
    let options = optionsOf(request);
    for (const transform of transforms) {
      const response = await transform(
        new pb.TransformRequest()
          .setType(request.getType())
          .setName(request.getName())
          .setCustom(request.getCustom())
          .setParent(request.getParent())
          .setProperties(properties)
          .setOptions(options),
      );
      properties = response.getProperties() ?? properties;
      options = response.getOptions() ?? options;
    }
    const values = properties.toJavaScript();
    setOptions(request, options);
    if (own.length > 0) setDependencies(request, values, options.getDependsOnList());
    request.setObject(Struct.fromJavaScript(fromOutputs(values) as JavaScriptStruct));
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  #inherited(urn: string): readonly Transform[] {
    const found = this.#ofResources.get(urn);
    return found ? [...found.own, ...this.#inherited(found.parent)] : [];
  }

  #transform(callback: callbackpb.Callback): Transform {
    const client = this.#client(callback.getTarget());
    return (request) => {
      const { promise, resolve, reject } = Promise.withResolvers<pb.TransformResponse>();
      const call = new callbackpb.CallbackInvokeRequest()
        .setToken(callback.getToken())
        .setRequest(request.serializeBinary());
      client.invoke(call, (error, response) =>
        error
          ? reject(new Error(error.details))
          : resolve(pb.TransformResponse.deserializeBinary(response.getResponse_asU8())),
      );
      return promise;
    };
  }

  #client(target: string): callbackgrpc.CallbacksClient {
    const client =
      this.#clients.get(target) ??
      new callbackgrpc.CallbacksClient(target, grpc.credentials.createInsecure(), {
        "grpc.max_receive_message_length": -1,
      });
    this.#clients.set(target, client);
    return client;
  }
}

function propertyDependencies(request: pb.RegisterResourceRequest): Map<string, string[]> {
  const entries = [...request.getPropertydependenciesMap().entries()];
  return new Map(entries.map(([key, urns]) => [key, urns.getUrnsList()]));
}

/** What a resource depends on when a transform of its own may have changed its properties. */
function setDependencies(
  request: pb.RegisterResourceRequest,
  properties: Readonly<Record<string, unknown>>,
  dependsOn: readonly string[],
): void {
  const all = new Set(dependsOn);
  const byProperty = request.getPropertydependenciesMap();
  byProperty.clear();
  for (const [key, value] of Object.entries(properties)) {
    const urns = [...dependenciesIn(value)];
    byProperty.set(key, new pb.RegisterResourceRequest.PropertyDependencies().setUrnsList(urns));
    for (const urn of urns) all.add(urn);
  }
  request.setDependenciesList([...all]);
}

function optionsOf(request: pb.RegisterResourceRequest): pb.TransformResourceOptions {
  const options = new pb.TransformResourceOptions()
    .setDependsOnList(request.getDependenciesList())
    .setIgnoreChangesList(request.getIgnorechangesList())
    .setReplaceOnChangesList(request.getReplaceonchangesList())
    .setVersion(request.getVersion())
    .setAliasesList(request.getAliasesList())
    .setProvider(request.getProvider())
    .setCustomTimeouts(request.getCustomtimeouts())
    .setPluginDownloadUrl(request.getPlugindownloadurl())
    .setDeletedWith(request.getDeletedwith())
    .setReplaceWithList(request.getReplaceWithList())
    .setAdditionalSecretOutputsList(request.getAdditionalsecretoutputsList())
    .setHooks(request.getHooks())
    .setImport(request.getImportid())
    .setHideDiffList(request.getHidediffsList());
  if (request.hasProtect()) options.setProtect(request.getProtect() ?? false);
  if (request.hasRetainondelete()) options.setRetainOnDelete(request.getRetainondelete() ?? false);
  if (request.getDeletebeforereplacedefined()) {
    options.setDeleteBeforeReplace(request.getDeletebeforereplace());
  }
  for (const [key, provider] of request.getProvidersMap().entries()) {
    options.getProvidersMap().set(key, provider);
  }
  return options;
}

/** The stack's transforms change no dependencies: the engine looks at them for a resource's own alone. */
function setOptions(request: pb.RegisterResourceRequest, options: pb.TransformResourceOptions): void {
  request
    .setIgnorechangesList(options.getIgnoreChangesList())
    .setReplaceonchangesList(options.getReplaceOnChangesList())
    .setVersion(options.getVersion())
    .setAliasesList(options.getAliasesList())
    .setProvider(options.getProvider())
    .setCustomtimeouts(options.getCustomTimeouts())
    .setPlugindownloadurl(options.getPluginDownloadUrl())
    .setDeletedwith(options.getDeletedWith())
    .setReplaceWithList(options.getReplaceWithList())
    .setAdditionalsecretoutputsList(options.getAdditionalSecretOutputsList())
    .setImportid(options.getImport())
    .setHidediffsList(options.getHideDiffList())
    .setDeletebeforereplacedefined(options.hasDeleteBeforeReplace())
    .setDeletebeforereplace(options.getDeleteBeforeReplace() ?? false);
  if (options.hasProtect()) request.setProtect(options.getProtect() ?? false);
  if (options.hasRetainOnDelete()) request.setRetainondelete(options.getRetainOnDelete() ?? false);
}
