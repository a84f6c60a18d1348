import { expect, test } from "vitest";
import { decide, type Step } from "../../../service/compute/openstack/decide.ts";
import type { Look, Member, Server, Slot } from "../../../service/compute/openstack/look.ts";
import { readTemplate, type Template } from "../../../service/compute/openstack/template.ts";

const created = "2026-03-02T12:00:00Z";
const now = Date.parse(created) + 60_000;

const template: Template = {
  network: "net",
  project: "lab",
  securityGroup: "app",
  tags: [],
  port: 80,
  healthPath: "/healthz",
  drainSeconds: 30,
  bootSeconds: 600,
  controller: "controller",
  clusters: ["web"],
  pools: ["all"],
  groups: [
    {
      id: "g",
      name: "web-standard",
      cluster: "web",
      revision: "new",
      flavor: "m1.small",
      image: "Debian",
      userData: "",
      places: [{ subnet: "sn" }],
      pools: [{ pool: "all", weight: 3 }],
      metadata: {},
    },
  ],
};

const serverOf = (number: number, more: Partial<Server> = {}): Server => ({
  id: `server-${number}`,
  name: `lab-web-standard-${number}`,
  status: "ACTIVE",
  created,
  metadata: { switchyard_revision: "new" },
  ...more,
});

const memberOf = (number: number, more: Partial<Member> = {}): Member => ({
  id: `member-${number}`,
  pool: "all",
  address: `10.0.0.${number}`,
  weight: 3,
  operating_status: "ONLINE",
  ...more,
});

function slotOf(number: number, more: Partial<Slot> = {}): Slot {
  const known = { made: Date.parse(created) - 600_000, isBound: true };
  const place = {
    ...known,
    port: `port-${number}`,
    group: "g",
    number,
    subnet: "sn",
    address: `10.0.0.${number}`,
  };
  return { ...place, server: serverOf(number), members: [memberOf(number)], ...more };
}

const old = { metadata: { switchyard_revision: "old" } };
const nothing: Look = { slots: [], strays: [], orphans: [], own: [] };

function named(step: Step): string {
  if (step.do === "open") return `open ${step.number}`;
  if ("slot" in step) return `${step.do} ${step.slot.number}`;
  if ("server" in step) return `${step.do} ${step.server.id}`;
  return `${step.do} ${step.member.id}${"weight" in step ? ` ${step.weight}` : ""}`;
}

/** A place whose machine is not there, or no longer. */
function emptyOf(number: number, more: Partial<Slot> = {}): Slot {
  const { server: _, ...place } = slotOf(number, more);
  return place;
}

const stepsOf = (slots: readonly Slot[], wanted: number | undefined, more: Partial<Look> = {}): string[] => {
  const sizes = new Map(wanted === undefined ? [] : [["g", wanted]]);
  return decide({ ...nothing, slots, ...more }, template, sizes, now).steps.map(named);
};

const drained = now - 31_000;

test.each<[string, readonly Slot[], number | undefined, string[]]>([
  [
    "the lowest numbers that are free",
    [slotOf(1), slotOf(3, { drains: now })],
    3,
    ["weigh member-3 0", "open 0", "open 2"],
  ],
  ["time to who makes a machine", [emptyOf(0, { members: [], made: now })], 1, []],
  ["another machine for one without its port", [slotOf(0, { isBound: false })], 1, ["discard server-0"]],
  ["no place without a machine", [emptyOf(0, { members: [] })], 1, ["close 0"]],
  ["its pools for one that runs", [slotOf(0, { members: [] })], 1, ["join 0"]],
  [
    "no pool for one that is made",
    [slotOf(0, { members: [], server: serverOf(0, { status: "BUILD" }) })],
    1,
    [],
  ],
  [
    "its weight, which has changed",
    [slotOf(0, { members: [memberOf(0, { weight: 1 })] })],
    1,
    ["weigh member-0 3"],
  ],
  [
    "none for one that failed",
    [slotOf(0, { server: serverOf(0, { status: "ERROR" }) })],
    1,
    ["discard server-0"],
  ],
  [
    "the last to leave",
    [slotOf(0), slotOf(1), slotOf(2)],
    1,
    ["drain 2", "weigh member-2 0", "drain 1", "weigh member-1 0"],
  ],
  ["time for requests", [slotOf(0, { drains: now, members: [memberOf(0, { weight: 0 })] })], 0, []],
  ["an end after that", [slotOf(0, { drains: drained })], 0, ["leave member-0", "discard server-0"]],
  ["its port last", [emptyOf(0, { drains: drained, members: [] })], 0, ["close 0"]],
  ["one more before old ones go", [slotOf(0, { server: serverOf(0, old) })], 1, ["open 1"]],
  [
    "no end to an old one while the new one does not serve",
    [
      slotOf(0, { server: serverOf(0, old) }),
      slotOf(1, { members: [memberOf(1, { operating_status: "OFFLINE" })] }),
    ],
    1,
    [],
  ],
  [
    "an end to an old one then",
    [slotOf(0, { server: serverOf(0, old) }), slotOf(1)],
    1,
    ["drain 0", "weigh member-0 0"],
  ],
  [
    "old ones the first to leave",
    [slotOf(0, { server: serverOf(0, old) }), slotOf(1)],
    0,
    ["drain 0", "weigh member-0 0", "drain 1", "weigh member-1 0"],
  ],
  ["nothing for a size that nobody knows", [slotOf(0)], undefined, []],
  ["another place for one whose subnet is gone", [slotOf(0, { subnet: "gone" })], 1, ["open 1"]],
])("gives %s", (_, slots, wanted, steps) => {
  expect(stepsOf(slots, wanted)).toEqual(steps);
});

test("removes what is nobody's, and empties groups that there are no more", () => {
  const strays = [serverOf(8), serverOf(9, { "OS-EXT-STS:task_state": "deleting" })];
  const left = { strays, orphans: [memberOf(7)] };
  expect(stepsOf([slotOf(0, { group: "gone" })], 0, left)).toEqual([
    "discard server-8",
    "leave member-7",
    "drain 0",
    "weigh member-0 0",
  ]);
});

test("takes no template that is none", () => {
  expect(readTemplate("bm9uZQ==")).toBeUndefined();
});
