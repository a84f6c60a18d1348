import { faultOfStatus, storeError } from "./faults.ts";
import { createHttpClient, type HttpAnswer, type HttpCall, type HttpClient } from "./http.ts";
import { createKeystone, type Keystone, type Session } from "./keystone.ts";
import type { SwiftSettings } from "./settings.ts";

/** How long Swift may say nothing, in milliseconds; it looks at every segment before it takes a manifest. */
export const limitMs = 30_000;

/** What the catalog calls the object store. */
export const service = "object-store";

/** A request to the account, with what its URL continues by: `/container/object`, encoded. */
interface AccountCall extends Omit<HttpCall, "url"> {
  readonly path: string;
}

/**
 * What begins the names of segments, which lie in the container of their files: a key of links is good for one container.
 * No file's name has a control character (service/files/names.ts), and all files sort behind it.
 */
export const segmentsFolder = "\u0001segments";

/** A project's account of Swift, with the container of its files. */
export interface Account {
  readonly container: string;
  readonly keystone: Keystone;
  readonly client: HttpClient;
  /** With a token; with a new one, once, when it is refused. @throws {StoreError} for a status that is not expected */
  ask(operation: string, call: AccountCall, ...expected: number[]): Promise<HttpAnswer>;
}

/** Makes no request yet; `idleMs` is how long a connection may stand still, in milliseconds. */
export function openAccount(settings: SwiftSettings, idleMs = limitMs): Account {
  const client = createHttpClient(idleMs);
  const keystone = createKeystone(settings, client);
  const withToken = ({ path, ...call }: AccountCall, session: Session) =>
    client.call({
      ...call,
      url: session.urlOf(service) + path,
      headers: { ...call.headers, "x-auth-token": session.token },
    });
  return {
    container: settings.BUCKET,
    keystone,
    client,
    ask: async (operation, call, ...expected) => {
      const session = await keystone.session(call.signal);
      let answer = await withToken(call, session);
      const again = call.body === undefined || typeof call.body === "string" || Buffer.isBuffer(call.body);
      if (answer.status === 401 && again) {
        answer = await withToken(call, await keystone.renew(session, call.signal));
      }
      if (expected.includes(answer.status)) return answer;
      const cause = new Error(`Swift answered ${answer.status}: ${answer.body.toString().slice(0, 300)}`);
      throw storeError(faultOfStatus(answer.status), operation, cause);
    },
  };
}
