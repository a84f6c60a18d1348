import { expect, test } from "vitest";
import { openDocument } from "../../../service/controller/document.ts";
import { StoreError } from "../../../service/storage/store.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { kept } from "./fakes.ts";

const { signal } = new AbortController();

const adding = (id: string) => (content: Awaited<ReturnType<ReturnType<typeof openDocument>["read"]>>) => ({
  content: { ...content, schedules: [...content.schedules, kept({ id })] },
  result: id,
});

const idsIn = async (store: ReturnType<typeof memoryStore>) =>
  (await openDocument(store).read(signal)).schedules.map(({ id }) => id).sort();

test("many changes by two controllers at once are all made, each once", async () => {
  const store = memoryStore();
  const documents = [openDocument(store), openDocument(store)];
  const ids = Array.from({ length: 12 }, (_, index) => String(index).padStart(2, "0"));
  await Promise.all(ids.map((id, index) => documents[index % 2]?.change(adding(id), signal)));
  expect(await idsIn(store)).toEqual(ids);
});

test("a change whose answer was lost is found to be made, and not made twice", async () => {
  const store = memoryStore();
  const { replace } = store;
  store.replace = async (...call) => {
    store.replace = replace;
    await replace(...call);
    throw new StoreError("timeout", "no answer");
  };
  expect(await openDocument(store).change(adding("a"), signal)).toBe("a");
  expect(await idsIn(store)).toEqual(["a"]);
});

test("a change that the store asked for twice is found to be made", async () => {
  const store = memoryStore();
  const { replace } = store;
  store.replace = async (...call) => {
    store.replace = replace;
    await replace(...call);
    return replace(...call);
  };
  expect(await openDocument(store).change(adding("a"), signal)).toBe("a");
  expect(await idsIn(store)).toEqual(["a"]);
});

test("a change that the store did not make fails", async () => {
  const store = memoryStore();
  const document = openDocument(store);
  store.replace = async () => {
    throw new StoreError("unavailable", "no answer");
  };
  await expect(document.change(adding("a"), signal)).rejects.toThrow("no answer");
  expect(await idsIn(store)).toEqual([]);
});

test("what changes nothing writes nothing", async () => {
  const store = memoryStore();
  store.replace = async () => {
    throw new Error("was written");
  };
  expect(await openDocument(store).change((content) => ({ content, result: 1 }), signal)).toBe(1);
});

test("a document of a later release is not touched", async () => {
  const store = memoryStore();
  await store.replace("schedules.json", Buffer.from('{"format":2}'), { signal });
  await expect(openDocument(store).change(adding("a"), signal)).rejects.toThrow(
    "in format 2, and this release knows",
  );
});
