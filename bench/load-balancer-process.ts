import { createLoadBalancer } from "../providers/local/cloud/proxy/load-balancer.ts";
import type { ListenerSpec, Target } from "../providers/local/cloud/proxy/spec.ts";

/** A load balancer in a process of its own: takes its specification and targets by IPC, reports when all are healthy. */
process.once("message", async ({ spec, targets }: { spec: ListenerSpec; targets: Target[] }) => {
  const log = { info() {}, warn: console.error, error: console.error };
  const loadBalancer = createLoadBalancer({
    log,
    onHealthChange() {
      if (loadBalancer.health().every(({ state }) => state === "healthy")) process.send?.("ready");
    },
  });
  process.once("disconnect", () => loadBalancer.close());
  await loadBalancer.apply(spec);
  void loadBalancer.setTargets("app", targets);
});
