import { describe, expect, test } from "vitest";
import {
  decide,
  type GroupView,
  type MachineView,
  mostMachines,
} from "../../../providers/local/cloud/rollout.ts";
import type { MachineState } from "../../../providers/local/cloud/specs.ts";
import { randomFrom } from "../../support/random.ts";

const group = (changes: Partial<GroupView> = {}): GroupView => ({
  desired: 4,
  revision: "new",
  stopped: false,
  minHealthyPercent: 100,
  ...changes,
});

const states: Readonly<Record<string, MachineState>> = {
  s: "starting",
  r: "running",
  u: "unhealthy",
  d: "draining",
};

/** Machines in short: `new:rrs old:u` has ids new0, new1, new2, old0. */
function machines(text: string): MachineView[] {
  return text
    .split(" ")
    .filter(Boolean)
    .flatMap((part) => {
      const [revision = "", letters = ""] = part.split(":");
      return [...letters].map((letter, index) => ({
        id: `${revision}${index}`,
        revision,
        state: states[letter] as MachineState,
      }));
    });
}

describe("decide", () => {
  test.each<[what: string, machines: string, changes: Partial<GroupView>, launch: number, drain: string[]]>([
    ["starts a new group", "", {}, 4, []],
    ["waits for machines that start", "new:ssss", {}, 0, []],
    ["leaves a complete group alone", "new:rrrr", {}, 0, []],
    ["grows", "new:rrrr", { desired: 6 }, 2, []],
    ["shrinks by the newest machines", "new:rrrr", { desired: 2 }, 0, ["new3", "new2"]],
    ["shrinks by machines that do not serve yet first", "new:srrr", { desired: 2 }, 0, ["new0", "new3"]],
    ["shrinks to nothing", "new:rr", { desired: 0 }, 0, ["new1", "new0"]],
    ["replaces an unhealthy machine at once", "new:rrru", {}, 1, ["new3"]],
    ["does not count what drains", "new:rrrd", {}, 1, []],
    ["surges by half before an old machine leaves", "old:rrrr", {}, 2, []],
    ["waits for the surge to serve", "old:rrrr new:ss", {}, 0, []],
    ["lets as many old ones leave as serve on top", "old:rrrr new:rr", {}, 0, ["old0", "old1"]],
    ["goes on when they have left", "old:ddrr new:rr", {}, 2, []],
    ["launches no more than the new revision lacks", "old:r new:rrr", {}, 1, []],
    ["ends a rollout", "old:r new:rrrr", {}, 0, ["old0"]],
    ["drops old machines that do not serve at once", "old:rsrr", {}, 2, ["old1"]],
    ["surges by one at least", "old:r", { desired: 1 }, 1, []],
    [
      "may go below its size where it is allowed to",
      "old:rrrr",
      { minHealthyPercent: 50 },
      2,
      ["old0", "old1"],
    ],
    ["rounds the share that must serve up", "old:rrr", { desired: 3, minHealthyPercent: 50 }, 2, ["old0"]],
    ["never drops serving machines when too few are left", "old:rruu", {}, 4, ["old2", "old3"]],
    ["grows and changes the revision", "old:rr", { desired: 6 }, 6, []],
    [
      "replaces all at once when nothing must serve",
      "old:rr",
      { desired: 2, minHealthyPercent: 0 },
      1,
      ["old0", "old1"],
    ],
    ["stopped: starts no more of the failed revision", "old:rrrr", { stopped: true }, 0, []],
    [
      "stopped: ends what was launched on top, what does not serve first",
      "old:rrrr new:rs",
      { stopped: true },
      0,
      ["new1", "new0"],
    ],
    ["stopped: leaves what serves alone within its size", "old:rr new:rr", { stopped: true }, 0, []],
    ["stopped: heals", "old:rrru", { stopped: true }, 1, ["old3"]],
  ])("%s: %s", (_, text, changes, launch, drain) => {
    const decision = decide(group(changes), machines(text));
    expect({ ...decision, drain: decision.drain.toSorted() }).toEqual({ launch, drain: drain.toSorted() });
  });

  test("does not change what it is given", () => {
    const given = Object.freeze(machines("old:rsr new:rsu").map((machine) => Object.freeze(machine)));
    const before = structuredClone(given);
    for (const stopped of [false, true]) decide(Object.freeze(group({ stopped })), given);
    expect(given).toEqual(before);
  });
});

interface Simulated {
  readonly id: string;
  readonly revision: string;
  state: MachineState;
}

/** A group whose machines change at random; `fails` says whether a start does not end well. */
class Simulation {
  machines: Simulated[] = [];
  failures = 0;
  view: GroupView;
  readonly random: () => number;
  readonly #stable: string;
  #launched = 0;

  constructor(view: GroupView, stable: string, random: () => number) {
    this.view = view;
    this.random = random;
    this.#stable = stable;
    for (let count = 0; count < view.desired; count += 1) this.#add(stable, "running");
  }

  #add(revision: string, state: MachineState): void {
    this.#launched += 1;
    this.machines.push({ id: `m${this.#launched}`, revision, state });
  }

  get serving(): number {
    return this.machines.filter(({ state }) => state === "running").length;
  }

  get staying(): number {
    return this.machines.filter(({ state }) => state !== "draining" && state !== "unhealthy").length;
  }

  /** What is decided and done; says whether there was anything to do. */
  act(): boolean {
    const { launch, drain } = decide(this.view, this.machines);
    for (const machine of this.machines) if (drain.includes(machine.id)) machine.state = "draining";
    for (let count = 0; count < launch; count += 1)
      this.#add(this.view.stopped ? this.#stable : this.view.revision, "starting");
    return launch > 0 || drain.length > 0;
  }

  /** What happens by itself: some machines come to serve or fail, some that drain are gone, if any may be. */
  happen(fails: (machine: Simulated) => boolean, drained = true): void {
    for (const machine of this.machines) {
      if (machine.state !== "starting" || this.random() < 0.5) continue;
      machine.state = fails(machine) ? "unhealthy" : "running";
      if (machine.state === "unhealthy") this.failures += 1;
    }
    if (drained)
      this.machines = this.machines.filter(({ state }) => state !== "draining" || this.random() < 0.5);
  }

  get atRest(): boolean {
    return this.machines.every(({ state }) => state === "running");
  }
}

describe("random rollouts", () => {
  const runs = Array.from({ length: 300 }, (_, seed) => seed);
  const never = () => false;

  /** Runs a rollout to its end, checks what must hold after each decision, and returns it. */
  function rollOut(seed: number, step: (simulation: Simulation, number: number) => void): Simulation {
    const random = randomFrom(seed);
    const desired = Math.floor(random() * 10) + 1;
    const minHealthyPercent = [0, 50, 75, 100][Math.floor(random() * 4)] as number;
    const simulation = new Simulation(group({ desired, minHealthyPercent }), "old", random);
    const floor = Math.ceil((desired * minHealthyPercent) / 100);
    const surge = Math.max(1, Math.ceil(desired / 2));
    for (let number = 0; ; number += 1) {
      const acted = simulation.act();
      expect(simulation.serving, `seed ${seed}, serving`).toBeGreaterThanOrEqual(floor);
      expect(simulation.staying, `seed ${seed}, staying`).toBeLessThanOrEqual(desired + surge);
      if (!acted && simulation.atRest) return simulation;
      if (number > 1000) throw new Error(`seed ${seed}: does not end`);
      step(simulation, number);
    }
  }

  test("keep enough serving, stay within the surge, and end with the new revision alone", () => {
    for (const seed of runs) {
      const { machines, view } = rollOut(seed, (simulation) => simulation.happen(never));
      expect(machines.map(({ revision }) => revision)).toEqual(Array(view.desired).fill("new"));
    }
  });

  test("have as many machines at a time as the cloud says, when old ones take long to leave", () => {
    for (const seed of runs) {
      let most = 0;
      const { view } = rollOut(seed, (simulation) => {
        const rolled = simulation.machines.filter(({ revision }) => revision === "new").length;
        most = Math.max(most, simulation.machines.length);
        simulation.happen(never, rolled === simulation.view.desired);
      });
      expect(most, `seed ${seed}`).toBeLessThanOrEqual(mostMachines(view.desired));
    }
    const slow = new Simulation(group({ desired: 4 }), "old", () => 0.9);
    while (slow.act()) slow.happen(never, false);
    expect(slow.machines).toHaveLength(mostMachines(4));
  });

  test("may be overtaken by another revision", () => {
    for (const seed of runs) {
      const { machines, view } = rollOut(seed, (simulation, number) => {
        simulation.happen(never);
        if (number === 2) simulation.view = { ...simulation.view, revision: "newer" };
      });
      const end = view.revision;
      expect(machines.map(({ revision }) => revision)).toEqual(Array(view.desired).fill(end));
    }
  });

  test("stop after failures, and leave a group of its size", () => {
    let stopped = 0;
    for (const seed of runs) {
      const { machines, view } = rollOut(seed, (simulation) => {
        simulation.happen(({ revision }) => revision === "new" && simulation.random() < 0.7);
        if (simulation.failures >= 3) simulation.view = { ...simulation.view, stopped: true };
      });
      stopped += Number(view.stopped);
      expect(machines).toHaveLength(view.desired);
    }
    expect(stopped).toBeGreaterThan(runs.length / 2);
  });
});
