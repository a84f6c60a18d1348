import Fastify, { type FastifyInstance } from "fastify";
import { metricsPort } from "../../config/settings.ts";
import type { Machines } from "../machines.ts";
import type { DeployedStack } from "../outputs.ts";
import { type Counted, type Counts, countedIn, type DeploymentView, viewOf } from "./state.ts";

/** How long a machine may take to tell its metrics, in milliseconds. */
const metricsLimitMs = 1_000;

const headers = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

const types: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

/** Looks at a deployment when it is asked to, once for all who ask within a moment. */
export class Observer {
  readonly #deployed: () => Promise<DeployedStack>;
  readonly #machines: Machines;
  readonly #freshMs: number;
  readonly #counts = new Map<string, Counts | readonly [Counted]>();
  #last: { readonly at: number; readonly view: Promise<DeploymentView> } | undefined;

  /**
   * @param deployed reads the stack's outputs: a deployment may change them
   * @param freshMs how old what is served may be, in milliseconds
   */
  constructor(deployed: () => Promise<DeployedStack>, machines: Machines, freshMs: number) {
    this.#deployed = deployed;
    this.#machines = machines;
    this.#freshMs = freshMs;
  }

  view(): Promise<DeploymentView> {
    const now = performance.now();
    if (this.#last && now - this.#last.at < this.#freshMs) return this.#last.view;
    const view = this.#look();
    this.#last = { at: now, view };
    view.catch(() => {
      this.#last = undefined;
    });
    return view;
  }

  async #look(): Promise<DeploymentView> {
    const [deployed, machines] = await Promise.all([this.#deployed(), this.#machines.list()]);
    await Promise.all(machines.map(({ id, address }) => this.#count(id, address)));
    for (const id of this.#counts.keys())
      if (!machines.some((machine) => machine.id === id)) this.#counts.delete(id);
    const pairs = [...this.#counts].flatMap(([id, counts]) =>
      counts.length === 2 ? [[id, counts] as const] : [],
    );
    return viewOf(deployed, machines, new Map(pairs), Date.now());
  }

  /** Metrics that cannot be reached are no error: in clouds they are open to the network alone. */
  async #count(id: string, address: string): Promise<void> {
    const host = address.replace(/:\d+$/, "");
    const answer = await fetch(`http://${host}:${metricsPort}/metrics`, {
      signal: AbortSignal.timeout(metricsLimitMs),
    }).catch(() => undefined);
    const text = answer?.ok ? await answer.text().catch(() => undefined) : undefined;
    if (text === undefined) return void this.#counts.delete(id);
    const now = countedIn(text, performance.now());
    const before = this.#counts.get(id)?.at(-1);
    this.#counts.set(id, before ? [before, now] : [now]);
  }
}

/**
 * Serves the page, and what it shows, to this machine alone: whoever asks under another name than that of the loopback, as a
 * page in a browser might have it do, is refused.
 */
export function createDashboard(
  observer: Pick<Observer, "view">,
  files: Readonly<Record<string, Uint8Array>>,
): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true });
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers);
    if (!/^(127(\.\d+){3}|\[::1\]|localhost)(:\d+)?$/.test(request.host))
      return reply.code(421).send({ message: "this page is for this machine alone" });
  });
  app.setErrorHandler((error: Error, _request, reply) => reply.code(502).send({ message: error.message }));
  app.get("/state", () => observer.view());
  for (const [name, content] of Object.entries(files)) {
    const path = name === "index.html" ? "/" : `/${name}`;
    const type = types[name.split(".").at(-1) ?? ""] ?? "application/octet-stream";
    app.get(path, (_request, reply) => reply.type(type).send(content));
  }
  return app;
}
