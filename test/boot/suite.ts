import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { fetchNpmPackage } from "../../plugin/npm-package.ts";
import { buildRelease } from "../../release/build.ts";
import { releaseKey, runtimeOf } from "../../release/runtimes.ts";
import { type CloudStartup, renderStartup } from "../../release/startup.ts";
import { appEnvironment } from "../support/startup.ts";
import { debianImage } from "./image.ts";
import {
  type Boot,
  type CloudServices,
  createMachine,
  type Machine,
  network,
  type Seed,
  until,
} from "./machine.ts";
import { canBoot } from "./requirements.ts";
import { sealingTests } from "./sealing.ts";

/** What a cloud differs by, when machines boot on it. */
export interface BootCloud {
  readonly startup: CloudStartup;
  /** Ids that the cloud gives to machines; all different. */
  readonly instanceIds: readonly [first: string, clone: string];
  /** Files of the machine's disk that make it trust the stand-ins. Default: none. */
  readonly files?: (image: string) => Promise<Readonly<Record<string, string>>>;
  /** What the app's environment has that nobody else may know, once it is prepared. Default: nothing. */
  readonly secrets?: () => readonly string[];
  /** What clones are told to run, where it is not the machine's user data. */
  readonly cloneScript?: (machine: string) => string;
  /** Default: none of its own. Paths begin at cloud-init's folder of seeds. */
  readonly seed?: Seed;
  /** Stops what runs out here. */
  readonly stop?: () => Promise<void>;
  /** What the machine with this id meets; objects are files out here, by their keys in the bucket. */
  readonly services: (instanceId: string, objects: Readonly<Record<string, string>>) => CloudServices;
  /** Keys of the objects that a machine was given, of all events of the services. */
  readonly downloads: (events: Machine["events"]) => string[];
}

/** The token that the booted app takes. */
export const adminToken = "boot";
const tokenHash = createHash("sha256").update(adminToken).digest("hex");

/** The most that `systemd-analyze security` may say the unit is exposed, of 10: what it says on Debian 12. */
const maxExposure = { unprivilegedPort: 1.5, privilegedPort: 1.7 };
const capNetBindService = 1n << 10n;
/** Where systemd takes the users of dynamic units from. */
const dynamicUsers = { first: 61_184, last: 65_519 };

const project = join(import.meta.dirname, "../..");

/** An object of the bucket, and the file that it is of. */
export interface Stored {
  readonly key: string;
  readonly hash: string;
  readonly file: string;
}

async function storedRelease(): Promise<Stored> {
  const { sha256, file } = await buildRelease();
  return { key: releaseKey(sha256), hash: sha256, file: join(project, file) };
}

async function storedRuntime(): Promise<Stored> {
  const { key, sha512, content } = runtimeOf("linux-x64");
  return { key, hash: sha512, file: await fetchNpmPackage(content) };
}

/** Asks the app for all that it offers: files of both sizes, over others, by form, links, and an end of one. */
export async function useApp(machine: Machine, there: readonly string[]): Promise<void> {
  const curl = (...args: string[]) =>
    machine.run("curl", "--silent", "--header", `authorization: Bearer ${adminToken}`, ...args);
  const status = (...args: string[]) => curl("--output", "/dev/null", "--write-out", "%{http_code}", ...args);
  const app = "http://127.0.0.1:5000";
  const large = "/tmp/large";
  await machine.run("truncate", "--size", "20M", large);
  expect(await status("--upload-file", large, `${app}/files/dir/large`)).toBe("200");
  expect(await status("--upload-file", large, `${app}/files/dir/large`), "over itself").toBe("200");
  expect(await status("--form", `file=@${large}`, `${app}/upload`)).toBe("200");
  expect(await status("--upload-file", "/etc/hostname", `${app}/files/small`)).toBe("200");
  expect(JSON.parse(await curl(`${app}/list_files`)).content).toEqual([
    ...there,
    "dir/large",
    "large",
    "small",
  ]);
  const { content } = JSON.parse(await curl(`${app}/download/dir/large`));
  expect(await machine.run("curl", "--silent", "--range", "0-3", "--output", "-", content)).toBe("\0\0\0\0");
  expect(await status(`${app}/download/missing`)).toBe("404");
  expect(await status("--request", "DELETE", `${app}/files/large`)).toBe("200");
}

/**
 * Boots machines on a cloud, with the release and runtime that are deployed: what user data does, the sandbox, a restart
 * after a crash, a reboot, a clone of the disk that becomes another machine, and an image of it (sealing.ts). `more` adds tests between the first
 * boot and the reboot.
 */
export function bootSuite(
  name: string,
  prepare: () => Promise<BootCloud>,
  more: (machine: () => Machine) => void = () => {},
): void {
  describe.skipIf(!canBoot())(`a machine with Debian 12 on ${name}`, () => {
    vi.setConfig({ testTimeout: 180_000, hookTimeout: 600_000 });
    let cloud: BootCloud;
    let machine: Machine;
    let release: Stored;
    let runtime: Stored;

    beforeAll(async () => {
      const image = await debianImage();
      [cloud, release, runtime] = await Promise.all([prepare(), storedRelease(), storedRuntime()]);
      machine = await createMachine(image, (await cloud.files?.(image)) ?? {});
      await boot(cloud.instanceIds[0], 5000);
    });
    afterAll(async () => {
      await machine?.remove();
      await cloud?.stop?.();
    });

    const bootOf = (instanceId: string, PORT: number, { key, hash, file } = release): Boot => ({
      instanceId,
      seed: cloud.seed,
      services: cloud.services(instanceId, { [key]: file, [runtime.key]: runtime.file }),
      userData: renderStartup({
        release: { key, sha256: hash },
        runtime: { key: runtime.key, sha512: runtime.hash },
        environment: { ...appEnvironment, ROOT: "health", PORT, ADMIN_TOKEN_SHA256: tokenHash },
        timeoutSeconds: 60,
        cloud: cloud.startup,
      }),
    });
    const boot = (instanceId: string, PORT: number) => machine.boot(bootOf(instanceId, PORT));
    const show = (property: string) =>
      machine.run("systemctl", "show", "--property", property, "--value", "switchyard.service");
    const answerOn = (port: number) => until("the app to answer", () => machine.get(port, "/cluster1"));
    const journal = () =>
      machine.run("journalctl", "--unit", "switchyard.service", "--boot", "--output", "cat");

    async function processOfApp() {
      const text = await machine.run("cat", `/proc/${await show("MainPID")}/status`);
      const fields = new Map(text.split("\n").map((line) => line.split(/:\s*/, 2) as [string, string]));
      return {
        uid: Number(fields.get("Uid")?.split("\t")[0]),
        capabilities: BigInt(`0x${fields.get("CapEff")}`) | BigInt(`0x${fields.get("CapBnd")}`),
        noNewPrivileges: fields.get("NoNewPrivs") === "1",
        filtersSystemCalls: fields.get("Seccomp") === "2",
      };
    }

    async function exposure(): Promise<number> {
      const report = await machine.run("systemd-analyze", "security", "--no-pager", "switchyard.service");
      const found = /Overall exposure level for switchyard.service: ([\d.]+)/.exec(report);
      if (!found) throw new Error(`no exposure level in:\n${report}`);
      return Number(found[1]);
    }

    test("user data runs to its end, and the app answers", async () => {
      expect(await machine.output()).toMatch(
        new RegExp(
          `identified the machine as ${cloud.instanceIds[0]} in .*fetched runtime in .*unpacked runtime in .*fetched release in .*unpacked release in .*started the app in .*app is healthy in`,
          "s",
        ),
      );
      expect(await machine.cloudInit()).toMatch(/^status: done/);
      const { status, headers, body } = await answerOn(5000);
      expect(status).toBe(200);
      expect(body).toContain(`Instance ${cloud.instanceIds[0]} is responding now!`);
      expect(headers.get("x-release")).toBe(release.hash);
    });

    test("runtime and release were fetched once", () => {
      expect(cloud.downloads(machine.events)).toEqual([runtime.key, release.key]);
    });

    test("the app is in a sandbox: no user of the machine, no capability", async () => {
      const { uid, ...rest } = await processOfApp();
      expect(uid).toBeGreaterThanOrEqual(dynamicUsers.first);
      expect(uid).toBeLessThanOrEqual(dynamicUsers.last);
      expect(rest).toEqual({ capabilities: 0n, noNewPrivileges: true, filtersSystemCalls: true });
      expect(await exposure()).toBeLessThanOrEqual(maxExposure.unprivilegedPort);
    });

    test("its log is in the journal", async () => {
      expect(await journal()).toContain(`Server listening at http://${network.machine}:5000`);
    });

    test("the same script again leaves the app alone", async () => {
      const pid = await show("MainPID");
      await machine.run("/var/lib/cloud/instance/scripts/part-001");
      expect(await show("MainPID")).toBe(pid);
      expect(cloud.downloads(machine.events)).toHaveLength(2);
    });

    more(() => machine);

    test("it is started again after SIGKILL", async () => {
      const pid = await show("MainPID");
      await machine.run("kill", "-KILL", pid);
      await until("another process", async () => !["0", pid].includes(await show("MainPID")));
      expect((await answerOn(5000)).status).toBe(200);
      expect(await show("NRestarts")).toBe("1");
    });

    test("it ends in good order when the machine shuts down, and a reboot starts it without a download", async () => {
      await machine.shutDown();
      await boot(cloud.instanceIds[0], 5000);
      expect((await answerOn(5000)).body).toContain(cloud.instanceIds[0]);
      expect(await show("NRestarts")).toBe("0");
      const last = await machine.run(
        "journalctl",
        "--unit",
        "switchyard.service",
        "--boot=-1",
        "--output",
        "cat",
      );
      expect(last).toMatch(/switchyard.service: Deactivated successfully\.\nStopped switchyard.service/);
      expect(cloud.downloads(machine.events)).toEqual([]);
    });

    test("a clone of its disk is a machine of its own, without a download, here on port 80", async () => {
      await machine.shutDown();
      await boot(cloud.instanceIds[1], 80);
      expect(await machine.output()).toMatch(
        /found runtime in .*found release in .*started the app in .*app is healthy in/s,
      );
      expect((await answerOn(80)).body).toContain(`Instance ${cloud.instanceIds[1]} is responding now!`);
      expect(cloud.downloads(machine.events)).toEqual([]);
      const { uid, capabilities } = await processOfApp();
      expect(uid).toBeGreaterThanOrEqual(dynamicUsers.first);
      expect(capabilities).toBe(capNetBindService);
      expect(await exposure()).toBeLessThanOrEqual(maxExposure.privilegedPort);
      if (!cloud.cloneScript) return;
      await machine.run("bash", "-c", cloud.cloneScript(cloud.instanceIds[0]));
      expect((await answerOn(5000)).body).toContain(`Instance ${cloud.instanceIds[1]} is responding now!`);
      expect(cloud.downloads(machine.events)).toEqual([]);
    });

    sealingTests(() => ({
      machine,
      bootOf,
      release,
      downloads: cloud.downloads,
      secrets: [tokenHash, ...cloud.instanceIds, ...(cloud.secrets?.() ?? [])],
    }));
  });
}
