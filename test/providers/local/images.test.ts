import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { openClones } from "../../../providers/local/clones.ts";
import type { ImageSpec } from "../../../providers/local/cloud/specs.ts";
import { openImages } from "../../../providers/local/machine-images.ts";
import { groupSpec, nextSubnet, serverScript, TestCloud } from "../../support/local-cloud.ts";
import { deployedStack } from "../../support/outputs.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const [runtime, release] = ["1".repeat(128), "a".repeat(64)];
const versions = [`runtimes/${runtime.slice(0, 16)}`, `releases/${release}`];

let cloud: TestCloud;
let machine: string;

/** A machine that becomes a server once it finds on its disk what it runs, and says when it is healthy. */
const script = (port: number) =>
  serverScript(port).replace(
    "exec ",
    `RUNTIME_SHA512='${runtime}'
RELEASE_SHA256='${release}'
[[ -f $SWITCHYARD_HOME/releases/$RELEASE_SHA256/lib/server.js ]] && echo "found release on $SWITCHYARD_HOME"
echo 'switchyard: app is healthy in 0.1 s, at 2026-01-01T00:00:00.000Z'
exec `,
  );

beforeEach(async () => {
  cloud = TestCloud.create();
  vi.stubEnv("SWITCHYARD_HOME", join(cloud.home, ".."));
  for (const [version, file] of [
    [versions[0], "bin/node"],
    [versions[1], "lib/server.js"],
  ]) {
    const path = join(cloud.home, version ?? "", file ?? "");
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, file ?? "");
  }
  // What is of no use to this machine.
  mkdirSync(join(cloud.home, "releases", "other"));
  const spec = await groupSpec({ desired: 1, release });
  await cloud.deploy({ ...spec, startupScript: script(spec.port) });
  machine = (await cloud.machines())[0]?.id ?? "";
});

const stack = () => deployedStack("local", { operator: { cloud: "cloud" } });

test("an image has the runtime and the release of a machine and nothing else; machines boot it, on a disk of their own", async () => {
  const images = openImages(stack());
  const image = await images.create(machine, "gold");
  expect(image).toMatchObject({ id: "gold", name: "gold", release, of: machine });
  expect(await images.list()).toEqual([image]);
  const files = readdirSync(join(cloud.home, "images"), { recursive: true, withFileTypes: true });
  const content = files
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const folder = join(cloud.home, "images", "gold");
  expect(content.sort()).toEqual([
    `${folder}/${versions[1]}/lib/server.js`,
    `${folder}/${versions[0]}/bin/node`,
  ]);

  const spec = await groupSpec({ desired: 1, release, image: "gold" });
  const status = await cloud.deploy({ ...spec, startupScript: script(spec.port) }, "other-0000000");
  expect(status).toMatchObject({ ready: 1 });
  const booted = (await cloud.machines()).find(({ group }) => group === "other-0000000");
  const disk = join(cloud.machinesFolder, booted?.id ?? "", "disk");
  expect(readFileSync(join(disk, "../log"), "utf8")).toContain(`found release on ${disk}\n`);
  expect(existsSync(join(disk, "releases", "other"))).toBe(false);

  await expect(images.remove("gold")).rejects.toThrow(
    "machines of group other-0000000 are made of image gold",
  );
  await cloud.delete("groups", "other-0000000");
  await images.remove("gold");
  expect([await images.list(), readdirSync(join(cloud.home, "images"))]).toEqual([[], []]);
});

test("what cannot be made is refused with why: an image of a machine that is gone, machines of one that is not there", async () => {
  await expect(openImages(stack()).create("m-0", "gold")).rejects.toThrow("machine m-0 is gone");
  const image: ImageSpec = { machine: "m-0", cluster: "", release, isSnapshot: false, createdAt: "" };
  await expect(cloud.put("images", "gold", image)).rejects.toThrow("there is no machine m-0");
  const spec = await groupSpec({ image: "gold" });
  await expect(cloud.put("groups", "other-0000000", spec)).rejects.toThrow(
    "there is no image gold; there are: none. npm run image -- create makes one",
  );
});

test("clones are made, listed and removed; those that are left go with the network", async () => {
  await cloud.put("networks", "network", {
    cidr: "10.95.0.0/16",
    subnets: [nextSubnet()],
    edge: { address: "127.0.0.1", port: 1, allow: [] },
  });
  const clones = openClones(stack());
  const snapshot = await clones.snapshot(machine);
  const names = ["clone-1", "clone-2"];
  const made = await Promise.all(names.map((name) => clones.create(snapshot, machine, name)));
  expect(made).toMatchObject(names.map((name) => ({ name, of: machine, state: "healthy" })));
  expect(await clones.answeredAt(made[0]?.id ?? "")).toEqual(new Date("2026-01-01T00:00:00Z"));
  expect(await openImages(stack()).list()).toEqual([]);

  await clones.remove(["clone-1", "gone"]);
  expect((await clones.list()).map(({ name }) => name)).toEqual(["clone-2"]);
  expect(Object.keys(await cloud.list("images"))).toEqual([snapshot]);
  await cloud.delete("networks", "network");
  expect([await clones.list(), await cloud.list("images")]).toEqual([[], {}]);
  expect((await cloud.machines()).map(({ id }) => id)).toEqual([machine]);
});
