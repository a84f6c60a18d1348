import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { contents } from "../../../providers/openstack/contents.ts";
import { storeKinds, type TestStore } from "../../storage/stores.ts";

const swift = storeKinds.find(({ name }) => name === "swift");
const { signal } = new AbortController();
const operation = { urn: "", name: "files", signal, progress: () => {}, warn: () => {} };

describe.skipIf(!swift?.installed)("the contents of a container", () => {
  let opened: TestStore;
  let inputs: { authUrl: string; region: string; container: string };

  beforeAll(async () => {
    if (!swift) throw new Error("there is no Swift among the stores");
    opened = await swift.open();
    for (const [key, value] of Object.entries(opened.environment))
      if (key.startsWith("OS_")) vi.stubEnv(key, value);
    const { OS_AUTH_URL = "", OS_REGION_NAME = "", BUCKET = "" } = opened.environment;
    inputs = { authUrl: OS_AUTH_URL, region: OS_REGION_NAME, container: BUCKET };
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await opened?.store.close();
    await opened?.stop();
  });

  it("keep a container that is not to be emptied, and go with one that is, whatever their names", async () => {
    const { store, keys } = opened;
    for (const [name, size] of [
      ["a?b#c", 1],
      ["100%/ü", 1],
      ["in parts", 3 * 1024 * 1024],
    ] as const)
      await store.put(name, Readable.from([Buffer.alloc(size)]), { contentType: "text/plain", signal });
    const before = await keys();
    expect(before.length).toBeGreaterThan(3);

    const kept = contents.delete?.("files", { ...inputs, empty: false }, operation);
    await expect(kept).rejects.toThrow(
      `Container ${inputs.container}: it still has files: deploy switchyard:bucket.empty as true first, or delete them`,
    );
    expect(await keys()).toEqual(before);

    await contents.delete?.("files", { ...inputs, empty: true }, operation);
    expect(await keys()).toEqual([]);
    await contents.delete?.("files", { ...inputs, empty: false }, operation);
  });

  it("are none of a container that is gone", async () => {
    await contents.delete?.("files", { ...inputs, container: "none", empty: true }, operation);
  });
});
