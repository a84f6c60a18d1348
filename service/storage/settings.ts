import { type Environment, matching, oneOf, readVariables, type Variable } from "../settings/variables.ts";

/** What the file API needs to know of its store; each field is the environment variable of its name. */
export type StoreSettings = S3Settings | GcsSettings | SwiftSettings | LocalSettings;

export interface S3Settings {
  readonly STORE: "s3";
  readonly BUCKET: string;
  readonly AWS_REGION: string;
  /** Whose credentials, of the SDK's configuration files. Default: as the SDK finds them. */
  readonly AWS_PROFILE?: string;
  /** Another endpoint than AWS's; the bucket then stands in the path. */
  readonly S3_ENDPOINT?: string;
}

export interface GcsSettings {
  readonly STORE: "gcs";
  readonly BUCKET: string;
  /** Another endpoint than Google's; one outside its domains gets no credentials. */
  readonly GCS_ENDPOINT?: string;
}

/** A login, as the OpenStack clients name it: either the application credential or the password with its project is there. */
export interface KeystoneSettings {
  readonly OS_AUTH_URL: string;
  readonly OS_APPLICATION_CREDENTIAL_ID?: string;
  readonly OS_APPLICATION_CREDENTIAL_SECRET?: string;
  /** The user by id, or else by name; so is the project. */
  readonly OS_USER_ID?: string;
  readonly OS_USERNAME?: string;
  readonly OS_PASSWORD?: string;
  readonly OS_PROJECT_ID?: string;
  readonly OS_PROJECT_NAME?: string;
  /** Default: `default`, by its id, unless the name is given. The same goes for the project's. */
  readonly OS_USER_DOMAIN_ID?: string;
  readonly OS_USER_DOMAIN_NAME?: string;
  readonly OS_PROJECT_DOMAIN_ID?: string;
  readonly OS_PROJECT_DOMAIN_NAME?: string;
  /** Default: the catalog's first. */
  readonly OS_REGION_NAME?: string;
  /** Which of the catalog's endpoints. Default `public`. */
  readonly OS_INTERFACE: "public" | "internal" | "admin";
}

export interface SwiftSettings extends KeystoneSettings {
  readonly STORE: "swift";
  /** The files' own container. */
  readonly BUCKET: string;
  /** The key that the account or the container has for TempURL; absent: there are no links to files. */
  readonly SWIFT_TEMP_URL_KEY?: string;
}

export interface LocalSettings {
  readonly STORE: "local";
  readonly BUCKET: string;
  /** The machine's identity; a secret. */
  readonly IDENTITY_URL: string;
}

/** What the file API leaves as it is. */
export interface StoreOptions {
  /** What keys begin with, where files share a bucket with releases. Default `files/`; empty: the whole bucket. */
  readonly prefix?: string;
  /** How long the store may stand still, in milliseconds. Default 10 s for the local cloud, 20 s for S3, else 30 s. */
  readonly idleMs?: number;
  /** How much of a file is sent by one request to Swift, in bytes. Default 64 MiB. */
  readonly segmentBytes?: number;
}

type Variables = Readonly<Record<string, Variable<string>>>;

const url = matching(/^https?:\/\/[^\s/]+\S*$/, "an http or https URL");
const text = matching(/\S/);
const secret = { ...text, secret: true } as const;
const optional = { optional: true } as const;
const bucket = matching(
  /^[A-Za-z0-9][\w.-]{0,221}$/,
  "a bucket's name: 1 to 222 letters, digits, `.`, `_` or `-`",
);

const applicationCredential = {
  OS_APPLICATION_CREDENTIAL_ID: text,
  OS_APPLICATION_CREDENTIAL_SECRET: secret,
};
const password = ({ OS_USER_ID, OS_PROJECT_ID }: Environment) => ({
  ...(OS_USER_ID ? { OS_USER_ID: text } : { OS_USERNAME: text }),
  OS_PASSWORD: secret,
  ...(OS_PROJECT_ID ? { OS_PROJECT_ID: text } : { OS_PROJECT_NAME: text }),
  OS_USER_DOMAIN_ID: { ...text, ...optional },
  OS_USER_DOMAIN_NAME: { ...text, ...optional },
  OS_PROJECT_DOMAIN_ID: { ...text, ...optional },
  OS_PROJECT_DOMAIN_NAME: { ...text, ...optional },
});
const keystone = (environment: Environment): Variables => ({
  OS_AUTH_URL: url,
  ...(environment.OS_APPLICATION_CREDENTIAL_ID ? applicationCredential : password(environment)),
  OS_REGION_NAME: { ...text, ...optional },
  OS_INTERFACE: { ...oneOf(["public", "internal", "admin"]), fallback: "public" },
});

const variables: Readonly<Record<StoreSettings["STORE"], (environment: Environment) => Variables>> = {
  s3: () => ({
    AWS_REGION: matching(/^[a-z0-9-]{1,40}$/, "a region such as eu-west-1"),
    S3_ENDPOINT: { ...url, ...optional },
  }),
  gcs: () => ({ GCS_ENDPOINT: { ...url, ...optional } }),
  swift: (environment) => ({ ...keystone(environment), SWIFT_TEMP_URL_KEY: { ...secret, ...optional } }),
  local: () => ({ IDENTITY_URL: { ...url, secret: true } }),
};

/**
 * Reads which store the file API has, and what that store needs, from environment variables; one that is set to nothing
 * counts as unset. S3 and Google Cloud Storage find their credentials by themselves, in the order of their SDKs.
 * @throws {Error} whose message has a line for each variable that is missing or wrong
 */
export function readStoreSettings(environment: Environment): StoreSettings {
  const stores = Object.keys(variables) as StoreSettings["STORE"][];
  const selected = stores.find((store) => store === environment.STORE);
  const values = readVariables(environment, {
    STORE: oneOf(stores),
    BUCKET: bucket,
    ...(selected && variables[selected](environment)),
  });
  return Object.freeze(values) as unknown as StoreSettings;
}

/**
 * Reads a login at Keystone from environment variables, as `readStoreSettings` does of a store at OpenStack.
 * @throws {Error} whose message has a line for each variable that is missing or wrong
 */
export function readKeystoneSettings(environment: Environment): KeystoneSettings {
  return Object.freeze(readVariables(environment, keystone(environment))) as unknown as KeystoneSettings;
}
