import { type IncomingMessage, request } from "node:http";
import { controlPlaneLog, withSocketPath } from "./home.ts";

/** How often it is looked whether a control plane that has not answered yet still lives, in milliseconds. */
const lookMs = 5_000;

/** How long it may say nothing, in milliseconds: longer than its supervisor waits before it starts it again. */
const silenceMs = 20_000;

/** The control plane refused a call, or could not do it. */
export class ControlPlaneError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The control plane says nothing, and nothing has started it again. */
export class SilentError extends Error {}

/** There is no control plane behind the socket. */
export function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ECONNREFUSED"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** The connection ended before the answer: the control plane was killed, or is being restarted. */
export function isCut(error: unknown): boolean {
  return ["ECONNRESET", "EPIPE"].includes((error as NodeJS.ErrnoException).code ?? "");
}

export interface CallOptions {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** What a control plane says of itself. */
export interface Greeting {
  readonly pid: number;
  readonly version: string;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return text;
}

function send(home: string, { method, path, body, signal }: CallOptions): Promise<unknown> {
  return withSocketPath(
    home,
    (socketPath) =>
      new Promise((resolve, reject) => {
        const json = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
        const headers = json ? { "content-type": "application/json", "content-length": json.length } : {};
        const call = request({ socketPath, method, path, headers, signal, agent: false }, (response) => {
          textOf(response).then((text) => {
            const status = response.statusCode ?? 0;
            const answer = text === "" ? undefined : JSON.parse(text);
            if (status < 300) resolve(answer);
            else
              reject(new ControlPlaneError(status, answer?.message ?? `the local cloud answered ${status}`));
          }, reject);
        });
        call.once("error", reject);
        call.end(json);
      }),
  );
}

/**
 * Asks a control plane who it is.
 *
 * @throws SilentError when it does not say so in time
 */
export async function greet(home: string, signal?: AbortSignal): Promise<Greeting> {
  const late = AbortSignal.timeout(silenceMs);
  try {
    const both = signal ? AbortSignal.any([signal, late]) : late;
    return (await send(home, { method: "GET", path: "/", signal: both })) as Greeting;
  } catch (error) {
    if (!late.aborted || signal?.aborted) throw error;
    throw new SilentError(
      `the local cloud's control plane has said nothing for ${silenceMs / 1000} s. ` +
        `Its log is ${controlPlaneLog(home)}; end the process that has it open, and run the command again`,
    );
  }
}

/**
 * Calls a control plane once. How long the answer may take is for the call to say; one that does not even say who it is
 * meanwhile has hung.
 *
 * @throws SilentError, ControlPlaneError, or why there was no answer (`isAbsent`, `isCut`)
 */
export async function callOnce(home: string, options: CallOptions): Promise<unknown> {
  const hung = new AbortController();
  let looking = false;
  const watch = setInterval(async () => {
    if (looking) return;
    looking = true;
    await greet(home, hung.signal).catch((error: unknown) => {
      if (error instanceof SilentError) hung.abort(error);
    });
    looking = false;
  }, lookMs);
  try {
    const signal = options.signal ? AbortSignal.any([options.signal, hung.signal]) : hung.signal;
    return await send(home, { ...options, signal });
  } catch (error) {
    hung.signal.throwIfAborted();
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    clearInterval(watch);
    hung.abort();
  }
}
