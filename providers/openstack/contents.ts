import { setTimeout as sleep } from "node:timers/promises";
import type { ResourceKind } from "../../plugin/resource.ts";
import { type Account, openAccount } from "../../service/storage/swift-account.ts";
import { swiftSettings } from "./files.ts";

/** What is in a container of Swift's; who deploys may read and delete it. */
export interface ContentsInputs {
  readonly authUrl: string;
  readonly region: string;
  readonly container: string;
  /** Whether it goes with the container. */
  readonly empty: boolean;
}

/** How many objects are deleted at a time. */
const atOnce = 32;

/** The pause between two looks at a container that still lists what is deleted, in milliseconds. */
const pauseMs = 1_000;

/**
 * The objects of a container, which go before it does: the provider's own plugin puts names into URLs as they are,
 * and so deletes none with a control character, as parts of files have it, nor one with a question mark. Makes nothing, and
 * is the container's name to whoever uses it.
 */
export const contents: ResourceKind = {
  // A container that is called otherwise is another one; where the same one is reached may change.
  replaceOn: ["container"],
  preview: ({ container }) => ({ container }),
  async create({ container }) {
    return { id: String(container), outputs: {} };
  },
  update: async () => ({}),
  async delete(_id, olds, { signal, progress }) {
    const { container, empty, ...place } = olds as unknown as ContentsInputs;
    const account = openAccount(await swiftSettings(container, place));
    try {
      if (empty) await deleteAll(account, signal, progress);
      else await requireNone(account, signal);
    } catch (error) {
      const { message, cause } = error as Error & { cause?: Error };
      throw new Error(`Container ${container}: ${cause?.message ?? message}`, { cause: error });
    } finally {
      await account.client.close();
    }
  },
};

async function deleteAll(
  account: Account,
  signal: AbortSignal,
  progress: (message: string) => void,
): Promise<void> {
  let deleted = 0;
  for (let left = true; left; ) {
    let marker = "";
    for (let names = await listed(account, marker, signal); names.length > 0; ) {
      for (let at = 0; at < names.length; at += atOnce)
        await Promise.all(names.slice(at, at + atOnce).map((name) => deleteOne(account, name, signal)));
      deleted += names.length;
      progress(`deleted ${deleted} objects`);
      marker = names.at(-1) ?? "";
      names = await listed(account, marker, signal);
    }
    left = marker !== "";
    if (left) await sleep(pauseMs, undefined, { signal });
  }
}

async function requireNone(account: Account, signal: AbortSignal): Promise<void> {
  if ((await listed(account, "", signal)).length === 0) return;
  throw new Error("it still has files: deploy switchyard:bucket.empty as true first, or delete them");
}

/** Names behind another one; none of a container that is gone. */
async function listed(account: Account, marker: string, signal: AbortSignal): Promise<string[]> {
  const path = `/${account.container}?${new URLSearchParams({ format: "json", marker })}`;
  const { status, body } = await account.ask("listing files", { method: "GET", path, signal }, 200, 204, 404);
  return status === 200 ? JSON.parse(body.toString()).map(({ name }: { name: string }) => name) : [];
}

/** Of a file in parts, its parts are objects of their own. */
async function deleteOne(account: Account, name: string, signal: AbortSignal): Promise<void> {
  const path = `/${account.container}/${encodeURIComponent(name)}`;
  await account.ask("deleting a file", { method: "DELETE", path, signal }, 204, 404);
}
