import type { KeptSchedule } from "../schedules/sizes.ts";

/** What has been done, or could not be. */
export type Deed =
  | "created"
  | "changed"
  | "deleted"
  | "begun"
  | "ended"
  | "missed"
  | "resized"
  | "failed"
  | "healed"
  | "recovered"
  | "cut short";

export interface ControllerEvent {
  /** RFC 3339. */
  readonly at: string;
  readonly what: Deed;
  /** `administrator` with the address that asked, or `controller` with the machine that saw it. */
  readonly who: string;
  /** The schedule's id and name, where it is about one. */
  readonly schedule?: { readonly id: string; readonly name: string };
  /** The cloud's name of the group, where it is about one. */
  readonly group?: string;
  /** What exactly, or why it failed, in the cloud's words. */
  readonly message: string;
}

/** Who did or saw something, and when; in milliseconds since the epoch. */
export interface Seen {
  readonly who: string;
  readonly instant: number;
}

/** What is remembered of a schedule. */
export function eventOf(
  { who, instant }: Seen,
  what: Deed,
  { id, schedule }: KeptSchedule,
  message: string,
): ControllerEvent {
  const at = new Date(instant).toISOString();
  return { at, what, who, schedule: { id, name: schedule.name }, message };
}

/** A request that was done, by which the same one is not done twice. */
export interface DoneRequest {
  readonly key: string;
  /** Hash of what was asked for. */
  readonly hash: string;
  /** The schedule that it made. */
  readonly id: string;
}

/** What controllers know together: all of the document. */
export interface Content {
  /** How to read it; another number is one of a later release. */
  readonly format: 1;
  /** Those of the REST API. */
  readonly schedules: readonly KeptSchedule[];
  /** The start of the last period that each of the stack's schedules asked for machines in, by its id. */
  readonly begun: Readonly<Record<string, number>>;
  /** The start of the last period of a schedule that was missed, or cut short, by its id and which of both: each is told once. */
  readonly told: Readonly<Record<string, number>>;
  /** Newest last. */
  readonly events: readonly ControllerEvent[];
  /** Newest last. */
  readonly done: readonly DoneRequest[];
  /** Who made the last changes: whoever got no answer finds out whether its change was made. Newest last. */
  readonly changes: readonly string[];
}

export const emptyContent: Content = {
  format: 1,
  schedules: [],
  begun: {},
  told: {},
  events: [],
  done: [],
  changes: [],
};

/** How many there may be; the document is read as a whole. */
export const maxSchedules = 2_000;
const maxEvents = 500;
const maxDone = 500;
const maxChanges = 32;

/** A content with the last of each list alone. */
export function bounded(content: Content): Content {
  return {
    ...content,
    events: content.events.slice(-maxEvents),
    done: content.done.slice(-maxDone),
    changes: content.changes.slice(-maxChanges),
  };
}

/** @throws {Error} for a document of another release, which must not be written over */
export function parseContent(text: string): Content {
  const content = JSON.parse(text) as Partial<Content>;
  if (content.format !== 1)
    throw new Error(
      `the schedules are kept in format ${content.format}, and this release knows format 1: deploy the release that wrote them`,
    );
  return { ...emptyContent, ...content, format: 1 };
}
