import { createHash } from "node:crypto";
import type { PeakGroup } from "../compute/compute.ts";
import type { Schedule } from "../schedules/schedule.ts";
import type { KeptSchedule } from "../schedules/sizes.ts";
import { scheduleProblems } from "../schedules/validate.ts";
import { type Environment, readVariables, type Variable, wholeNumber } from "../settings/variables.ts";

/** What the controller runs with beside the app's settings; each field is the environment variable of its name. */
export interface ControllerSettings {
  /** The groups whose size it sets, in JSON. */
  readonly PEAK_GROUPS: readonly PeakGroup[];
  /** The schedules of the stack's configuration, in JSON. Default: none. */
  readonly SCHEDULES: readonly Schedule[];
  /** How many extra machines there may be in all groups together. */
  readonly MAX_MACHINES: number;
  /** The cloud's own ids of the flavors, by the names that schedules have for them, in JSON. Default: none are marked. */
  readonly PEAK_FLAVORS: Readonly<Record<string, string>>;
  /** The same of images. */
  readonly PEAK_IMAGES: Readonly<Record<string, string>>;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function json<T>(isRight: (value: unknown) => boolean, allowed: string): Variable<T> {
  const parse = (text: string): T | undefined => {
    try {
      const value = JSON.parse(text);
      return isRight(value) ? value : undefined;
    } catch {
      return undefined;
    }
  };
  return { parse, allowed };
}

const isGroup = (value: unknown): boolean =>
  isObject(value) && ["cluster", "flavor", "image", "id"].every((key) => typeof value[key] === "string");

const areTexts = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every((text) => typeof text === "string");

const variables: { readonly [Name in keyof ControllerSettings]: Variable<ControllerSettings[Name]> } = {
  PEAK_GROUPS: json(
    (value) => Array.isArray(value) && value.every(isGroup),
    "a JSON list of groups, each with cluster, flavor, image and id",
  ),
  SCHEDULES: { ...json(Array.isArray, "a JSON list of schedules"), fallback: [] },
  MAX_MACHINES: wholeNumber(1, 1000, "extra machines in all groups together"),
  PEAK_FLAVORS: { ...json(areTexts, "a JSON object of the cloud's ids by name"), fallback: {} },
  PEAK_IMAGES: { ...json(areTexts, "a JSON object of the cloud's ids by name"), fallback: {} },
};

/**
 * Reads what the controller needs beside the app's settings.
 * @throws {Error} whose message has a line for each variable, or value of a schedule, that is missing or wrong
 */
export function readControllerSettings(environment: Environment): ControllerSettings {
  const settings = readVariables(environment, variables) as unknown as ControllerSettings;
  const problems = settings.SCHEDULES.flatMap((schedule, index) =>
    scheduleProblems(schedule).map((problem) => `SCHEDULES[${index}]: ${problem}`),
  );
  const names = settings.SCHEDULES.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    problems.push(`SCHEDULES has two named ${JSON.stringify(twice)}; give each a name of its own`);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return Object.freeze(settings);
}

/** The stack's schedules as they are kept: their ids follow from their names, and so are the same after every deployment. */
export function keptOfStack(
  schedules: readonly Schedule[],
  begun: Readonly<Record<string, number>>,
): KeptSchedule[] {
  return schedules.map((schedule) => {
    const hash = createHash("sha256").update(schedule.name).digest("hex");
    const id = `stack-${hash.slice(0, 12)}`;
    const start = begun[id];
    return {
      id,
      version: 1,
      schedule,
      source: "stack",
      created: 0,
      ...(start !== undefined && { begun: start }),
    };
  });
}
