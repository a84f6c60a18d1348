import { expect, test } from "vitest";
import {
  addressCount,
  type Cidr,
  cidrsOverlap,
  containsCidr,
  networkOf,
  parseCidr,
} from "../../config/cidr.ts";

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`"${text}" is no range`);
  return parsed;
}

test("reads ranges in the one notation that every cloud takes", () => {
  expect(parseCidr("10.0.1.0/24")).toEqual({ first: 0x0a000100, prefix: 24 });
  expect(parseCidr("255.255.255.255/32")).toEqual({ first: 0xffffffff, prefix: 32 });
  expect(parseCidr("0.0.0.0/0")).toEqual({ first: 0, prefix: 0 });
});

test.each([
  "10.0.1.7/24",
  "10.0.1.0",
  "10.0.1/24",
  "010.0.1.0/24",
  "10.0.1.0/33",
  "10.0.1.0/024",
  "10.0.1.256/24",
  "::/0",
  "",
  "x/8",
])("%j is no range", (text) => expect(parseCidr(text)).toBeUndefined());

test("finds the range that an address is in", () => {
  expect(networkOf("10.0.1.7/24")).toBe("10.0.1.0/24");
  expect(networkOf("203.0.113.7")).toBe("203.0.113.7/32");
  expect(networkOf("localhost")).toBeUndefined();
});

test("ranges nest or are apart, up to the last address", () => {
  expect(containsCidr(cidr("10.0.0.0/16"), cidr("10.0.255.0/24"))).toBe(true);
  expect(containsCidr(cidr("10.0.0.0/16"), cidr("10.1.0.0/24"))).toBe(false);
  expect(containsCidr(cidr("10.0.1.0/24"), cidr("10.0.0.0/16"))).toBe(false);
  expect(containsCidr(cidr("0.0.0.0/0"), cidr("255.255.255.0/24"))).toBe(true);
  expect(cidrsOverlap(cidr("10.0.1.0/24"), cidr("10.0.0.0/16"))).toBe(true);
  expect(cidrsOverlap(cidr("10.0.1.0/25"), cidr("10.0.1.128/25"))).toBe(false);
  expect(addressCount(cidr("10.0.1.0/28"))).toBe(16);
});
