import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { releaseKey } from "../../release/runtimes.ts";
import { type Boot, type Machine, until } from "./machine.ts";
import type { Stored } from "./suite.ts";

const sealScript = join(import.meta.dirname, "../../release/seal.sh");

/** A machine that has served, and how it is booted. */
export interface Used {
  readonly machine: Machine;
  readonly bootOf: (instanceId: string, port: number, release?: Stored) => Boot;
  readonly release: Stored;
  readonly downloads: (events: Machine["events"]) => string[];
  /** What no file of the image may have: ids of machines, and what the app's environment keeps. */
  readonly secrets: readonly string[];
}

/** What an image may have that Debian's own has not, beside the runtime and releases; none of it tells of a machine. */
const systems = [
  // What cloud-init set up for a first boot: its user, who may be root, and the names around.
  /^etc\/(passwd|shadow|group|gshadow|subuid|subgid)-?$/,
  /^etc\/(\.pwd\.lock|sudoers|sudoers\.d\/90-cloud-init-users|hostname|hosts|machine-id)$/,
  /^home\/debian\/\.(bash_logout|bashrc|profile)$/,
  // By the suite: what lets machines trust the stand-ins, and cloud-init find its source.
  /^etc\/(ssl\/certs\/ca-certificates\.crt|cloud\/cloud\.cfg\.d\/.*\.cfg)$/,
  // Debian's package tools, and when timers were last due.
  /^var\/cache\/debconf\/|^var\/lib\/systemd\/timers\/stamp-/,
];

/** Files that a machine has from people who were there, and from what it was about to do. */
const leftovers = [
  "/etc/ssh/ssh_host_ed25519_key",
  "/root/.ssh/authorized_keys",
  "/root/.bash_history",
  "/var/lib/systemd/random-seed",
  "/var/tmp/upload",
];

/** Another archive of the same files: to a startup script, a newer release. */
async function repacked({ file }: Stored, folder: string): Promise<Stored> {
  const archive = Buffer.concat([await readFile(file), gzipSync("")]);
  const hash = createHash("sha256").update(archive).digest("hex");
  const newer = join(folder, "newer.tgz");
  await writeFile(newer, archive);
  return { key: releaseKey(hash), hash, file: newer };
}

/** Makes an image of the disk of a machine that has served, as `npm run image` does on a cloud, looks into it, and boots it. */
export function sealingTests(used: () => Used): void {
  const [copy, first, second] = ["copy-to-seal", "of-image-1", "of-image-2"];
  let machineId: string;
  let took = "";
  const timed = async (what: string, run: () => Promise<void>) => {
    const began = Date.now();
    await run();
    took += `${what} ${((Date.now() - began) / 1000).toFixed(1)} s; `;
  };

  test("a copy of it takes away what is its own, and switches itself off", async () => {
    const { machine, bootOf } = used();
    const write = leftovers.map(
      (file) => `mkdir -p ${file.slice(0, file.lastIndexOf("/"))} && echo own > ${file}`,
    );
    await machine.run("bash", "-c", write.join(" && "));
    machineId = await machine.run("cat", "/etc/machine-id");
    await machine.shutDown();
    const userData = await readFile(sealScript, "utf8");
    await timed("sealing", () => machine.bootUntilOff({ ...bootOf(copy, 5000), userData }));
  });

  test("its disk has the runtime and the release, and nothing of a machine's own", async () => {
    const { machine, secrets } = used();
    expect(
      await readdir(join(machine.root, "var/log/journal")),
      "folders that have an id for a name",
    ).toEqual([]);
    const files = await machine.written();
    const isInstalled = (file: string) => /^opt\/switchyard\/(runtimes|releases)\/[0-9a-f]+\//.test(file);
    const others = new Map([...files].filter(([file]) => !isInstalled(file)));
    expect([...others.keys()].filter((file) => !systems.some((part) => part.test(file)))).toEqual([]);
    expect(await readFile(files.get("etc/machine-id") ?? "", "utf8")).toBe("");
    expect([...files.keys()].filter((file) => /\/(bin\/node|server\.js)$/.test(file))).toHaveLength(2);
    for (const [file, path] of others) {
      const text = await readFile(path, "latin1");
      for (const secret of [...secrets, machineId, copy]) expect(text, file).not.toContain(secret);
    }
  });

  test("a machine that boots it starts without a download", async () => {
    const { machine, bootOf, downloads } = used();
    await timed("a boot of the image", () => machine.boot(bootOf(first, 5000)));
    const answer = await until("the app to answer", () => machine.get(5000, "/cluster1"));
    expect(answer.body).toContain(`Instance ${first} is responding now!`);
    expect(downloads(machine.events)).toEqual([]);
    expect(await machine.output()).toMatch(/found runtime in .*found release in .*app is healthy in/s);
    expect(await machine.run("cat", "/etc/machine-id")).not.toBe(machineId);
  });

  test("a machine that is to run a newer release fetches that, and nothing else", async () => {
    const { machine, bootOf, release, downloads } = used();
    await machine.shutDown();
    const folder = await mkdtemp(join(tmpdir(), "newer-"));
    try {
      const newer = await repacked(release, folder);
      await timed("with a newer release", () => machine.boot(bootOf(second, 5000, newer)));
      const answer = await until("the app to answer", () => machine.get(5000, "/cluster1"));
      expect(answer.headers.get("x-release")).toBe(newer.hash);
      expect(answer.body).toContain(`Instance ${second} is responding now!`);
      expect(downloads(machine.events)).toEqual([newer.key]);
    } finally {
      await rm(folder, { recursive: true });
    }
    console.log(`images: ${took}`);
  });
}
