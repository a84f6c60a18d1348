import { expect, test } from "vitest";
import type { Image, Images } from "../../operations/images.ts";
import { imageNames } from "../../providers/local/image-names.ts";
import { createImage, machineFor, parseImageRequest } from "../../scripts/image.ts";

test.each([
  ["create", { command: "create", stack: "local", names: [] }],
  [
    "create --from m-1 --name gold -s lab",
    { command: "create", stack: "lab", from: "m-1", name: "gold", names: [] },
  ],
  ["ls", { command: "ls", stack: "local", names: [] }],
  ["rm gold silver", { command: "rm", stack: "local", names: ["gold", "silver"] }],
])("image %s", (line, request) => {
  expect(parseImageRequest(line.split(" "))).toEqual(request);
});

test.each(["", "make", "create gold", "ls gold", "rm", "rm --name gold", "ls --from m-1"])(
  "image %s is refused with its usage",
  (line) => {
    expect(() => parseImageRequest(line.split(" "))).toThrow("Usage: npm run image");
  },
);

const machine = (id: string, health: string) => ({
  cluster: "one",
  id,
  address: "",
  health,
  release: "a".repeat(64),
  launchedAt: new Date(0),
});
const machines = [machine("m-1", "starting"), machine("m-2", "healthy"), machine("m-3", "healthy")];

test("an image is of the machine that is named, or of the first that is healthy", () => {
  expect(machineFor(machines, { stack: "lab" }).id).toBe("m-2");
  expect(machineFor(machines, { stack: "lab", from: "m-3" }).id).toBe("m-3");
  expect(() => machineFor(machines, { stack: "lab", from: "m-1" })).toThrow(
    "machine m-1 is starting: an image",
  );
  expect(() => machineFor(machines, { stack: "lab", from: "m-9" })).toThrow("there are: m-1, m-2, m-3");
  expect(() => machineFor(machines.slice(0, 1), { stack: "lab" })).toThrow("has no healthy machine");
});

/** Images of which there is one, `gold`. */
function images(): Images & { readonly made: string[] } {
  const made: string[] = [];
  const imageOf = (name: string): Image => ({
    id: name,
    name,
    release: "",
    of: "m-1",
    createdAt: new Date(0),
  });
  return {
    made,
    names: imageNames,
    async create(id, name) {
      made.push(`${name} of ${id}`);
      return imageOf(name);
    },
    list: async () => [imageOf("gold")],
    remove: async () => {},
  };
}

test("an image is called as it is told, else for its stack and release, and as no other one", async () => {
  const all = images();
  const [first = machine("", "")] = machines;
  await createImage(all, first, { stack: "org/x/lab" });
  await createImage(all, first, { stack: "lab", name: "day02-flask-api-ami" });
  expect(all.made).toEqual(["lab-aaaaaaaaaaaa of m-1", "day02-flask-api-ami of m-1"]);
  await expect(createImage(all, first, { stack: "lab", name: "gold" })).rejects.toThrow(
    "There is an image gold already, made of machine m-1. Choose another --name, or remove it: npm run image -- --stack lab rm gold",
  );
  await expect(createImage(all, first, { stack: "lab", name: "../x" })).rejects.toThrow(
    "--name ../x: it must be 1 to 63 lower-case letters",
  );
});
