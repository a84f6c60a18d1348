/**
 * Loaded before the program (`node --import`: Pulumi.yaml's `nodeargs`, the commands of `scripts/`, and plans). Pulumi's
 * SDK starts with what few programs ever use, and this one never: the TypeScript compiler, npm's package installer and a
 * debugger, for functions that are handed to the cloud; the Automation API; exporters of traces. And it has a stack trace
 * for each value and resource, through source maps, for programs that are compiled. Here all but the source maps is loaded
 * once it is used, and a program starts in a third of the time and with half of the memory.
 */
import { createRequire, enableCompileCache, Module } from "node:module";
import { join } from "node:path";

// A language host that is older than its CLI is not told of Pulumi.yaml's options, and would have TypeScript compiled.
delete process.env.PULUMI_NODEJS_TYPESCRIPT;

enableCompileCache(join(import.meta.dirname, "../.switchyard/compile-cache"));

type AnyFunction = (...args: unknown[]) => unknown;
type Exports = Record<PropertyKey, unknown>;

const sdk = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json"));

const modules = ["typescript", "@npmcli/arborist", "normalize-package-data", "@pulumi/pulumi/automation"];
for (const name of modules) standIn(name, (key, load) => load()[key]);

const tracing = [
  "exporter-zipkin",
  "instrumentation",
  "instrumentation-grpc",
  "resources",
  "sdk-trace-base",
  "sdk-trace-node",
];
for (const name of tracing) {
  // The SDK takes these apart at once, into functions and classes.
  standIn(`@opentelemetry/${name}`, (key, load) => later(() => load()[key] as AnyFunction));
}

standIn("@pulumi/pulumi/runtime/closure/v8Hooks.js", (key, load) =>
  key === "isInitializedAsync" ? async () => {} : load()[key],
);

if (!process.env.PULUMI_DEBUG_PROMISE_LEAKS) {
  standIn("@pulumi/pulumi/runtime/debuggable.js", (key, load) =>
    key === "debuggablePromise" ? withoutTrace(load()[key] as AnyFunction) : load()[key],
  );
}

put("source-map-support/register", {});

/** Has the SDK find `exports` when it loads a CommonJS module. */
function put(name: string, exports: object): string {
  const file = sdk.resolve(name);
  sdk.cache[file] = Object.assign(new Module(file), { filename: file, loaded: true, exports });
  return file;
}

/**
 * Puts something in a module's place that loads it when its exports are looked at.
 * @param get what an export is
 */
function standIn(name: string, get: (key: PropertyKey, load: () => Exports) => unknown): void {
  let loaded: Exports | undefined;
  const load = () => {
    if (loaded) return loaded;
    delete sdk.cache[file];
    const exports = sdk(file);
    // As `import` has it: a module of the older kind is its own default.
    loaded = exports.__esModule
      ? exports
      : new Proxy(exports, { get: (of, key) => (key === "default" ? of : of[key]) });
    return loaded as Exports;
  };
  // An `__esModule` is taken as it is by what compiled `import * as` became, not copied.
  const file = put(name, new Proxy({}, { get: (_, key) => key === "__esModule" || get(key, load) }));
}

/** What a proxy has to be of, to be called and constructed. */
function callable() {}

/** Stands for a function or class that is loaded when it is called, or another class extends it. */
function later(load: () => AnyFunction): AnyFunction {
  const own: AnyFunction = new Proxy(callable as AnyFunction, {
    get: (_, key) => Reflect.get(load(), key),
    apply: (_, self, args) => Reflect.apply(load(), self, args),
    construct: (_, args, target) => Reflect.construct(load(), args, target === own ? load() : target),
  });
  return own;
}

/** Has a function make no stack traces, which cost more than what it does. */
function withoutTrace(original: AnyFunction): AnyFunction {
  return (...args) => {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      return original(...args);
    } finally {
      Error.stackTraceLimit = limit;
    }
  };
}
