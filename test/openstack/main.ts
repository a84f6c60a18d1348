import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isInstalled, serverPackages } from "../servers/cache.ts";
import { installed } from "../servers/keystone.ts";
import { type OpenstackCloud, startCloud } from "./cloud.ts";
import { names } from "./template.ts";

// An OpenStack on the loopback address, to try things on: node main.ts start | stop. It runs until it is stopped.

/** Says which process runs the cloud, while one does. */
const pidFile = () => join(installed(), "cloud.pid");

/** What the process that runs the cloud has to say, should it fail. */
const logFile = () => join(installed(), "cloud.log");

async function runningPid(): Promise<number | undefined> {
  if (!existsSync(pidFile())) return undefined;
  const pid = Number(await readFile(pidFile(), "utf8"));
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    return undefined;
  }
}

async function start(): Promise<void> {
  if (!isInstalled(serverPackages.swift)) process.exit(1);
  const running = await runningPid();
  if (running !== undefined)
    throw new Error(`it runs already, as process ${running}: openstack:stop ends it`);
  console.log("Starts an OpenStack; takes about half a minute …");
  // Not to what this process writes to: whoever reads that would wait for the end of the other.
  const log = await open(logFile(), "w");
  const child = spawn(process.execPath, [import.meta.filename, "serve"], {
    detached: true,
    stdio: ["ignore", log.fd, log.fd, "ipc"],
  });
  const told = await Promise.race([
    once(child, "message").then(([message]) => message as string),
    once(child, "exit").then(() => undefined),
  ]);
  await log.close();
  if (told === undefined) throw new Error(await readFile(logFile(), "utf8"));
  console.log(told);
  child.disconnect();
  child.unref();
}

async function serve(): Promise<void> {
  const stopped = Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  const cloud = await startCloud();
  await writeFile(pidFile(), String(process.pid));
  process.send?.(await describe(cloud));
  await stopped;
  await cloud.stop();
  await rm(pidFile());
}

/** What to paste: who can log in, and a stack's configuration. */
async function describe({ folder, made, user, administrator }: OpenstackCloud): Promise<string> {
  const files = { openrc: user, "openrc-admin": administrator };
  for (const [name, credentials] of Object.entries(files)) {
    const all = { ...credentials, OS_USER_DOMAIN_ID: "default", OS_PROJECT_DOMAIN_ID: "default" };
    const lines = Object.entries(all).map(([key, value]) => `export ${key}=${value}\n`);
    await writeFile(join(folder, name), lines.join(""));
  }
  return `It runs; logs are in ${folder}. To log in as a user of a project, or as administrator:
  . ${join(folder, "openrc")}
  . ${join(folder, "openrc-admin")}
A stack's configuration:
  openstack:authUrl: ${user.OS_AUTH_URL}
  openstack:region: ${user.OS_REGION_NAME}
  openstack:useOctavia: true
  switchyard:openstack:
    externalNetwork: { id: ${made.externalNetwork}, name: ${names.externalNetwork} }
    image: ${names.image}`;
}

async function stop(): Promise<void> {
  const pid = await runningPid();
  if (pid === undefined) return console.log("None runs.");
  process.kill(pid, "SIGTERM");
  while ((await runningPid()) !== undefined) await sleep(100);
  console.log("Stopped.");
}

const commands: Readonly<Record<string, () => Promise<void>>> = { start, serve, stop };
const command = commands[process.argv[2] ?? ""];
if (!command) throw new Error("say start or stop");
await command();
