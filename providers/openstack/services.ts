import { createHttpClient } from "../../service/storage/http.ts";
import { createKeystone, type Keystone } from "../../service/storage/keystone.ts";
import { StoreError } from "../../service/storage/store.ts";
import { loginOf } from "./login.ts";
import type { OpenstackOperator } from "./outputs.ts";

/** How long a service may say nothing, in milliseconds. */
const idleMs = 60_000;

/** Where each service's paths begin, below what the catalog says of it, and the catalog's name of it. */
const services = {
  compute: { name: "Nova", base: (url: string) => url },
  // The catalog has it with or without its version.
  "load-balancer": { name: "Octavia", base: (url: string) => `${url.replace(/\/v2(\.0)?$/, "")}/v2.0/lbaas` },
} as const;

export type Service = keyof typeof services;

/** What a service answered that was not what was asked for. */
export class ServiceError extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** The REST API of OpenStack's services, asked with the operator's own login, and with a new token when one is refused. */
export class Services {
  readonly #place: OpenstackOperator;
  readonly #client = createHttpClient(idleMs);
  #keystone: Promise<Keystone> | undefined;

  constructor(place: OpenstackOperator) {
    this.#place = place;
  }

  /**
   * @param path below the service: `/servers/detail?limit=100`
   * @throws {ServiceError} with the service's own words, which name what is missing or may not be seen
   */
  async call<T>(
    service: Service,
    method: "GET" | "POST",
    path: string,
    options: { readonly body?: object; readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    const { body, signal = AbortSignal.timeout(2 * idleMs) } = options;
    const { name, base } = services[service];
    this.#keystone ??= loginOf(this.#place).then((login) => createKeystone(login, this.#client));
    const keystone = await this.#keystone;
    try {
      let session = await keystone.session(signal);
      const ask = () =>
        this.#client.call({
          method,
          url: base(session.urlOf(service)) + path,
          headers: { "content-type": "application/json", "x-auth-token": session.token },
          ...(body && { body: JSON.stringify(body) }),
          signal,
        });
      let answer = await ask();
      if (answer.status === 401) {
        session = await keystone.renew(session, signal);
        answer = await ask();
      }
      const text = answer.body.toString();
      if (answer.status < 300) return JSON.parse(text) as T;
      const said = text.slice(0, 300).trim();
      throw new ServiceError(`${name} answers ${method} ${path}: ${answer.status} ${said}`, answer.status);
    } catch (error) {
      // Its own words are of a store.
      if (error instanceof StoreError && error.cause instanceof Error)
        throw new Error(`${this.#place.authUrl}: ${error.cause.message}`, { cause: error });
      throw error;
    }
  }
}
