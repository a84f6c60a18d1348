import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isFree } from "./addresses.ts";

/** Who listens on a port; without a pid where that cannot be known. */
export interface PortHolder {
  readonly pid?: number;
  readonly command?: string;
}

/** The state of a listening socket in /proc/net/tcp (TCP_LISTEN in the kernel's include/net/tcp_states.h). */
const listening = "0A";

function listeningInode(port: number): string | undefined {
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const lines = readFileSync(table, "utf8").split("\n").slice(1);
    for (const line of lines) {
      const fields = line.trim().split(/\s+/);
      const [, local = "", , state] = fields;
      if (state === listening && Number.parseInt(local.split(":")[1] ?? "", 16) === port) return fields[9];
    }
  }
  return undefined;
}

/** The program and its arguments, shortened to what tells which one it is. */
function commandLine(pid: string): string {
  const text = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function processWithSocket(inode: string): PortHolder {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const open = readdirSync(`/proc/${pid}/fd`).map((descriptor) =>
        readlinkSync(`/proc/${pid}/fd/${descriptor}`),
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
  const inode = listeningInode(port);
  return inode ? processWithSocket(inode) : {};
}
