import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { createLoadBalancer } from "../providers/local/cloud/proxy/load-balancer.ts";
import type { ListenerSpec, Target } from "../providers/local/cloud/proxy/spec.ts";

/**
 * The two servers that the load balancer's benchmark compares, each in a process of its own: takes a specification and
 * targets by IPC, and sends the port it listens on when it is ready.
 */
process.once("message", ({ spec, targets }: { spec: ListenerSpec; targets: Target[] }) =>
  process.argv[2] === "relay" ? relay(spec, targets) : balance(spec, targets),
);

async function balance(spec: ListenerSpec, targets: Target[]): Promise<void> {
  const loadBalancer = createLoadBalancer({
    log: { info() {}, warn: console.error, error: console.error },
    onHealthChange() {
      const ready = loadBalancer.health().every(({ state }) => state === "healthy");
      if (ready) process.send?.(loadBalancer.address?.port);
    },
  });
  await loadBalancer.apply(spec);
  void loadBalancer.setTargets("app", targets);
}

/** Copies bytes and looks at none of them: what the least a process in the middle can do costs on this machine. */
async function relay({ address }: ListenerSpec, targets: Target[]): Promise<void> {
  let turn = 0;
  const server = createServer({ noDelay: true }, (client) => {
    const { port = 0, address: host = "" } = targets[turn++ % targets.length] ?? {};
    const machine = connect({ port, host, noDelay: true });
    client.on("error", () => machine.destroy()).pipe(machine);
    machine.on("error", () => client.destroy()).pipe(client);
  });
  server.listen(0, address);
  await once(server, "listening");
  process.send?.((server.address() as AddressInfo).port);
}
