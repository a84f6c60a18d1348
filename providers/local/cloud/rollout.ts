import type { MachineState } from "./specs.ts";

/** A machine, as far as the decision needs it. */
export interface MachineView {
  readonly id: string;
  readonly revision: string;
  readonly state: MachineState;
}

export interface GroupView {
  readonly desired: number;
  /** The revision that the group should run. */
  readonly revision: string;
  /** Whether the rollout of that revision has failed: nothing more of it is launched, and what serves is left alone. */
  readonly stopped: boolean;
  /** Share of `desired` that must serve throughout, in percent. */
  readonly minHealthyPercent: number;
}

export interface Decision {
  /** How many machines to start now: of the group's revision, or of its last stable one when the rollout has stopped. */
  readonly launch: number;
  /** Which machines to take out of service now. */
  readonly drain: readonly string[];
}

/** Share of a group's size that may be launched on top of it while its revision changes. */
const surgeShare = 0.5;

function notServingFirst(a: MachineView, b: MachineView): number {
  return Number(a.state === "running") - Number(b.state === "running");
}

/**
 * What a group does next. Surge first: new machines are launched beyond the group's size, up to half of it, and an old
 * one leaves only while enough others serve. Unhealthy machines leave at once and are replaced at once.
 */
export function decide(group: GroupView, machines: readonly MachineView[]): Decision {
  const staying = machines.filter(({ state }) => state !== "draining" && state !== "unhealthy");
  const drain = machines.filter(({ state }) => state === "unhealthy").map(({ id }) => id);
  const current = staying.filter(({ revision }) => revision === group.revision);
  const outdated = staying.filter(({ revision }) => revision !== group.revision);

  if (group.stopped) {
    const extra = Math.max(0, staying.length - group.desired);
    const leaving = [...current.sort(notServingFirst), ...outdated].slice(0, extra);
    return {
      launch: Math.max(0, group.desired - staying.length),
      drain: [...drain, ...leaving.map(({ id }) => id)],
    };
  }

  const surge = outdated.length > 0 ? Math.max(1, Math.ceil(group.desired * surgeShare)) : 0;
  const launch = Math.min(group.desired - current.length, group.desired + surge - staying.length);

  const minHealthy = Math.ceil((group.desired * group.minHealthyPercent) / 100);
  let serving = staying.filter(({ state }) => state === "running").length;
  for (const { id, state } of outdated.toSorted(notServingFirst)) {
    if (state === "running") {
      if (serving - 1 < minHealthy) break;
      serving -= 1;
    }
    drain.push(id);
  }
  if (outdated.length === 0) {
    const extra = Math.max(0, current.length - group.desired);
    drain.push(
      ...current
        .toReversed()
        .sort(notServingFirst)
        .slice(0, extra)
        .map(({ id }) => id),
    );
  }
  return { launch: Math.max(0, launch), drain };
}

/**
 * The most machines that a group of a size has at a time: while its revision changes, all of the old one may still be
 * finishing their requests when all of the new one are there.
 */
export function mostMachines(size: number): number {
  return 2 * size;
}
