import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { isInstalled, serverPackages } from "../servers/cache.ts";

const debianPackages: Readonly<Record<string, string>> = {
  "systemd-nspawn": "systemd-container",
  mmdebstrap: "mmdebstrap",
  nsenter: "util-linux",
  ip: "iproute2",
  openssl: "openssl",
  curl: "curl",
};

/** Whether machines can be booted here; says in one line what is missing when they cannot. */
export function canBoot(): boolean {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const missing = Object.keys(debianPackages).filter(
    (command) => !folders.some((folder) => existsSync(join(folder, command))),
  );
  const reason =
    process.platform !== "linux" || process.arch !== "x64"
      ? "they need Linux on x64"
      : process.getuid?.() !== 0
        ? "they need root"
        : missing.length > 0 &&
          `they need ${missing.join(", ")}: apt-get install ${missing.map((command) => debianPackages[command]).join(" ")}`;
  if (reason) console.warn(`left out: tests that boot machines: ${reason}`);
  return !reason && [serverPackages.s3, serverPackages.gcs, serverPackages.swift].every(isInstalled);
}
