import { once } from "node:events";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import {
  allocateAddress,
  isFree,
  isInSubnet,
  machineAddresses,
  usableAddresses,
} from "../../../providers/local/cloud/addresses.ts";
import { freePort } from "../../support/ports.ts";

async function listen(address: string, port: number): Promise<void> {
  const server = createServer().listen(port, address);
  await once(server, "listening");
  onTestFinished(() => void server.close());
}

test("machines get the loopback twins of a subnet's addresses, from the eleventh to the last but one", () => {
  const all = [...machineAddresses("10.95.240.0/24")];
  expect([all[0], all.at(-1)]).toEqual(["127.95.240.11", "127.95.240.254"]);
  expect(all).toHaveLength(244);
});

test.each([
  ["10.95.240.16/28", ["127.95.240.27", "127.95.240.28", "127.95.240.29", "127.95.240.30"]],
  ["10.95.240.0/29", []],
  ["10.95.240.0/32", []],
])("%s has the addresses %j", (cidr, expected) => {
  expect([...machineAddresses(cidr)]).toEqual(expected);
});

test.each([16, 22, 24, 27, 28, 29, 30, 31, 32])(
  "a /%s has room for as many machines as it has addresses for",
  (prefix) => {
    expect(usableAddresses(prefix)).toBe([...machineAddresses(`10.95.0.0/${prefix}`)].length);
  },
);

test("a large subnet goes on in its next octet", () => {
  const all = [...machineAddresses("10.95.240.0/23")];
  const at = all.indexOf("127.95.240.255");
  expect(all[at + 1]).toBe("127.95.241.0");
  expect(all).toHaveLength(500);
});

test.each([
  ["127.95.240.11", "10.95.240.0/24", true],
  ["127.95.241.11", "10.95.240.0/24", false],
  ["127.95.241.11", "10.95.240.0/23", true],
])("%s in %s: %s", (address, subnet, expected) => {
  expect(isInSubnet(address, subnet)).toBe(expected);
});

test("an address is free on a port until somebody listens there", async () => {
  const port = await freePort();
  expect(await isFree("127.95.241.11", port)).toBe(true);
  await listen("127.95.241.11", port);
  expect(await isFree("127.95.241.11", port)).toBe(false);
  expect(await isFree("127.95.241.12", port)).toBe(true);
});

test("a listener on every address takes its port on each", async () => {
  const port = await freePort();
  await listen("0.0.0.0", port);
  expect(await isFree("127.95.241.11", port)).toBe(false);
});

test("an address that is not this machine's is an error, not a taken one", async () => {
  await expect(isFree("192.0.2.1", await freePort())).rejects.toThrow("EADDRNOTAVAIL");
});

test("a machine gets the first address that neither a machine nor another program has", async () => {
  const port = await freePort();
  await listen("127.95.242.12", port);
  const taken = new Set(["127.95.242.11"]);
  expect(await allocateAddress(["10.95.242.0/24"], port, taken)).toBe("127.95.242.13");
});

test("a port that another program has everywhere is said to be taken, not the subnet to be full", async () => {
  const port = await freePort();
  await listen("0.0.0.0", port);
  await expect(allocateAddress(["10.95.244.0/28"], port, new Set(["127.95.244.11"]))).rejects.toThrow(
    `another program listens on port ${port} of every address that is left in 10.95.244.0/28: end it, or choose another port`,
  );
});

test("the next subnet is used when one is full, and an error names all when they are", async () => {
  const port = await freePort();
  const subnets = ["10.95.243.0/29", "10.95.243.16/28"];
  expect(await allocateAddress(subnets, port, new Set())).toBe("127.95.243.27");
  const taken = new Set([...machineAddresses("10.95.243.16/28")]);
  await expect(allocateAddress(subnets, port, taken)).rejects.toThrow(
    `no free address for a machine on port ${port} in 10.95.243.0/29, 10.95.243.16/28: make the subnets larger (switchyard:network)`,
  );
});
