import { createHttpClient } from "../../storage/http.ts";
import { createKeystone, type Keystone } from "../../storage/keystone.ts";
import type { KeystoneSettings } from "../../storage/settings.ts";
import { StoreError } from "../../storage/store.ts";

/** How long a service may say nothing, in milliseconds. */
const idleMs = 60_000;

/** Where each service's paths begin, below what the catalog says of it, and the catalog's name of it. */
const services = {
  compute: { name: "Nova", base: (url: string) => url },
  image: { name: "Glance", base: (url: string) => `${url.replace(/\/v2$/, "")}/v2` },
  // The catalog has these with or without their versions.
  "load-balancer": { name: "Octavia", base: (url: string) => `${url.replace(/\/v2(\.0)?$/, "")}/v2.0/lbaas` },
  network: { name: "Neutron", base: (url: string) => `${url.replace(/\/v2\.0$/, "")}/v2.0` },
} as const;

export type Service = keyof typeof services;
export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** What a service answered that was not what was asked for. */
export class ServiceError extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export interface CallOptions {
  readonly body?: object;
  /** Default: two minutes. */
  readonly signal?: AbortSignal;
}

/** The REST API of OpenStack's services, asked with one login, and with a new token when one is refused. */
export class OpenstackApi {
  readonly #login: () => Promise<KeystoneSettings>;
  readonly #client = createHttpClient(idleMs);
  #keystone: Keystone | undefined;

  /** @param login who asks; it is looked for when it is needed first */
  constructor(login: () => Promise<KeystoneSettings>) {
    this.#login = login;
  }

  /**
   * @param path below the service: `/servers/detail?limit=100`
   * @returns undefined for an answer without content
   * @throws {ServiceError} with the service's own words, which name what is missing or may not be seen
   */
  async call<T>(service: Service, method: Method, path: string, options: CallOptions = {}): Promise<T> {
    const { body, signal = AbortSignal.timeout(2 * idleMs) } = options;
    const { name, base } = services[service];
    const login = await this.#login();
    this.#keystone ??= createKeystone(login, this.#client);
    const keystone = this.#keystone;
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
      if (answer.status < 300) return (text === "" ? undefined : JSON.parse(text)) as T;
      const said = text.slice(0, 300).trim();
      throw new ServiceError(`${name} answers ${method} ${path}: ${answer.status} ${said}`, answer.status);
    } catch (error) {
      // Its own words are of a store.
      if (error instanceof StoreError && error.cause instanceof Error)
        throw new Error(`${login.OS_AUTH_URL}: ${error.cause.message}`, { cause: error });
      throw error;
    }
  }

  /**
   * All pages of a listing, by the id of the last thing of each: its links may have another URL than the catalog's.
   * @param key of the list in the answer, such as `servers`
   */
  async all<T extends { readonly id: string }>(
    service: Service,
    path: string,
    key: string,
    signal?: AbortSignal,
  ): Promise<T[]> {
    const found: T[] = [];
    let query = "";
    for (;;) {
      const options = signal ? { signal } : {};
      const page = await this.call<Readonly<Record<string, unknown>>>(service, "GET", path + query, options);
      const things = (page[key] ?? []) as readonly T[];
      found.push(...things);
      const links = (page[`${key}_links`] ?? []) as readonly { readonly rel: string }[];
      const last = things.at(-1);
      // Glance says where the next page is by a word of its own.
      if (!last || !(page.next || links.some(({ rel }) => rel === "next"))) return found;
      query = `${path.includes("?") ? "&" : "?"}marker=${last.id}`;
    }
  }
}

/** Whether an error says that there is no such thing, or no longer. */
export function isGone(error: unknown): boolean {
  return error instanceof ServiceError && error.status === 404;
}

/** Does what deletes something, which may be gone already. */
export async function gone(deletion: Promise<unknown>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}
