import { join, resolve } from "node:path";
import { RunError } from "@pulumi/pulumi/errors.js";
import { didYouMean, readSettings } from "../config/read.ts";
import type { Settings } from "../config/settings.ts";
import { readStack } from "../plan/stack.ts";
import { clouds } from "../providers/index.ts";

/** Who is to deploy what. */
export interface Bootstrap {
  /** What begins the names of all that is made: `switchyard-aws`. */
  readonly name: string;
  /** The stack that is deployed. */
  readonly stack: string;
  readonly settings: Settings;
  /** The whole configuration of that stack, `aws:region` among it, as a program gets it. */
  readonly stackConfig: Readonly<Record<string, string>>;
  /** Of the workflows; absent where no cloud trusts them. */
  readonly repository?: string;
  /** GitHub's environments, in which deployments and previews run. */
  readonly environments: { readonly deploy: string; readonly preview: string };
  /** Roles in the OpenStack project of what deploys, with commas between them. */
  readonly roles?: string;
  /** The AWS account. */
  readonly account?: string;
  /** ARN of the account's identity provider for GitHub, which is there already. */
  readonly oidcProvider?: string;
  /** Where the deployed stack's state is, as Pulumi has it: `s3://bucket/folder?region=…`, `gs://bucket`. */
  readonly state?: URL;
  /** The key that its secrets are encrypted with, in the cloud's own words. */
  readonly stateKey?: string;
}

/** A service account's name has 30 characters (https://cloud.google.com/iam/docs/service-accounts-create), of which `-controller` is the end. */
const longestOnGcp = 19;

interface Key {
  readonly pattern: RegExp;
  /** What it may be, to follow "it must be". */
  readonly expected: string;
}

/** A word of GitHub's, with its number behind it where subjects have that (https://docs.github.com/en/actions/reference/security/oidc). */
const githubName = "[A-Za-z0-9._-]+(@\\d+)?";

const keys = {
  stack: { pattern: /^[\w.-]+$/, expected: "the name of a stack that has a file beside this folder" },
  file: {
    pattern: /^\S.*\.ya?ml$/,
    expected: "the path of that stack's file, from the project's folder on",
  },
  name: {
    pattern: /^[a-z]([a-z0-9-]{0,22}[a-z0-9])?$/,
    expected: "1 to 24 lower-case letters, digits and hyphens, a letter first and no hyphen last",
  },
  repository: {
    pattern: new RegExp(`^${githubName}/${githubName}$`),
    expected: "owner/name; owner@1/name@2 where GitHub's subjects have their numbers",
  },
  environment: { pattern: /^[\w.-]{1,240}$/, expected: "a name of letters, digits, dots and hyphens" },
  roles: {
    pattern: /^[\w-]+(,[\w-]+)*$/,
    expected: "names of roles of OpenStack's, with commas between them, such as member,reader",
  },
  account: { pattern: /^\d{12}$/, expected: "the twelve digits of the AWS account" },
  oidcProvider: {
    pattern: /^arn:aws[\w-]*:iam::\d{12}:oidc-provider\/token\.actions\.githubusercontent\.com$/,
    expected: "the ARN of the account's provider for token.actions.githubusercontent.com",
  },
  state: {
    pattern: /^(s3|gs):\/\/[a-z0-9][a-z0-9._-]+(\/[^?*]*)?(\?[^*]*)?$/,
    expected: "s3://bucket or gs://bucket, as Pulumi's backend has it",
  },
  stateKey: {
    pattern: /^(arn:aws[\w-]*:kms:[\w-]+:\d{12}:key\/[\w-]+|projects\/[^*]+\/cryptoKeys\/[\w-]+)$/,
    expected: "a KMS key's ARN (arn:aws:kms:…:key/…), or projects/…/cryptoKeys/… on Google Cloud",
  },
} as const satisfies Record<string, Key>;

type KeyName = keyof typeof keys;

/** What each cloud needs besides `stack`. */
const needed: Readonly<Record<string, readonly KeyName[]>> = {
  aws: ["account", "repository"],
  gcp: ["repository"],
  openstack: [],
};

/**
 * Reads the configuration `bootstrap:…`, and the file of the stack that it names.
 *
 * @param raw every configuration value, as `pulumi.runtime.allConfig()` gives them
 * @throws RunError that lists everything wrong; ConfigError when the stack's own file is not right
 */
export async function readBootstrap(raw: Readonly<Record<string, string>>): Promise<Bootstrap> {
  const problems: string[] = [];
  const given: Partial<Record<KeyName, string>> = {};
  for (const [key, value] of Object.entries(raw)) {
    const [, name = ""] = /^bootstrap:(.+)$/.exec(key) ?? [];
    if (name === "") continue;
    if (!Object.hasOwn(keys, name))
      problems.push(`${key} is set, and there is no such key, ${didYouMean(name, Object.keys(keys))}`);
    else if (!keys[name as KeyName].pattern.test(value))
      problems.push(`${key} is ${JSON.stringify(value)}; it must be ${keys[name as KeyName].expected}`);
    else given[name as KeyName] = value;
  }
  const require = (name: KeyName) => {
    if (raw[`bootstrap:${name}`] === undefined)
      problems.push(`bootstrap:${name} is missing; it must be ${keys[name].expected}`);
  };
  require("stack");
  if (given.stack === undefined) throw problemsIn(problems);
  const { stack } = given;
  const root = join(import.meta.dirname, "..");
  const deployed = readStack(
    stack,
    given.file === undefined ? {} : { configFile: resolve(root, given.file) },
  );
  const where = { project: deployed.project, stack };
  const settings = await readSettings(deployed.config, where, clouds, new Set(deployed.secretKeys));
  const { [settings.cloud]: wanted } = needed;
  if (wanted) wanted.forEach(require);
  else
    problems.push(
      `bootstrap:stack is ${JSON.stringify(stack)}, which is deployed to ${settings.cloud}, where nobody needs rights; name one of ${Object.keys(needed).join(", ")}`,
    );
  const name = given.name ?? `${settings.project}-${stack}`;
  if (given.name === undefined && !keys.name.pattern.test(name))
    problems.push(`bootstrap:name is missing, and cannot be ${name}; it must be ${keys.name.expected}`);
  else if (settings.cloud === "gcp" && name.length > longestOnGcp)
    problems.push(`bootstrap:name is ${name}; on Google Cloud it may have ${longestOnGcp} characters`);
  if (problems.length > 0) throw problemsIn(problems);
  const { environment = stack, state, file: _, ...rest } = given;
  return {
    ...rest,
    name,
    stack,
    settings,
    stackConfig: deployed.config,
    environments: { deploy: environment, preview: `${environment}-preview` },
    ...(state !== undefined && { state: new URL(state) }),
  };
}

function problemsIn(problems: readonly string[]): RunError {
  return new RunError(
    ["This stack's configuration is not right:", ...problems.map((line) => `  ${line}`)]
      .concat("docs/bootstrap.md describes every key.")
      .join("\n"),
  );
}
