import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { type KeystoneSettings, readKeystoneSettings } from "../../service/storage/settings.ts";
import type { OpenstackOperator } from "./outputs.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What is read here of a file of clouds (https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html). */
interface Clouds {
  readonly clouds?: Readonly<Record<string, CloudEntry>>;
}

interface CloudEntry {
  readonly interface?: string;
  readonly auth?: Readonly<Record<string, string | undefined>>;
}

/** Parts of a login, by their names in a file of clouds; the environment's are the same in capitals, with `OS_` before. */
const parts = [
  "application_credential_id",
  "application_credential_secret",
  "user_id",
  "username",
  "password",
  "project_id",
  "project_name",
  "user_domain_id",
  "user_domain_name",
  "project_domain_id",
  "project_domain_name",
];

/**
 * The operator's own login, as the `openstack` command finds it: the cloud of `clouds.yaml` that `OS_CLOUD` names, or else
 * the variables of an openrc file. Where Keystone is and which region, the stack knows.
 *
 * @throws when nothing of that says who logs in
 */
export async function loginOf(
  { authUrl, region }: Pick<OpenstackOperator, "authUrl" | "region">,
  environment: Environment = process.env,
): Promise<KeystoneSettings> {
  const { OS_CLOUD: cloud } = environment;
  const login = cloud ? await loginOfCloud(cloud, environment) : environment;
  try {
    return readKeystoneSettings({ ...login, OS_AUTH_URL: authUrl, OS_REGION_NAME: region });
  } catch (error) {
    const remedy = cloud
      ? `the cloud ${cloud} of clouds.yaml must have it under auth`
      : "source the cloud's openrc file, or name a cloud of clouds.yaml by OS_CLOUD";
    throw new Error(`No login at ${authUrl}: ${remedy}.\n${(error as Error).message}`);
  }
}

/** The login of a cloud by the names that the environment has; a password that the file leaves out is the environment's. */
async function loginOfCloud(name: string, environment: Environment): Promise<Environment> {
  const { OS_CLIENT_CONFIG_FILE, OS_CLIENT_SECURE_FILE, OS_PASSWORD } = environment;
  const open = await cloudIn("clouds.yaml", OS_CLIENT_CONFIG_FILE, name);
  if (!open) throw new Error(`OS_CLOUD is ${JSON.stringify(name)}, and no clouds.yaml has such a cloud`);
  const secret = await cloudIn("secure.yaml", OS_CLIENT_SECURE_FILE, name);
  const auth = { ...open.auth, ...secret?.auth };
  const login = parts.map((part) => [`OS_${part.toUpperCase()}`, auth[part]]);
  return {
    OS_PASSWORD,
    OS_INTERFACE: open.interface,
    ...Object.fromEntries(login.filter(([, text]) => text)),
  };
}

/** A cloud by its name, of the first file that there is, in the order of the `openstack` command. */
async function cloudIn(
  file: string,
  given: string | undefined,
  name: string,
): Promise<CloudEntry | undefined> {
  const folders = [process.cwd(), join(homedir(), ".config/openstack"), "/etc/openstack"];
  for (const path of given ? [given] : folders.map((folder) => join(folder, file))) {
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text !== undefined) return (parse(text) as Clouds | null)?.clouds?.[name];
  }
  return undefined;
}
