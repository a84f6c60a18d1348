import type { HealthCheck } from "../../../config/settings.ts";
import { type Checked, watchHealth as watch } from "./proxy/health.ts";
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
  const { address, port, state } = machine;
  const healthy = state === "running";
  const target: Checked = {
    address,
    port,
    state: healthy ? "healthy" : "initial",
    reason: healthy ? undefined : "not checked yet",
    suspect: false,
  };
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
