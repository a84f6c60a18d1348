import type { HealthCheck } from "../../../config/settings.ts";
import { watchHealth as watch } from "./proxy/health.ts";
import { createMachine } from "./proxy/pool.ts";
import type { MachineRecord } from "./store.ts";

/** Calls `onChange` when a machine becomes healthy, or unhealthy after it was healthy, until it is stopped. */
export type WatchHealth = (
  machine: MachineRecord,
  check: HealthCheck,
  onChange: (healthy: boolean, reason: string) => void,
) => MachineWatch;

export interface MachineWatch {
  /** What was wrong at the last check; undefined when nothing was. */
  readonly reason: string | undefined;
  stop(): void;
}

/** The group's own health check, apart from the load balancers': a group heals without one, too. */
export const watchHealth: WatchHealth = (machine, check, onChange) => {
  const target = createMachine(machine.group, machine);
  if (machine.state === "running") target.state = "healthy";
  const running = watch(
    target,
    () => check,
    () => onChange(target.state === "healthy", target.reason ?? ""),
  );
  return {
    get reason() {
      return target.reason;
    },
    stop: () => void running.stop(),
  };
};
