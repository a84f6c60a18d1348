import { constants } from "node:fs";
import { access, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseUrn } from "../operations/urn.ts";
import { simpleType } from "../plan/labels.ts";
import { type Deployment, exportStack } from "./backend.ts";
import { isOlder } from "./cli.ts";
import type { OpenedPulumi } from "./pulumi.ts";
import { inSeconds, markdownTable } from "./table.ts";

/** The oldest CLI that sends its engine's events as they happen. */
const eventsVersion = "3.206.0";

interface StepEvent {
  readonly metadata: {
    readonly op: string;
    readonly urn: string;
    readonly new?: { readonly custom?: boolean } | null;
    readonly old?: { readonly custom?: boolean } | null;
  };
}

/** What is read here of the engine's events; the names are those of its JSON. */
export interface EngineEvent {
  /** A preview or an update begins. */
  readonly preludeEvent?: object;
  readonly resourcePreEvent?: StepEvent;
  readonly resOutputsEvent?: StepEvent;
  readonly resOpFailedEvent?: StepEvent;
  readonly summaryEvent?: { readonly isPreview?: boolean };
}

/** One thing that the engine did to a resource; times in milliseconds since the beginning. */
export interface Step {
  readonly op: string;
  readonly urn: string;
  readonly begin: number;
  /** Absent: it was cut off. */
  end?: number;
  failed?: true;
}

/** Operations that a table of times leaves out: nothing is done, or what is done has steps of its own. */
const idle = new Set(["same", "replace", "read-discard", "discard-replaced", "remove-pending-replace"]);

/** The steps of a deployment, by the engine's own events as they come. */
export class Timeline {
  #steps: Step[] = [];
  #start = 0;
  #isPreview = false;

  /** @param at when it came, in milliseconds */
  add(event: EngineEvent, at: number): void {
    if (event.preludeEvent) {
      // `up` may have shown a preview first.
      this.#steps = [];
      this.#start = at;
      this.#isPreview = false;
    }
    if (event.summaryEvent) this.#isPreview = event.summaryEvent.isPreview === true;
    const begun = event.resourcePreEvent?.metadata;
    if (begun && (begun.new ?? begun.old)?.custom && !idle.has(begun.op)) {
      this.#steps.push({ op: begun.op, urn: begun.urn, begin: at - this.#start });
    }
    const ended = (event.resOutputsEvent ?? event.resOpFailedEvent)?.metadata;
    const step =
      ended &&
      this.#steps.find(({ op, urn, end }) => end === undefined && op === ended.op && urn === ended.urn);
    if (step) Object.assign(step, { end: at - this.#start, ...(event.resOpFailedEvent && { failed: true }) });
  }

  /** In the order in which they began; undefined: there was no more than a preview. */
  get steps(): readonly Step[] | undefined {
    return this.#isPreview || this.#start === 0 ? undefined : this.#steps;
  }
}

export interface TimingReport {
  readonly stack: string;
  readonly steps: readonly Step[];
  readonly startedAt: Date;
  /** How long the CLI ran, in milliseconds. */
  readonly took: number;
  /** The stack's state before, by which it is known what a deletion waited for, and after. */
  readonly before: Deployment | undefined;
  readonly after: Deployment | undefined;
}

/** A table in Markdown: each resource that was made, changed or deleted, when that began, how long it took, what it waited for. */
export function timingReport({ stack, steps, startedAt, took, before, after }: TimingReport): string {
  const needs = needsOf(after);
  const neededBy = invert(needsOf(before));
  const rows = steps.map((step) => {
    const all = (isDeletion(step) ? neededBy : needs).get(step.urn) ?? new Set();
    const waited = steps
      .filter((other) => all.has(other.urn) && isDeletion(other) === isDeletion(step))
      .filter((other): other is Required<Step> => other.end !== undefined && other.end <= step.begin)
      .toSorted((one, other) => other.end - one.end)[0];
    return [
      nameOf(step.urn),
      step.op,
      inSeconds(step.begin),
      step.end === undefined ? "cut off" : inSeconds(step.end - step.begin) + (step.failed ? ", failed" : ""),
      waited ? `${nameOf(waited.urn)}, until ${inSeconds(waited.end)}` : "",
    ];
  });
  return [
    `# How long \`up\` of stack ${stack} took`,
    "",
    `${startedAt.toISOString()}, ${inSeconds(took)} s; times below are seconds since the engine began.`,
    "",
    rows.length > 0
      ? markdownTable([["Resource", "What", "Began", "Took", "Waited for"], ...rows])
      : "Nothing was made, changed or deleted.",
    "",
    "What a resource waited for is, of all that it needs, what was ready last; for a deletion, of all that needs it, what went last. Where nothing is named, it began when the program asked for it.",
    "",
  ].join("\n");
}

function isDeletion({ op }: Step): boolean {
  return op.startsWith("delete");
}

function nameOf(urn: string): string {
  const { type, name } = parseUrn(urn);
  return `${simpleType(type)} ${name}`;
}

/** What each resource of a state needs, by URN. */
function needsOf({ resources = [] }: Deployment = {}): Map<string, ReadonlySet<string>> {
  return new Map(
    resources.map(({ urn, dependencies = [], propertyDependencies = {}, provider }) => [
      urn,
      new Set([
        ...dependencies,
        ...Object.values(propertyDependencies).flatMap((urns) => urns ?? []),
        ...(provider === undefined ? [] : [provider.slice(0, provider.lastIndexOf("::"))]),
      ]),
    ]),
  );
}

function invert(needs: ReadonlyMap<string, ReadonlySet<string>>): Map<string, ReadonlySet<string>> {
  const inverse = new Map<string, Set<string>>();
  for (const [urn, needed] of needs) {
    for (const one of needed) inverse.set(one, (inverse.get(one) ?? new Set()).add(urn));
  }
  return inverse;
}

/** What writes how long a deployment takes: `run` runs the CLI with flags and variables that let it be known. */
export async function timed(
  { cli, pulumi, context }: OpenedPulumi,
  stack: string,
  file: string,
  run: (flags: readonly string[], env: NodeJS.ProcessEnv) => Promise<number>,
): Promise<number> {
  if (isOlder(cli.version, eventsVersion))
    throw new Error(`--timing needs Pulumi ${eventsVersion} or newer, and ${cli.command} is ${cli.version}`);
  await access(dirname(file), constants.W_OK).catch(({ message }: Error) => {
    throw new Error(`--timing ${file}: nothing can be written there: ${message}`);
  });
  const { receiveEvents } = await import("./events.ts");
  const timeline = new Timeline();
  const before = (await exportStack(pulumi))?.deployment;
  const receiver = await receiveEvents((event) => timeline.add(event, performance.now()));
  const startedAt = new Date();
  const start = performance.now();
  const code = await run(["--event-log", receiver.url], { PULUMI_DEBUG_COMMANDS: "true" });
  const took = performance.now() - start;
  await receiver.close();
  const { steps } = timeline;
  if (!steps) return code;
  const after = (await exportStack(pulumi))?.deployment;
  await writeFile(file, timingReport({ stack, steps, startedAt, took, before, after }));
  context.log(`How long each resource took: ${file}`);
  return code;
}
