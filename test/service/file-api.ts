import { createHash } from "node:crypto";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { onTestFinished } from "vitest";
import { buildApp } from "../../service/app.ts";
import { readSettings } from "../../service/settings/settings.ts";
import type { Store } from "../../service/storage/store.ts";
import { type MemoryStore, memoryStore } from "../support/memory-store.ts";
import { environment } from "./environment.ts";

export const token = "correct-horse_battery.staple";

export const bearer = { authorization: `Bearer ${token}` };

export interface FileApi<S extends Store> {
  readonly app: FastifyInstance;
  readonly store: S;
  readonly cutOff: AbortController;
  log(): Record<string, unknown>[];
  /** Listens on a free port of 127.0.0.1. */
  listen(): Promise<number>;
}

/** The app over a store in memory; writing needs {@link token}. */
export function startFileApi(variables: Record<string, string> = {}): Promise<FileApi<MemoryStore>> {
  return startFileApiOver(memoryStore(), variables);
}

/** The app over any store; writing needs {@link token}. */
export async function startFileApiOver<S extends Store>(
  store: S,
  variables: Record<string, string> = {},
): Promise<FileApi<S>> {
  const lines: string[] = [];
  const cutOff = new AbortController();
  const sha256 = createHash("sha256").update(token).digest("hex");
  const settings = readSettings({ ...environment, ADMIN_TOKEN_SHA256: sha256, ...variables });
  const logStream = { write: (line: string) => void lines.push(line) };
  const app = await buildApp(settings, { store, logStream, cutOff: cutOff.signal });
  onTestFinished(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  return {
    app,
    store,
    cutOff,
    log: () => lines.map((line) => JSON.parse(line)),
    async listen() {
      await app.listen({ host: "127.0.0.1", port: 0 });
      return (app.server.address() as AddressInfo).port;
    },
  };
}

/** Sends bytes as they are, and leaves the connection open. */
export function sendRaw(port: number, text: string): Socket {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  socket.write(text);
  return socket;
}

/** Waits until something is so. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A form with files, as `name: content`. */
export function formOf(files: Readonly<Record<string, string>>): FormData {
  const form = new FormData();
  for (const [name, content] of Object.entries(files)) form.append("file", new Blob([content]), name);
  return form;
}
