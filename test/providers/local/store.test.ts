import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { StateStore } from "../../../providers/local/cloud/store.ts";
import { temporaryFolder } from "../../support/local-cloud.ts";

let home: string;
let file: string;

beforeEach(() => {
  home = join(temporaryFolder(), "cloud");
  file = join(home, "state.json");
});

function savedStore(): StateStore {
  const store = new StateStore(home);
  store.state.buckets.files = { empty: true };
  store.save();
  return store;
}

test("is empty at first, and makes a folder for its owner alone", () => {
  expect(new StateStore(home).state).toEqual({
    version: 1,
    endpointPort: 0,
    networks: {},
    buckets: {},
    images: {},
    groups: {},
    loadBalancers: {},
    machines: {},
  });
  expect(statSync(home).mode & 0o777).toBe(0o700);
});

test("finds what was saved, and keeps the one before it", () => {
  const store = savedStore();
  expect(new StateStore(home).state).toEqual(store.state);
  const before = readFileSync(file, "utf8");
  store.state.endpointPort = 1234;
  store.save();
  expect(new StateStore(home).state.endpointPort).toBe(1234);
  expect(readFileSync(`${file}.previous`, "utf8")).toBe(before);
  expect([file, `${file}.previous`].map((name) => statSync(name).mode & 0o777)).toEqual([0o600, 0o600]);
});

test("refuses a truncated file, naming it and the one before it, and overwrites neither", () => {
  const store = savedStore();
  store.save();
  const truncated = readFileSync(file, "utf8").slice(0, 40);
  writeFileSync(file, truncated);
  const previous = readFileSync(`${file}.previous`, "utf8");
  expect(() => new StateStore(home)).toThrow(`the local cloud's state file ${file} is damaged (`);
  expect(() => new StateStore(home)).toThrow(
    `${file}.previous: move it to ${file} and run the command again`,
  );
  expect(readFileSync(file, "utf8")).toBe(truncated);
  expect(readFileSync(`${file}.previous`, "utf8")).toBe(previous);
});

test("works again once the one before it is put in its place", () => {
  const store = savedStore();
  store.save();
  writeFileSync(file, "");
  expect(() => new StateStore(home)).toThrow("is damaged");
  writeFileSync(file, readFileSync(`${file}.previous`));
  expect(new StateStore(home).state).toEqual(store.state);
});

test("refuses a version that it does not know", () => {
  savedStore();
  writeFileSync(file, JSON.stringify({ version: 2 }));
  expect(() => new StateStore(home)).toThrow(`${file} has version 2; this program reads version 1`);
});

/** Makes writes to a file of the store fail as on a full disk, until the file is removed. */
function fillDisk(name: string): string {
  const full = join(home, name);
  rmSync(full, { force: true });
  symlinkSync("/dev/full", full);
  return full;
}

test.each(["state.json.new", "state.json.previous"])(
  "keeps the old state when the disk is full at %s",
  (name) => {
    const store = savedStore();
    const before = readFileSync(file, "utf8");
    const full = fillDisk(name);
    store.state.endpointPort = 1234;
    expect(() => store.save()).toThrow(
      `cannot write its state to ${file}: the disk that holds ${home} is full (ENOSPC`,
    );
    expect(readFileSync(file, "utf8")).toBe(before);
    rmSync(full, { force: true });
    store.save();
    expect(new StateStore(home).state.endpointPort).toBe(1234);
    expect(readdirSync(home).sort()).toEqual(["state.json", "state.json.previous"]);
  },
);

test("goes on when what happened cannot be written, tells it once, and writes it as soon as it can", () => {
  const store = savedStore();
  const errors: string[] = [];
  store.retry();
  const full = fillDisk("state.json.previous");
  store.state.endpointPort = 1234;
  store.note((error) => errors.push(error.message));
  store.note((error) => errors.push(error.message));
  store.retry();
  expect(errors).toEqual([expect.stringContaining(`its state to ${file}: the disk that holds`)]);
  expect(new StateStore(home).state.endpointPort).toBe(0);
  rmSync(full);
  store.retry();
  expect(new StateStore(home).state.endpointPort).toBe(1234);
});

test("says so when its folder is gone", () => {
  const store = savedStore();
  rmSync(home, { recursive: true });
  expect(() => store.save()).toThrow(`the local cloud cannot write its state to ${file}: ENOENT`);
});

test("refuses a file that cannot be read instead of starting anew", () => {
  mkdirSync(file, { recursive: true });
  expect(() => new StateStore(home)).toThrow("EISDIR");
});
