import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { type File, Storage } from "@google-cloud/storage";
import { fetchNpmPackage, type NpmPackage } from "../../plugin/npm-package.ts";
import type { Properties, ResourceKind } from "../../plugin/resource.ts";
import { layout } from "./layout.ts";

interface RuntimeInputs {
  readonly bucket: string;
  readonly key: string;
  readonly content: NpmPackage;
}

function fileOf(properties: Properties): File {
  const { bucket, key } = properties as unknown as RuntimeInputs;
  return new Storage().bucket(bucket).file(key);
}

/** The Node.js that machines fetch. Its key carries its hash, so that what is there already needs no upload. */
const runtimeObject: ResourceKind = {
  replaceOn: ["bucket", "key"],
  async create(news, { progress, signal }) {
    const { bucket, key, content } = news as unknown as RuntimeInputs;
    const file = fileOf(news);
    const [isThere] = await file.exists();
    if (!isThere) {
      progress(`fetching ${content.npmPackage} ${content.version}`);
      const source = createReadStream(await fetchNpmPackage(content));
      progress("uploading");
      await pipeline(source, file.createWriteStream(), { signal });
    }
    return { id: `${bucket}/${key}`, outputs: {} };
  },
  async read(_id, { inputs, outputs }) {
    const [isThere] = await fileOf(inputs).exists();
    return isThere ? { inputs, outputs } : undefined;
  },
  async delete(_id, olds) {
    await fileOf(olds).delete({ ignoreNotFound: true });
  },
};

/** The resource types of this cloud that its SDK does not have. */
export const kinds: Readonly<Record<string, ResourceKind>> = {
  "switchyard:gcp:Layout": layout,
  "switchyard:gcp:RuntimeObject": runtimeObject,
};
