import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { capture } from "../../scripts/process.ts";
import { readLines, temporaryFolder, writeScript } from "../support/fake-cli.ts";

const script = join(import.meta.dirname, "../../release/seal.sh");

/** What is to be on a sealed disk: the system's own, the runtime and the release. */
const stays = [
  "etc/hostname",
  "etc/machine-id",
  "etc/ssh/sshd_config",
  "home/ubuntu/.profile",
  "opt/switchyard/releases/0a1b/server.js",
  "opt/switchyard/runtimes/2c3d/bin/node",
  "usr/bin/env",
];

/** What is a machine's own. */
const goes = [
  "etc/google_instance_id",
  "etc/netplan/50-cloud-init.yaml",
  "etc/network/interfaces.d/50-cloud-init",
  "etc/ssh/ssh_host_ed25519_key",
  "etc/ssh/ssh_host_ed25519_key.pub",
  "etc/switchyard/app.env",
  "etc/systemd/network/10-cloud-init-eth0.network",
  "etc/systemd/system/switchyard.service",
  "home/ubuntu/.bash_history",
  "home/ubuntu/.ssh/authorized_keys",
  "opt/switchyard/releases/0a1b.lock",
  "opt/switchyard/releases/9f.archive.77",
  "opt/switchyard/releases/9f.partial/server.js",
  "opt/switchyard/started",
  "root/.bash_history",
  "root/.ssh/authorized_keys",
  "tmp/.hidden",
  "tmp/systemd-private-1/tmp/upload",
  "var/crash/_usr_bin_node.crash",
  "var/lib/amazon/ssm/Vault/Store/key",
  "var/lib/cloud/instances/i-0/user-data.txt",
  "var/lib/dbus/machine-id",
  "var/lib/dhcp/dhclient.leases",
  "var/lib/systemd/coredump/core.node",
  "var/lib/systemd/random-seed",
  "var/log/cloud-init-output.log",
  "var/log/journal/0a/system.journal",
  "var/tmp/x",
];

function disk() {
  const root = temporaryFolder();
  for (const file of [...stays, ...goes]) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), "of one machine");
  }
  mkdirSync(join(root, "run"));
  const bin = temporaryFolder();
  for (const name of ["systemctl", "journalctl", "systemd-run", "sync"])
    writeScript(join(bin, name), `echo ${name} "$@" >> ${bin}/calls`);
  const run = (...args: string[]) =>
    capture("bash", [script, ...args], { env: { PATH: `${bin}:/usr/bin:/bin`, SWITCHYARD_ROOT: root } });
  const files = () =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1))
      .sort();
  return { root, run, files, calls: () => readLines(join(bin, "calls")) };
}

test("a sealed disk has the runtime, the release and the system, and nothing of the machine's own", async () => {
  const { root, run, files, calls } = disk();
  expect(await run("seal")).toMatchObject({ code: 0, stderr: "" });
  expect(files()).toEqual(stays);
  expect(readFileSync(join(root, "etc/machine-id"), "utf8")).toBe("");
  expect(readdirSync(join(root, "var/log/journal"))).toEqual([]);
  expect(calls()).toEqual([
    "systemctl disable --now switchyard.service",
    "systemctl stop syslog.socket",
    "systemctl stop rsyslog.service",
    "systemctl stop systemd-random-seed.service",
    "journalctl --relinquish-var",
    "sync",
    "systemctl poweroff --no-block",
  ]);
});

test("as user data it waits for the end of what ran it, which writes until then", async () => {
  const { root, run, files, calls } = disk();
  expect(await run()).toMatchObject({ code: 0, stderr: "" });
  expect(files()).toEqual([...stays, ...goes, "run/switchyard-seal"].sort());
  const own = join(root, "run/switchyard-seal");
  expect(readFileSync(own, "utf8")).toBe(readFileSync(script, "utf8"));
  expect(calls()).toEqual([
    `systemd-run --no-block --collect --property=After=cloud-final.service google-startup-scripts.service bash ${own} seal`,
  ]);
});
