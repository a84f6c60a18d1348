import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { createLoadBalancer } from "../../../../providers/local/cloud/proxy/load-balancer.ts";
import type { TargetHealth } from "../../../../providers/local/cloud/proxy/spec.ts";
import { ask, balancer, balancerAddress, connect, machine, recordingLog, spec, until } from "./support.ts";

describe("health", () => {
  test("a target gets requests after healthyThreshold checks in a row, and leaves after unhealthyThreshold", async () => {
    const changes: string[] = [];
    const onHealthChange = ({ id, state }: TargetHealth) => changes.push(`${id} ${state}`);
    const healthCheck = {
      ...spec().healthCheck,
      intervalSeconds: 0.05,
      healthyThreshold: 3,
      unhealthyThreshold: 2,
    };
    const one = await machine(1);
    let checks = 0;
    one.server.on("request", (req) => {
      if (req.url === "/healthz") checks++;
    });
    one.health = 500;
    const { log } = recordingLog();
    const loadBalancer = createLoadBalancer({ log, onHealthChange });
    onTestFinished(() => loadBalancer.close());
    await loadBalancer.apply(spec({ healthCheck }));
    loadBalancer.setTargets("app", [one]);
    const url = `http://${balancerAddress}:${loadBalancer.address?.port}`;
    await until(() => checks >= 4);
    expect(loadBalancer.health()).toEqual([
      { backend: "app", id: "m1", state: "initial", reason: "GET /healthz answered 500 instead of 200" },
    ]);
    expect((await ask(url)).status).toBe(503);

    checks = 0;
    one.health = 200;
    await until(() => changes.length === 1);
    expect(checks).toBeGreaterThanOrEqual(3);
    expect(loadBalancer.health()).toEqual([{ backend: "app", id: "m1", state: "healthy" }]);
    expect((await ask(url)).text).toBe("m1");

    one.health = 302;
    await until(() => changes.length === 2);
    expect((await ask(url)).status).toBe(503);
    one.health = 200;
    await until(() => changes.length === 3);
    expect(changes).toEqual(["m1 healthy", "m1 unhealthy", "m1 healthy"]);
  });

  test("a new target is checked more often than the interval says", async () => {
    const one = await machine(1);
    one.health = 503;
    const { log } = recordingLog();
    const loadBalancer = createLoadBalancer({ log });
    onTestFinished(() => loadBalancer.close());
    await loadBalancer.apply(spec());
    loadBalancer.setTargets("app", [one]);
    await until(() => loadBalancer.health()[0]?.reason?.includes("503") === true);
    one.health = 200;
    await until(() => loadBalancer.health()[0]?.state === "healthy");
  });

  test("a check that hangs fails after its time-out", async () => {
    const server = net.createServer();
    server.listen(0, "127.77.9.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.close();
    });
    const { log } = recordingLog();
    const loadBalancer = createLoadBalancer({ log });
    onTestFinished(() => loadBalancer.close());
    await loadBalancer.apply(spec({ healthCheck: { ...spec().healthCheck, timeoutSeconds: 0.1 } }));
    const { port } = server.address() as AddressInfo;
    loadBalancer.setTargets("app", [{ id: "m1", address: "127.77.9.1", port }]);
    await until(() => loadBalancer.health()[0]?.reason === "GET /healthz took longer than 0.1 s");
  });

  test("a refused request has its target checked at once", async () => {
    const one = await machine(1);
    const two = await machine(2);
    const healthCheck = { ...spec().healthCheck, unhealthyThreshold: 1 };
    const { url, health } = await balancer({ app: [one, two] }, { healthCheck });
    await one.stop();
    for (let i = 0; i < 2; i++) expect((await ask(url)).text).toBe("m2");
    await until(() => health()[0]?.state === "unhealthy");
  });
});

describe("draining", () => {
  test("a removed target finishes what it has, gets nothing new, and is then gone", async () => {
    const held: http.ServerResponse[] = [];
    const one = await machine(1, (_, res) => held.push(res));
    const two = await machine(2);
    const running = await balancer({ app: [one] });
    const pending = ask(running.url);
    await until(() => held.length === 1);
    let drained = false;
    const removal = running.setTargets("app", [two]).then(() => {
      drained = true;
    });
    await until(() => running.health()[0]?.state === "healthy");
    expect(running.health()).toContainEqual({ backend: "app", id: "m1", state: "draining" });
    expect((await ask(running.url)).text).toBe("m2");
    expect(drained).toBe(false);
    held[0]?.end("late");
    expect((await pending).text).toBe("late");
    await removal;
    expect(running.health().map(({ id }) => id)).toEqual(["m2"]);
    expect(one.requests).toHaveLength(1);
  });

  test("what is still going on after drainSeconds is cut", async () => {
    const one = await machine(1, (_, res) => res.write("begin"));
    const { url, setTargets } = await balancer({ app: [one] }, { drainSeconds: 0.2 });
    const pending = ask(url);
    await until(() => one.requests.length === 1);
    const cut = expect(pending).rejects.toThrow(/aborted|ECONNRESET|hang up/);
    await setTargets("app", []);
    await cut;
  });

  test("a target that stays keeps its health; one with a new address starts anew", async () => {
    const one = await machine(1);
    const two = await machine(2);
    const { setTargets, health } = await balancer({ app: [one] });
    setTargets("app", [one, two]);
    expect(health().map(({ state }) => state)).toEqual(["healthy", "initial"]);
    const moved = setTargets("app", [{ ...two, id: "m1" }]);
    expect(health()[0]).toMatchObject({ id: "m1", state: "initial" });
    await moved;
  });

  test("an unknown backend is named", async () => {
    const { setTargets } = await balancer({});
    expect(() => setTargets("other", [])).toThrow(
      "there is no backend 'other'; apply one first (there are: app)",
    );
  });
});

describe("changes in place", () => {
  test("a changed port: no request fails on the old one or the new one", async () => {
    const running = await balancer({ app: [await machine(1), await machine(2)] });
    const oldUrl = running.url;
    let url = oldUrl;
    let stop = false;
    let asked = 0;
    const agent = new http.Agent({ keepAlive: true });
    const traffic = Array.from({ length: 8 }, async () => {
      while (!stop) {
        expect((await ask(url, { agent })).status).toBe(200);
        asked++;
      }
    });
    await until(() => asked > 100);
    const free = net.createServer().listen(0, balancerAddress);
    await once(free, "listening");
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, "close");
    await running.apply(spec({ port }));
    url = `http://${balancerAddress}:${port}`;
    const before = asked;
    await until(() => asked > before + 200);
    stop = true;
    await Promise.all(traffic);
    agent.destroy();
    await expect(ask(oldUrl)).rejects.toThrow("ECONNREFUSED");
  });

  test("a changed drain time, path or backend keeps listener and connections", async () => {
    const one = await machine(1);
    const running = await balancer({ app: [one] });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    await ask(running.url, { agent });
    const backends = [
      { name: "app", path: "/app", weight: 0 },
      { name: "new", weight: 1 },
    ];
    await running.apply(spec({ backends, drainSeconds: 1 }));
    expect(running.address?.port).toBe(running.port);
    expect((await ask(`${running.url}/app`, { agent })).text).toBe("m1");
    expect((await ask(running.url, { agent })).status).toBe(503);
    await running.apply(spec({ backends: [] }));
    expect((await ask(running.url, { agent })).status).toBe(404);
    agent.destroy();
  });

  test("a port that is taken is named, and nothing changes", async () => {
    const taken = net.createServer().listen(0, balancerAddress);
    await once(taken, "listening");
    onTestFinished(() => {
      taken.close();
    });
    const { port } = taken.address() as AddressInfo;
    const running = await balancer({ app: [await machine(1)] });
    await expect(running.apply(spec({ port }))).rejects.toThrow(
      `cannot listen on ${balancerAddress}:${port}: another process listens there`,
    );
    expect((await ask(running.url)).text).toBe("m1");
  });
});

test("allow: who is not in it is cut off and logged, also when it changes", async () => {
  const one = await machine(1);
  const running = await balancer({ app: [one] }, { allow: ["192.0.2.0/24", "127.0.0.2"] });
  await expect(ask(running.url)).rejects.toThrow(/ECONNRESET|hang up/);
  expect(running.lines).toContainEqual({
    level: "warn",
    message: "Connection refused: the address is not in allow",
    details: { client: "127.0.0.1" },
  });
  expect((await ask(running.url, { localAddress: "127.0.0.2" })).status).toBe(200);
  await running.apply(spec({ allow: ["127.0.0.1"] }));
  expect((await ask(running.url)).status).toBe(200);
  const kept = await connect(running.port);
  kept.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(kept, "data");
  await running.apply(spec({ allow: [] }));
  await once(kept, "close");
});

test("close lets requests finish, then leaves no socket and no timer", async () => {
  const active = () => process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout/.test(kind));
  const held: http.ServerResponse[] = [];
  const one = await machine(1, (req, res) => (req.url === "/hold" ? held.push(res) : res.end("m1")));
  const gone = await machine(2);
  const before = active().sort();
  const { log } = recordingLog();
  const loadBalancer = createLoadBalancer({ log });
  await loadBalancer.apply(spec());
  loadBalancer.setTargets("app", [one, gone]);
  await until(() => loadBalancer.health().every(({ state }) => state === "healthy"));
  await gone.stop();
  const url = `http://${balancerAddress}:${loadBalancer.address?.port}`;
  const agent = new http.Agent({ keepAlive: true });
  await Promise.all(Array.from({ length: 20 }, () => ask(url, { agent })));
  const pending = ask(`${url}/hold`, { agent });
  await until(() => held.length === 1);
  const closing = loadBalancer.close();
  held[0]?.end("finished");
  expect((await pending).text).toBe("finished");
  await closing;
  await loadBalancer.close();
  agent.destroy();
  const connections = () => new Promise((resolve) => one.server.getConnections((_, count) => resolve(count)));
  while ((await connections()) !== 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await until(() => active().length <= before.length);
  await expect(loadBalancer.apply(spec())).rejects.toThrow("The load balancer is closed");
});

test("a load balancer that never listened can be closed", async () => {
  await createLoadBalancer(recordingLog()).close();
});
