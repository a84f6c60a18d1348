import { setTimeout as sleep } from "node:timers/promises";
import type { Replacement, StoredDocument } from "./store.ts";
import type { Account } from "./swift-account.ts";

/**
 * Swift compares nothing but whether there is an object (`If-None-Match: *`); so each version of a document is an object
 * of its own, `<name>/<number>`, which whoever comes first makes. Each of its servers looks for itself before it takes the
 * content: of two that come within the same milliseconds both are told that they made it, and the later is kept. So it
 * is looked at once more, after those have settled, whose content is there.
 */
const settleMs = 300;

/** So many versions are kept: listings may be behind, and begin what is looked for. */
const kept = 16;

const digits = 10;

function pathOf({ container }: Account, name: string, number: number): string {
  return `/${container}/${encodeURIComponent(`${name}/${String(number).padStart(digits, "0")}`)}`;
}

async function get(
  account: Account,
  name: string,
  number: number,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<Buffer | undefined> {
  const call = {
    method: "GET",
    path: pathOf(account, name, number),
    headers,
    signal,
  };
  const { status, body } = await account.ask("reading a document", call, 200, 404);
  return status === 404 ? undefined : body;
}

/** The numbers of the versions that a listing has, in order. */
async function listed(account: Account, name: string, signal: AbortSignal): Promise<number[]> {
  const query = new URLSearchParams({ format: "json", prefix: `${name}/`, limit: "10000" });
  const call = { method: "GET", path: `/${account.container}?${query}`, signal };
  const { body } = await account.ask("reading a document", call, 200);
  return (JSON.parse(body.toString()) as { name: string }[]).map((object) =>
    Number(object.name.slice(name.length + 1)),
  );
}

export async function readDocument(
  account: Account,
  name: string,
  signal: AbortSignal,
): Promise<StoredDocument | undefined> {
  const last = (await listed(account, name, signal)).at(-1);
  const first = last ?? 1;
  const looks = last === undefined ? 2 : kept;
  let found: StoredDocument | undefined;
  for (let number = first; number < first + looks || found?.version === `${number - 1}`; number += 1) {
    const content = await get(account, name, number, signal);
    if (content) found = { content, version: `${number}` };
    else if (found) break;
  }
  return found;
}

export async function replaceDocument(
  account: Account,
  name: string,
  content: Buffer,
  { before, signal }: Replacement,
): Promise<string | undefined> {
  const number = Number(before ?? 0) + 1;
  const call = {
    method: "PUT",
    path: pathOf(account, name, number),
    headers: { "content-type": "application/json", "if-none-match": "*" },
    body: content,
    signal,
  };
  const { status } = await account.ask("changing a document", call, 201, 412);
  // After a lost answer, what is there may well be this.
  if (status === 201) await sleep(settleMs, undefined, { signal });
  const newest = await get(account, name, number, signal, { "x-newest": "true" });
  if (!newest?.equals(content)) return undefined;
  const old = number - kept;
  if (old > 0)
    await account.ask(
      "changing a document",
      { method: "DELETE", path: pathOf(account, name, old), signal },
      204,
      404,
    );
  return `${number}`;
}
