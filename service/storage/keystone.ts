import { faultOfStatus, storeError, within } from "./faults.ts";
import type { HttpClient } from "./http.ts";
import type { KeystoneSettings } from "./settings.ts";

/** What Keystone gives: a token, and where the catalog has services. */
export interface Session {
  readonly token: string;
  /**
   * The URL of a service, such as `object-store` (then with the account), without a slash at its end.
   * @param face which of its endpoints; default: that of the settings
   * @throws {StoreError} when the catalog has none
   */
  urlOf(service: string, face?: KeystoneSettings["OS_INTERFACE"]): string;
  /** In milliseconds since the epoch. */
  readonly renewAt: number;
}

export interface Keystone {
  /** A session whose token is good for some time yet. */
  session(signal: AbortSignal): Promise<Session>;
  /** Another one in place of a session whose token was refused. */
  renew(refused: Session, signal: AbortSignal): Promise<Session>;
}

/** A token is renewed when this part of its life is left, a minute at most. */
const renewal = { part: 0.1, atMostMs: 60_000 };
/** How long it may take to get a token, in milliseconds. */
const limitMs = 30_000;

interface Endpoint {
  readonly interface: string;
  readonly region_id?: string;
  readonly region?: string;
  readonly url: string;
}

/** The part of `POST /v3/auth/tokens` that is used (Identity API v3, "Authentication and token management"). */
interface TokenBody {
  readonly token: {
    readonly issued_at: string;
    readonly expires_at: string;
    readonly catalog?: readonly { readonly type: string; readonly endpoints: readonly Endpoint[] }[];
  };
}

/** Gets tokens from Keystone v3, by password or application credential; those who wait for one share it. */
export function createKeystone(settings: KeystoneSettings, client: HttpClient): Keystone {
  let latest: Session | undefined;
  let pending: Promise<Session> | undefined;
  const logIn = async () => {
    try {
      latest = await authenticate(settings, client);
      return latest;
    } finally {
      pending = undefined;
    }
  };
  const session = (signal: AbortSignal) => {
    if (latest && Date.now() < latest.renewAt) return Promise.resolve(latest);
    pending ??= logIn();
    return within(signal, limitMs, pending);
  };
  return {
    session,
    renew: (refused, signal) => {
      if (latest === refused) latest = undefined;
      return session(signal);
    },
  };
}

async function authenticate(settings: KeystoneSettings, client: HttpClient): Promise<Session> {
  const asked = Date.now();
  const { status, headers, body } = await client.call({
    method: "POST",
    url: `${settings.OS_AUTH_URL.replace(/\/+(v3\/*)?$/, "")}/v3/auth/tokens`,
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ auth: credentials(settings) }),
    signal: AbortSignal.timeout(limitMs),
  });
  const token = headers["x-subject-token"];
  if (status !== 201 || typeof token !== "string") {
    const cause = new Error(`Keystone answered ${status}: ${body.toString().slice(0, 300)}`);
    throw storeError(faultOfStatus(status), "authenticating", cause);
  }
  const { OS_REGION_NAME: region } = settings;
  const { issued_at, expires_at, catalog = [] } = (JSON.parse(body.toString()) as TokenBody).token;
  const lifeMs = Date.parse(expires_at) - Date.parse(issued_at);
  // By this machine's clock, which may differ from Keystone's.
  const renewAt = asked + lifeMs - Math.min(lifeMs * renewal.part, renewal.atMostMs);
  return {
    token,
    renewAt,
    urlOf(service, face = settings.OS_INTERFACE) {
      const endpoints = catalog.find(({ type }) => type === service)?.endpoints ?? [];
      const found = endpoints.find((endpoint) => endpoint.interface === face && isIn(endpoint, region));
      if (found) return found.url.replace(/\/+$/, "");
      const where = region === undefined ? "" : ` in region ${region}`;
      const cause = new Error(`the catalog has no ${face} endpoint of type ${service}${where}`);
      throw storeError("denied", "looking for it in the catalog", cause);
    },
  };
}

function isIn(endpoint: Endpoint, region: string | undefined): boolean {
  return [undefined, endpoint.region_id, endpoint.region].includes(region);
}

function credentials(settings: KeystoneSettings): object {
  const { OS_APPLICATION_CREDENTIAL_ID: id, OS_APPLICATION_CREDENTIAL_SECRET: secret } = settings;
  if (id !== undefined) {
    return { identity: { methods: ["application_credential"], application_credential: { id, secret } } };
  }
  const { OS_USER_ID, OS_USERNAME, OS_PASSWORD, OS_PROJECT_ID, OS_PROJECT_NAME } = settings;
  const user = named(
    OS_USER_ID,
    OS_USERNAME,
    domain(settings.OS_USER_DOMAIN_ID, settings.OS_USER_DOMAIN_NAME),
  );
  const project = named(
    OS_PROJECT_ID,
    OS_PROJECT_NAME,
    domain(settings.OS_PROJECT_DOMAIN_ID, settings.OS_PROJECT_DOMAIN_NAME),
  );
  return {
    identity: { methods: ["password"], password: { user: { ...user, password: OS_PASSWORD } } },
    scope: { project },
  };
}

/** A user or project: an id says it all. */
function named(id: string | undefined, name: string | undefined, domain: object): object {
  return id === undefined ? { name, domain } : { id };
}

function domain(id: string | undefined, name: string | undefined): object {
  return id === undefined && name !== undefined ? { name } : { id: id ?? "default" };
}
