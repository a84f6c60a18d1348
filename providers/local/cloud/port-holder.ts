import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { isFree } from "./addresses.ts";

/** Who listens on a port; without a pid where that cannot be known. */
export interface PortHolder {
  readonly pid?: number;
  readonly command?: string;
}

/** The state of a listening socket in /proc/net/tcp (TCP_LISTEN in the kernel's include/net/tcp_states.h). */
const listening = "0A";

/** An IPv4 address as these tables have it: 32 bits in the host's byte order, which is little-endian on x64 and arm64. */
function tableAddress(address: string): string {
  const octets = address.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"));
  return octets.reverse().join("").toUpperCase();
}

/** The socket that listens on an IPv4 address and port, be it for that address, its IPv6 form, or for all. */
function listeningInode(address: string, port: number): string | undefined {
  const any = "0".repeat(32);
  const own = tableAddress(address);
  const addresses = [own, any.slice(0, 8), any, `${any.slice(0, 16)}FFFF0000${own}`];
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const lines = readFileSync(table, "utf8").split("\n").slice(1);
    for (const line of lines) {
      const fields = line.trim().split(/\s+/);
      const [, local = "", , state] = fields;
      const [bound = "", boundPort = ""] = local.split(":");
      if (state === listening && Number.parseInt(boundPort, 16) === port && addresses.includes(bound))
        return fields[9];
    }
  }
  return undefined;
}

/** The program and its arguments, shortened to what tells which one it is. */
function commandLine(pid: string): string {
  const [program = "", ...rest] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  const text = [basename(program), ...rest].join(" ").trim();
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** Where a link in /proc leads, or undefined when it has just gone, as a descriptor that was closed. */
function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function processWithSocket(inode: string): PortHolder {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const open = readdirSync(`/proc/${pid}/fd`).map((descriptor) =>
        linkTarget(`/proc/${pid}/fd/${descriptor}`),
      );
      if (!open.includes(`socket:[${inode}]`)) continue;
      return { pid: Number(pid), command: commandLine(pid) };
    } catch {
      // The process has ended, or is another user's: it is not known whose the port is.
    }
  }
  return {};
}

/** Who holds an address and port, or undefined when it is free. */
export async function portHolder(address: string, port: number): Promise<PortHolder | undefined> {
  if (await isFree(address, port)) return undefined;
  if (process.platform !== "linux") return {};
  const inode = listeningInode(address, port);
  return inode ? processWithSocket(inode) : {};
}
