import { expect, test } from "vitest";
import { peaksOf } from "../../config/peaks.ts";
import { readSettings } from "../../config/read.ts";
import { homeRules, problemsOf, rawConfig, read } from "../support/config.ts";

const start = "2026-12-24T08:00:00+01:00";
const schedule = { name: "mornings", cluster: "app", machines: 2, flavor: "standard", start };

test("has two flavors, ten machines at most, and who may reach it from the cloud", async () => {
  const { controller, clusters } = await read({ cloud: "local", controller: { schedules: [schedule] } });
  expect(controller).toEqual({
    port: 8081,
    allow: ["127.0.0.0/8"],
    size: "small",
    maxMachines: 10,
    flavors: { standard: "small", large: "large" },
    images: {},
    schedules: [schedule],
  });
  const [app = { name: "" }] = clusters;
  expect(peaksOf(app, { flavors: { a: "small", b: "m7g.large" }, images: { gold: "ami-1" } })).toEqual([
    { name: "app-a", cluster: "app", flavor: "a", image: "default", size: "small" },
    { name: "app-a-gold", cluster: "app", flavor: "a", image: "gold", size: "small", imageId: "ami-1" },
    { name: "app-b", cluster: "app", flavor: "b", image: "default", size: "small", machineType: "m7g.large" },
    {
      name: "app-b-gold",
      cluster: "app",
      flavor: "b",
      image: "gold",
      size: "small",
      machineType: "m7g.large",
      imageId: "ami-1",
    },
  ]);
});

test("there is none unless it is asked for", async () => {
  expect(await read({ cloud: "local" })).not.toHaveProperty("controller");
});

const withSchedule = (more: object) => ({ controller: { schedules: [{ ...schedule, ...more }] } });

test.each<[Record<string, unknown>, string]>([
  [{ controller: { port: 8080 } }, "controller.port is 8080; the load balancer has that port"],
  [{ controller: { flavors: {} } }, "controller.flavors is {}; name at least one"],
  [{ controller: { flavors: { Big: "large" } } }, "named with 1 to 12 lower-case letters"],
  [{ controller: { images: { default: "ami-1" } } }, 'controller.images.default is "ami-1"; that is what'],
  [
    { controller: {}, clusters: [{ name: "controller", min: 1 }] },
    'clusters[0].name is "controller"; the controller has that name',
  ],
  [
    {
      controller: {},
      clusters: [
        { name: "app", min: 1 },
        { name: "app-large", min: 1 },
      ],
    },
    'controller.flavors.large is "large"; its machines of app would be called app-large, as is clusters[1]',
  ],
  [withSchedule({ cluster: "web" }), '.cluster is "web"; there is none of that name; there are: app'],
  [
    withSchedule({ flavor: "huge" }),
    '.flavor is "huge"; there is none of that name; there are: standard, large',
  ],
  [withSchedule({ image: "gold" }), '.image is "gold"; there is none of that name; there are: default'],
  [withSchedule({ machines: 11 }), ".machines is 11; it must be at most controller.maxMachines, which is 10"],
  [withSchedule({ start: "2026-02-30T00:00:00Z" }), "it must be a time with its offset"],
  [withSchedule({ start: "2026-02-01 08:00" }), "it must be a time with its offset"],
  [withSchedule({ except: ["2026-13-01"] }), '.except[0] is "2026-13-01"; it must be a day'],
  [withSchedule({ start: undefined }), "it does not say when; give start (and end), or cron"],
  [
    withSchedule({ start: undefined, cron: "0 25 * * *", durationMinutes: 60, timeZone: "UTC" }),
    'cron is "0 25 * * *"',
  ],
  [withSchedule({ cron: "0 8 * * *" }), "it must be one period (start, end) or recurring"],
  [
    { controller: { schedules: [schedule, schedule] } },
    'controller.schedules[1].name is "mornings"; schedules[0] has that name',
  ],
  [
    {
      machines: 60,
      controller: { maxMachines: 200 },
      network: { cidr: "10.0.0.0/16", subnets: [{ cidr: "10.0.0.0/24" }] },
    },
    "it has room for 251 machines, and 264 may be placed in it while they are rolled: make it a /23",
  ],
])("refuses %j: %s", async (config, message) => {
  expect(await problemsOf(config)).toEqual([expect.stringContaining(message)]);
});

test("a cloud whose groups it cannot set the size of refuses it", async () => {
  const { takesController: _, ...rules } = homeRules;
  const where = { project: "lab1", stack: "dev" };
  const reading = readSettings(rawConfig({ cloud: "toy", controller: {} }), where, {
    toy: { rules: async () => rules },
  });
  await expect(reading).rejects.toThrow('switchyard:controller is "set"; this cloud has no extra machines');
});
