import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type BucketStore, StoreError } from "../storage/store.ts";
import { bounded, type Content, emptyContent, parseContent } from "./content.ts";

/** Its name below `controller/`. */
const documentName = "schedules.json";

/** How often a change is made anew on what somebody else made of the document meanwhile. */
const attempts = 12;
/** The longest pause before the second attempt, in milliseconds; it doubles with each, to no more than 32 times. */
const backOffMs = 20;

/** A change of the content: what is to be kept, and what whoever asked is told. The content itself: nothing is changed. */
export type Change<T> = (content: Content) => { readonly content: Content; readonly result: T };

/** What controllers keep together, in one object of the bucket that they change by compare-and-set. */
export interface ContentDocument {
  read(signal: AbortSignal): Promise<Content>;
  /**
   * Makes a change on the newest content; anew, when another one was made in between.
   * @throws {StoreError} when the store fails, or others are always faster; and whatever `change` throws
   */
  change<T>(change: Change<T>, signal: AbortSignal): Promise<T>;
}

interface Known {
  readonly version: string;
  readonly content: Content;
}

export function openDocument(store: BucketStore): ContentDocument {
  let known: Known | undefined;
  const readKnown = async (signal: AbortSignal): Promise<Known | undefined> => {
    const found = await store.read(documentName, signal);
    if (found && found.version !== known?.version)
      known = { version: found.version, content: parseContent(found.content.toString()) };
    if (!found) known = undefined;
    return known;
  };
  const read = async (signal: AbortSignal) => (await readKnown(signal))?.content ?? emptyContent;
  return {
    read,
    change: async (change, signal) => {
      const id = randomUUID();
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        const before = await readKnown(signal);
        const { content, result } = change(before?.content ?? emptyContent);
        if (content === (before?.content ?? emptyContent)) return result;
        const changed = bounded({ ...content, changes: [...content.changes, id] });
        const isMade = async () => (await read(signal)).changes.includes(id);
        try {
          const text = Buffer.from(JSON.stringify(changed));
          const version = await store.replace(documentName, text, {
            signal,
            ...(before && { before: before.version }),
          });
          if (version !== undefined) {
            known = { version, content: changed };
            return result;
          }
          // An answer that was lost and asked for again is refused, though the change is made.
          if (await isMade()) return result;
        } catch (error) {
          if (!(error instanceof StoreError) || !(await isMade().catch(() => false))) throw error;
          return result;
        }
        await sleep(Math.random() * backOffMs * 2 ** Math.min(attempt, 6), undefined, { signal });
      }
      throw new StoreError("busy", `the schedules were changed by others ${attempts} times in a row`);
    },
  };
}
