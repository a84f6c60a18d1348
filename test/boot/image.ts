import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** What a cloud's image of Debian 12 has, as far as a startup script and its unit can tell. */
const suite = "bookworm";
const packages = [
  "ca-certificates",
  "cloud-init",
  "curl",
  "dbus",
  "iproute2",
  "libnss-systemd",
  "procps",
  "systemd-sysv",
];

/** Leaves out what a container has no use for: locales, host keys, and the search for another data source. */
const cloudConfig = `datasource_list: [NoCloud, None]
locale: false
ssh_deletekeys: false
ssh_genkeytypes: []
`;

/**
 * The folder of a Debian 12 with cloud-init, never booted; made by the first call, which takes 1 to 4 minutes and 400 MB,
 * and kept in `$XDG_CACHE_HOME/switchyard/boot` or `~/.cache/switchyard/boot`. Nobody may write to it: machines get an
 * overlay each.
 */
export async function debianImage(): Promise<string> {
  const recipe = createHash("sha256").update(JSON.stringify([suite, packages, cloudConfig]));
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "switchyard/boot");
  const folder = join(cache, `debian-12-${recipe.digest("hex").slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  console.log(`building ${folder}; takes up to 4 minutes`);
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  const args = ["--quiet", "--variant=minbase", `--include=${packages.join(",")}`, suite, partial];
  await promisify(execFile)("mmdebstrap", args);
  await writeFile(join(partial, "etc/cloud/cloud.cfg.d/90-container.cfg"), cloudConfig);
  await rename(partial, folder);
  return folder;
}
