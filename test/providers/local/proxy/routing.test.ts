import { describe, expect, test } from "vitest";
import {
  chooseMachine,
  createBackend,
  type Machine,
  maxOutstanding,
} from "../../../../providers/local/cloud/proxy/pool.ts";
import { chooseBackend, matchesPath } from "../../../../providers/local/cloud/proxy/routing.ts";
import { allowList, validateSpec, validateTargets } from "../../../../providers/local/cloud/proxy/spec.ts";
import { ask, balancer, balancerAddress, machine, spec } from "./support.ts";

const ready = [{ outstanding: 0 } as Machine];
const full = [{ outstanding: maxOutstanding } as Machine];

function backends(
  ...specs: { name: string; path?: string; weight: number; empty?: boolean; full?: boolean }[]
) {
  return specs.map(({ empty, full: isFull, ...one }) =>
    Object.assign(createBackend(one), { ready: empty ? [] : isFull ? full : ready }),
  );
}

test.each([
  ["/cluster1", true],
  ["/cluster1/", true],
  ["/cluster1/x", true],
  ["/cluster1?x=1", true],
  ["/cluster10", false],
  ["/cluster", false],
  ["/x/cluster1", false],
  ["/Cluster1", false],
  ["/cluster%31", false],
])("path /cluster1 and %s", (url, matches) => {
  expect(matchesPath(url, "/cluster1")).toBe(matches);
});

describe("choosing a backend", () => {
  const names = (count: number, list: ReturnType<typeof backends>, url = "/") =>
    Array.from({ length: count }, () => chooseBackend(list, url)?.spec.name).join("");

  test("paths are tried in the configured order", () => {
    const list = backends({ name: "a", path: "/x", weight: 0 }, { name: "b", path: "/x/y", weight: 0 });
    expect(chooseBackend(list, "/x/y")?.spec.name).toBe("a");
    expect(chooseBackend(list.reverse(), "/x/y")?.spec.name).toBe("b");
  });

  test("a path's backend is chosen even if it is empty and others are not", () => {
    const list = backends({ name: "a", path: "/x", weight: 1, empty: true }, { name: "b", weight: 1 });
    expect(chooseBackend(list, "/x")?.spec.name).toBe("a");
  });

  test("equal weights alternate (R3.2)", () => {
    expect(names(4, backends({ name: "a", weight: 1 }, { name: "b", weight: 1 }))).toBe("abab");
  });

  test("weights are shares, smoothly", () => {
    const list = backends({ name: "a", weight: 5 }, { name: "b", weight: 1 }, { name: "c", weight: 1 });
    expect(names(7, list)).toBe("aabacaa");
  });

  test("weight 0 takes none", () => {
    expect(names(3, backends({ name: "a", weight: 0 }, { name: "b", weight: 1 }))).toBe("bbb");
    expect(chooseBackend(backends({ name: "a", weight: 0 }), "/")).toBeUndefined();
  });

  test("backends without a healthy machine are passed over while another has one", () => {
    expect(names(3, backends({ name: "a", weight: 9, empty: true }, { name: "b", weight: 1 }))).toBe("bbb");
    expect(names(1, backends({ name: "a", weight: 1, empty: true }))).toBe("a");
  });

  test("backends without room are passed over while another has some", () => {
    expect(names(3, backends({ name: "a", weight: 9, full: true }, { name: "b", weight: 1 }))).toBe("bbb");
    expect(names(1, backends({ name: "a", weight: 1, full: true }))).toBe("a");
  });
});

test("a machine without room gets nothing, even if the one with room is suspect", () => {
  const suspect = { outstanding: 0, suspect: true } as Machine;
  const backend = Object.assign(createBackend({ name: "a", weight: 1 }), { ready: [...full, suspect] });
  expect(chooseMachine(backend)).toBe(suspect);
  expect(chooseMachine(backend, [suspect])).toBeUndefined();
});

test("requests reach the backend of their path, in turn, and the rest by weight", async () => {
  const one = await machine(1);
  const two = await machine(2);
  const three = await machine(3);
  const { url } = await balancer(
    { a: [one, two], b: [three] },
    {
      backends: [
        { name: "a", path: "/a", weight: 1 },
        { name: "b", path: "/b", weight: 1 },
      ],
    },
  );
  const texts = async (path: string, count: number) => {
    const answers: string[] = [];
    for (let i = 0; i < count; i++) answers.push((await ask(url + path)).text);
    return answers.sort().join(" ");
  };
  expect(await texts("/a", 4)).toBe("m1 m1 m2 m2");
  expect(await texts("/b/x?y=1", 2)).toBe("m3 m3");
  expect(await texts("/other", 4)).toBe("m1 m2 m3 m3");
  expect(three.requests[0]?.url).toBe("/b/x?y=1");
});

test("the machine with the fewest requests in flight is next", async () => {
  const held: (() => void)[] = [];
  const one = await machine(1, (req, res) =>
    req.url === "/hold" ? held.push(() => res.end()) : res.end("m1"),
  );
  const two = await machine(2, (req, res) =>
    req.url === "/hold" ? held.push(() => res.end()) : res.end("m2"),
  );
  const { url } = await balancer({ app: [one, two] });
  const pending = ask(`${url}/hold`);
  await expect.poll(() => held.length).toBe(1);
  const idle = one.requests.length === 0 ? "m1" : "m2";
  for (let i = 0; i < 4; i++) expect((await ask(url)).text).toBe(idle);
  held[0]?.();
  await pending;
});

test("a cluster without a healthy machine answers 503, an unknown path 404, both as JSON", async () => {
  const { url } = await balancer({}, { backends: [{ name: "c1", path: "/c1", weight: 0 }] });
  const empty = await ask(`${url}/c1/x`);
  expect(empty.status).toBe(503);
  expect(JSON.parse(empty.text)).toEqual({ status: 503, message: "No healthy machine in cluster 'c1'" });
  const unknown = await ask(`${url}/c2`);
  expect(unknown.status).toBe(404);
  expect(JSON.parse(unknown.text)).toEqual({
    status: 404,
    message: "No cluster is configured for this path",
  });
});

describe("wrong input is named", () => {
  test.each([
    [{ address: "localhost" }, /address is "localhost"; it must be an IP address/],
    [{ port: 70000 }, /port is 70000; it must be a whole number from 0 to 65535/],
    [{ drainSeconds: -1 }, /drainSeconds is -1/],
    [{ backends: [{ name: "a", path: "a/", weight: 1 }] }, /path of backend 'a' is "a\/"/],
    [{ backends: [{ name: "a", weight: Number.NaN }] }, /weight of backend 'a'/],
    [
      { backends: [spec().backends[0], spec().backends[0]] as never },
      /"app"; it must be a name that no other/,
    ],
  ])("%j", (changes, message) => {
    expect(() => validateSpec(spec(changes))).toThrow(message);
  });

  test("targets", () => {
    const target = { id: "m1", address: "127.0.0.1", port: 80 };
    expect(() => validateTargets("app", [target, target])).toThrow(
      "target 'm1' of backend 'app' has the id of",
    );
    expect(() => validateTargets("app", [{ ...target, port: 0 }])).toThrow("has the port 0");
    expect(() => validateTargets("app", [{ ...target, address: "x" }])).toThrow("no IP address");
  });

  test("allow", () => {
    expect(() => allowList(["10.0.0.0/33"])).toThrow("'10.0.0.0/33' in allow is no CIDR");
    expect(() => allowList(["everybody"])).toThrow("'everybody' in allow is no CIDR");
  });
});

test.each([
  ["192.0.2.7", ["192.0.2.0/24"], true],
  ["192.0.3.7", ["192.0.2.0/24"], false],
  ["::ffff:192.0.2.7", ["192.0.2.0/24"], true],
  ["2001:db8::1", ["192.0.2.0/24", "2001:db8::/32"], true],
  ["2001:db9::1", ["0.0.0.0/0", "2001:db8::/32"], false],
  ["192.0.2.7", ["192.0.2.7"], true],
  ["192.0.2.7", ["0.0.0.0/0"], true],
  ["192.0.2.7", [], false],
])("%s with allow %j", (address, allow, allowed) => {
  expect(allowList(allow)(address)).toBe(allowed);
});

test.each([
  ["localhost", 200],
  ["LOCALHOST:8080", 200],
  [balancerAddress, 200],
  ["127.0.0.1:8080", 200],
  ["[::1]:8080", 200],
  ["evil.test", 421],
  ["evil.test:8080", 421],
  ["localhost.evil.test", 421],
  ["127.0.0.1.evil.test", 421],
])("asked as %j, one that is called localhost answers %i", async (host, status) => {
  const one = await machine(1);
  const { url } = await balancer({ app: [one] }, { hosts: ["localhost"] });
  const answer = await ask(url, { headers: { host } });
  expect(answer.status).toBe(status);
  if (status === 421) {
    expect(JSON.parse(answer.text).message).toBe(
      `This is not ${host}: ask it by its IP address, or as localhost`,
    );
    expect(one.requests).toEqual([]);
  }
});
