import * as grpc from "@grpc/grpc-js";
import type callbackpb from "@pulumi/pulumi/proto/callback_pb.js";
import enginegrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import enginepb from "@pulumi/pulumi/proto/engine_pb.js";
import monitorgrpc from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/resource_pb.js";
import type { Message } from "google-protobuf";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import structpb, { type Struct as StructMessage } from "google-protobuf/google/protobuf/struct_pb.js";
import { type Labels, labelOf, labelsKey } from "./labels.ts";
import {
  type Properties,
  type Registration,
  readRegistration,
  registrationOf,
  type StackName,
  toProperties,
} from "./registration.ts";
import { Transforms } from "./transforms.ts";
import { wireSecret } from "./values.ts";

const { Struct } = structpb;

/** A line that the program, or the SDK, logs. */
export interface Log {
  readonly severity: "info" | "info#err" | "warning" | "error";
  readonly message: string;
  /** The resource that it is about. */
  readonly urn?: string;
}

/** What the program did, as it comes in; values as they are on the wire. */
export interface Recording {
  readonly resources: Map<string, Registration>;
  /** By URN: what was registered at the end, by components and the stack. */
  readonly outputs: Map<string, Properties>;
  readonly logs: Log[];
}

export interface Recorder {
  /** `host:port` of both of the engine's services. */
  readonly address: string;
  readonly recording: Recording;
  close(): void;
}

/** All of them: what a plan cannot do it refuses when it is asked to, and says why. */
const features = Object.values(pb.ResourceMonitorFeature).filter((value) => typeof value === "number");

/** Answers for what a plan cannot do; the SDK shows them with the line of the program that asked. */
const refusals = {
  call: "a method of a resource needs the resource's plugin, and a plan has none",
  existsResource: "a plan cannot tell whether a resource exists",
  registerResourceHook: "a plan does not run resource hooks",
  registerErrorHook: "a plan does not run error hooks",
  registerPackage: "a plan does not know parameterized packages",
} as const;

function refusal(message: string): Error {
  return Object.assign(new Error(message), { code: grpc.status.FAILED_PRECONDITION, details: message });
}

function refusing(reasons: Readonly<Record<string, string>>): grpc.UntypedServiceImplementation {
  const handlers = Object.entries(reasons).map(([method, reason]) => [
    method,
    unary(() => {
      throw new Error(reason);
    }),
  ]);
  return Object.fromEntries(handlers);
}

function unary<Q, S extends Message>(handle: (request: Q) => S | Promise<S>): grpc.handleUnaryCall<Q, S> {
  return async ({ request }, callback) => {
    try {
      callback(null, await handle(request));
    } catch (error) {
      callback(refusal((error as Error).message));
    }
  };
}

/** What a resource's constructor is told: its inputs, and how its other outputs are called. */
function answeredProperties(registration: Registration): StructMessage {
  const { urn, parent, custom, inputs, additionalSecretOutputs: secrets } = registration;
  const outputs: Record<string, unknown> = { ...inputs };
  for (const name of secrets) {
    if (Object.hasOwn(outputs, name)) outputs[name] = wireSecret(outputs[name]);
  }
  if (custom) outputs[labelsKey] = { label: labelOf(urn, parent), secrets } satisfies Labels;
  return Struct.fromJavaScript(outputs as Parameters<typeof Struct.fromJavaScript>[0]);
}

/** A provider has no id yet: the SDK then refers to it as the engine's previews do. */
function idOf({ custom, type, urn, parent, id }: Registration): string {
  if (id !== undefined) return id;
  return custom && !type.startsWith("pulumi:providers:") ? `\${${labelOf(urn, parent)}.id}` : "";
}

function monitorHandlers(
  stack: StackName,
  { resources, outputs }: Recording,
  transforms: Transforms,
): grpc.UntypedServiceImplementation {
  const record = (registration: Registration): Registration => {
    const { urn } = registration;
    if (resources.has(urn)) throw new Error(`Duplicate resource URN '${urn}'; try giving it a unique name`);
    resources.set(urn, registration);
    return registration;
  };
  return {
    ...refusing(refusals),
    registerStackTransform: unary((callback: callbackpb.Callback) => {
      transforms.addToStack(callback);
      return new emptypb.Empty();
    }),
    // It would change calls of data sources, and those are refused.
    registerStackInvokeTransform: unary(() => new emptypb.Empty()),
    getDeploymentInfo: unary(() =>
      new pb.DeploymentInfo()
        .setProject(stack.project)
        .setStack(stack.name)
        .setDryrun(true)
        .setSupportedfeaturesList(features),
    ),
    supportsFeature: unary(() => new pb.SupportsFeatureResponse().setHassupport(true)),
    invoke: unary((request: pb.ResourceInvokeRequest) => {
      throw new Error(
        `${request.getTok()} is a data source, and a plan has nothing to read it from: let the stack's configuration say what it would`,
      );
    }),
    registerResource: unary(async (request: pb.RegisterResourceRequest) => {
      await transforms.apply(request);
      const registration = record(registrationOf(request, stack, resources));
      transforms.keep(registration.urn, request);
      return new pb.RegisterResourceResponse()
        .setUrn(registration.urn)
        .setId(idOf(registration))
        .setObject(answeredProperties(registration));
    }),
    readResource: unary((request: pb.ReadResourceRequest) => {
      const registration = record(readRegistration(request, stack, resources));
      return new pb.ReadResourceResponse()
        .setUrn(registration.urn)
        .setProperties(answeredProperties(registration));
    }),
    registerResourceOutputs: unary((request: pb.RegisterResourceOutputsRequest) => {
      outputs.set(request.getUrn(), toProperties(request.getOutputs()));
      return new emptypb.Empty();
    }),
    signalAndWaitForShutdown: unary(() => new emptypb.Empty()),
  };
}

const severities = { 1: "info", 2: "warning", 3: "error" } as const;

function engineHandlers({ logs }: Recording): grpc.UntypedServiceImplementation {
  let root = "";
  return {
    log: unary((request: enginepb.LogRequest) => {
      const severity = severities[request.getSeverity() as keyof typeof severities];
      const urn = request.getUrn();
      const message = request.getMessage();
      if (severity && !request.getEphemeral()) logs.push({ severity, message, ...(urn ? { urn } : {}) });
      return new emptypb.Empty();
    }),
    getRootResource: unary(() => new enginepb.GetRootResourceResponse().setUrn(root)),
    setRootResource: unary((request: enginepb.SetRootResourceRequest) => {
      root = request.getUrn();
      return new enginepb.SetRootResourceResponse();
    }),
    startDebugging: unary(() => new emptypb.Empty()),
    requirePulumiVersion: unary(() => new enginepb.RequirePulumiVersionResponse()),
  };
}

/**
 * Serves the engine's side of Pulumi's protocol on a free loopback port: takes down what the program registers, and
 * answers at once, with its own inputs and tokens for outputs. Nothing is created, and no plugin is asked.
 */
export async function startRecorder(stack: StackName): Promise<Recorder> {
  const recording: Recording = { resources: new Map(), outputs: new Map(), logs: [] };
  const transforms = new Transforms();
  const server = new grpc.Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  server.addService(monitorgrpc.ResourceMonitorService, monitorHandlers(stack, recording, transforms));
  server.addService(enginegrpc.EngineService, engineHandlers(recording));
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
    error ? reject(error) : resolve(port),
  );
  const address = `127.0.0.1:${await promise}`;
  const close = () => {
    transforms.close();
    server.forceShutdown();
  };
  return { address, recording, close };
}
