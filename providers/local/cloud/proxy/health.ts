import { isIPv6 } from "node:net";
import { Client } from "undici";
import type { HealthCheck } from "../../../../config/settings.ts";
import { isOutOfFiles } from "../open-files.ts";
import type { Machine } from "./pool.ts";

/**
 * How often a machine that was not healthy yet is checked, in milliseconds: a deployment waits for exactly this, and
 * a check that is refused costs next to nothing. Once healthy, the configured interval applies.
 */
const initialIntervalMs = 100;

/** The pause before the next check of such a machine that has just passed one, in milliseconds. */
const confirmMs = 25;

/** A machine as its checks see and change it. */
export type Checked = Pick<Machine, "address" | "port" | "state" | "reason" | "suspect">;

export interface HealthWatch {
  /** Checks as soon as possible, instead of when the interval is over. */
  checkNow(): void;
  stop(): Promise<void>;
}

/**
 * Checks a machine until stopped, one check at a time, each over a connection of its own, so that a machine that
 * accepts no more is found out. As the clouds do, only 200 passes. The interval varies by ±10 %, so that machines
 * that were started together are not checked together. A machine stays `initial` until it has passed
 * `healthyThreshold` checks in a row: how long it may take is for the one who started it to say.
 * Calls `onChange` when the machine's state has changed.
 */
export function watchHealth(
  machine: Checked,
  settings: () => HealthCheck,
  onChange: () => void,
): HealthWatch {
  const { address, port } = machine;
  const client = new Client(`http://${isIPv6(address) ? `[${address}]` : address}:${port}`, {
    allowH2: false,
  });
  let stopped = false;
  let streak = 0;
  let running = false;
  let again = false;
  let timer = setTimeout(run, 0);

  async function run(): Promise<void> {
    running = true;
    const failure = await check(client, settings());
    running = false;
    if (stopped) return;
    if (failure !== notChecked) record(failure);
    timer = setTimeout(run, again ? 0 : interval());
    again = false;
  }

  function interval(): number {
    const ms = settings().intervalSeconds * 1000 * (0.9 + 0.2 * Math.random());
    if (machine.state !== "initial") return ms;
    return Math.min(ms, streak > 0 ? confirmMs : initialIntervalMs);
  }

  function record(failure: string | undefined): void {
    const { healthyThreshold, unhealthyThreshold } = settings();
    if (failure === undefined) {
      streak = Math.max(streak, 0) + 1;
      machine.suspect = false;
      const passed = machine.state === "healthy" || streak >= healthyThreshold;
      if (passed) change("healthy", undefined);
    } else {
      streak = Math.min(streak, 0) - 1;
      const failed = machine.state === "healthy" && -streak >= unhealthyThreshold;
      change(failed ? "unhealthy" : machine.state, failure);
    }
  }

  function change(state: Machine["state"], reason: string | undefined): void {
    const changed = state !== machine.state;
    machine.state = state;
    machine.reason = reason;
    if (changed) onChange();
  }

  return {
    checkNow() {
      if (stopped) return;
      if (running) {
        again = true;
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(run, 0);
    },
    stop() {
      clearTimeout(timer);
      stopped = true;
      return client.destroy();
    },
  };
}

/** Of a check that could not be made: it says nothing about the machine. */
const notChecked = Symbol("not checked");

/** Resolves with what is wrong with the machine; undefined if nothing is. */
async function check(client: Client, settings: HealthCheck): Promise<string | undefined | typeof notChecked> {
  const { path, timeoutSeconds } = settings;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutSeconds * 1000);
  try {
    const { statusCode, body } = await client.request({
      method: "GET",
      path,
      headers: { "user-agent": "switchyard-health-check" },
      reset: true,
      signal: late.signal,
    });
    await body.dump();
    return statusCode === 200 ? undefined : `GET ${path} answered ${statusCode} instead of 200`;
  } catch (error) {
    if (isOutOfFiles(error)) return notChecked;
    if (late.signal.aborted) return `GET ${path} took longer than ${timeoutSeconds} s`;
    return `GET ${path} failed: ${(error as Error).message}`;
  } finally {
    clearTimeout(timer);
  }
}
