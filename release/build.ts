import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { RunError } from "@pulumi/pulumi/errors.js";
import type { BuildFailure, Metafile, Plugin } from "esbuild";
import { commitFile, commitIn, commitWord } from "./commit.ts";
import { hashOfFile } from "./hashes.ts";
import { bundlePage } from "./page.ts";
import { hashOf, lookAt, type ReleaseRecord, unchangedRelease } from "./record.ts";
import { mapOfSources } from "./source-map.ts";
import { checkTypes, filesWithTypes } from "./types.ts";

/** The packed service, ready to be stored: an archive whose name is its content's hash. */
export interface ReleaseBuild {
  /** Hex SHA-256 of the archive. */
  readonly sha256: string;
  /** The archive's path, relative to the project's root, with `/` between folders. */
  readonly file: string;
}

export interface ReleaseBuildOptions {
  /** The folder with `service/` and `node_modules/` in it. Default: this project's. */
  readonly root?: string;
  /** Where the archive goes. Default: `.switchyard/releases` in `root`. */
  readonly outDir?: string;
}

/** A fixed date for every entry, npm's own for packages: 0 makes `tar` warn of an implausibly old file. */
const entryDate = new Date("1985-10-26T08:15:00.000Z");

/**
 * The files of a release and what they are made of. A store's file, with its SDK, is read only where it is selected
 * (service/storage/index.ts), and so is a cloud's groups' (service/compute/index.ts); the errors that they throw are in one of their own, because the app must know them. So is the page of the API, which is read when it is asked for.
 */
const entryPoints = {
  "compute-aws": "./service/compute/aws.ts",
  "compute-gcp": "./service/compute/gcp.ts",
  "compute-local": "./service/compute/local.ts",
  "compute-openstack": "./service/compute/openstack.ts",
  docs: "./service/api/docs-app.ts",
  server: "./service/server.ts",
  "storage-errors": "./service/storage/store.ts",
  "storage-gcs": "./service/storage/gcs.ts",
  "storage-local": "./service/storage/local.ts",
  "storage-s3": "./service/storage/s3.ts",
  "storage-swift": "./service/storage/swift.ts",
} as const;
type EntryPoint = keyof typeof entryPoints;

/** Swagger UI's own files, which the page of the API serves as they are: by their folder in a release, and in its package. */
const pageFiles = "node_modules/@fastify/swagger-ui/static";
const pageFolder = "swagger-ui";
const pageFileNames = [
  "favicon-16x16.png",
  "favicon-32x32.png",
  "index.css",
  "swagger-ui-bundle.js",
  "swagger-ui-standalone-preset.js",
  "swagger-ui.css",
];

/**
 * Bundles `service/server.ts` and the stores with all they import, into a file each, and packs them so that the same
 * sources and dependencies give the same bytes in any folder, on any machine. An archive that is already there, whole, is left
 * alone, and nothing is bundled while all that it was made of is unchanged.
 * @throws {RunError} naming file and line, when the service cannot be bundled, or its types are wrong.
 */
export async function buildRelease(options: ReleaseBuildOptions = {}): Promise<ReleaseBuild> {
  const root = resolve(options.root ?? join(import.meta.dirname, ".."));
  const outDir = resolve(root, options.outDir ?? ".switchyard/releases");
  const build = (sha256: string) => {
    const file = join(outDir, `${sha256}.tar.gz`);
    return { sha256, file: relative(root, file).split(sep).join("/") };
  };
  const recipe = hashOf(
    readFileSync(import.meta.filename),
    readFileSync(join(import.meta.dirname, "source-map.ts")),
    readFileSync(join(import.meta.dirname, "page.ts")),
    readFileSync(join(root, "node_modules/esbuild/package.json")),
    readFileSync(join(root, "node_modules/typescript-native/package.json")),
  );
  const recordFile = join(outDir, "last.json");
  const known = unchangedRelease(root, recordFile, recipe);
  if (known && (await isWhole(join(root, build(known.sha256).file), known.sha256))) {
    const { isTouched, ...record } = known;
    if (isTouched) await replace(recordFile, JSON.stringify(record));
    return build(record.sha256);
  }

  const [bundled, checked] = await Promise.allSettled([
    bundle(root, outDir, recipe),
    checkTypes(root, outDir),
  ]);
  if (bundled.status === "rejected") throw bundled.reason;
  if (checked.status === "rejected") throw checked.reason;
  const { files, inputs } = bundled.value;
  const archive = await pack({
    // Says what the others are, whatever package.json lies in a folder above the one they are unpacked in.
    "package.json": Buffer.from('{"type":"commonjs"}\n'),
    ...files,
  });
  const sha256 = hashOf(archive);
  const file = join(root, build(sha256).file);
  if (!(await isWhole(file, sha256))) {
    const [commit, beside] = [await commitIn(root), commitFile(file)];
    if (commit && beside) await replace(beside, commitWord(commit));
    await replace(file, archive);
  }
  const record: ReleaseRecord = {
    recipe,
    inputs: lookAt(root, [...inputs, ...filesWithTypes(root)]),
    sha256,
  };
  await replace(recordFile, JSON.stringify(record));
  return build(sha256);
}

interface Bundle {
  /** By name, in its order. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Every file that is in them, relative to the root. */
  readonly inputs: readonly string[];
}

/** The service and the stores, each made again only when something in it has changed, and what the app serves as it is. */
async function bundle(root: string, outDir: string, recipe: string): Promise<Bundle> {
  const parts = await bundleParts(root, join(outDir, "parts"), recipe);
  const schedules = await bundlePage(root);
  const page = pageFileNames.map((name) => `${pageFiles}/${name}`);
  const packed = page.map(
    (file) => [`${pageFolder}/${basename(file)}`, readFileSync(join(root, file))] as const,
  );
  return {
    files: Object.fromEntries([
      ...Object.entries(parts.files).sort(([one], [other]) => (one < other ? -1 : 1)),
      ...packed,
      ...Object.entries(schedules.files).map(([name, content]) => [`page/${name}`, content] as const),
    ]),
    inputs: [...parts.inputs, ...page, ...schedules.inputs],
  };
}

/** Of each entry point: its file, and the map beside it. Most are an SDK, which seldom changes, and takes most of the time. */
async function bundleParts(root: string, folder: string, recipe: string): Promise<Bundle> {
  const names = Object.keys(entryPoints) as EntryPoint[];
  const known = await Promise.all(names.map((name) => readPart(root, folder, name, recipe)));
  const missing = names.filter((_, index) => !known[index]);
  const made = missing.length > 0 ? await bundleAnew(root, missing) : [];
  for (const { name, ...part } of made) await keepPart(root, folder, name, recipe, part);
  const parts = [...known.filter((part) => part !== undefined), ...made];
  return {
    files: Object.fromEntries(parts.flatMap(({ files }) => Object.entries(files))),
    inputs: [...new Set(parts.flatMap(({ inputs }) => inputs))],
  };
}

/** CommonJS, as Fastify and most of what it needs is: those then find `require` and `__dirname` as they expect. */
async function bundleAnew(
  root: string,
  names: readonly EntryPoint[],
): Promise<(Bundle & { readonly name: EntryPoint })[]> {
  const { build, formatMessages } = await import("esbuild");
  try {
    const { outputFiles, metafile } = await build({
      absWorkingDir: root,
      entryPoints: Object.fromEntries(names.map((name) => [name, entryPoints[name]])),
      // Only names them: nothing is written.
      outdir: "release",
      bundle: true,
      plugins: [entryPointsApart(root)],
      platform: "node",
      target: "node24",
      format: "cjs",
      define: { "import.meta.dirname": "__dirname" },
      // Names stay as they are, for stack traces.
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: "none",
      // Beside each file, which does not name it: the app alone reads it (service/stack.ts).
      sourcemap: "external",
      sourcesContent: false,
      // Module paths stand in the bundle; a linked node_modules must not bring in where it really is.
      preserveSymlinks: true,
      // No tsconfig.json, in this folder or above it, takes part.
      tsconfigRaw: {},
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    const texts = new Map(
      outputFiles.map(({ path, contents, text }) => [basename(path), { contents, text }]),
    );
    return names.map((name) => {
      const { contents = new Uint8Array() } = texts.get(`${name}.js`) ?? {};
      const map = ownMap(texts.get(`${name}.js.map`)?.text ?? "");
      const inputs = importedBy(metafile, entryPoints[name].slice("./".length));
      return { name, files: { [`${name}.js`]: contents, [`${name}.js.map`]: map }, inputs };
    });
  } catch (error) {
    const { errors } = error as Partial<BuildFailure>;
    if (!errors) throw error;
    const messages = await formatMessages(errors, { kind: "error", color: false });
    throw new RunError(messages.join("").trim());
  }
}

/** Every file that a bundle was made of, those too of which nothing is left in it. */
function importedBy({ inputs }: Metafile, entryPoint: string): string[] {
  const found = new Set([entryPoint]);
  for (const path of found)
    for (const { path: imported, external } of inputs[path]?.imports ?? [])
      if (!external && Object.hasOwn(inputs, imported)) found.add(imported);
  return [...found];
}

const partFile = (folder: string, name: string) => join(folder, `${name}.json`);

/** What was bundled before of an entry point, while all that it was made of is as it was. */
async function readPart(
  root: string,
  folder: string,
  name: string,
  recipe: string,
): Promise<Bundle | undefined> {
  const record = unchangedRelease(root, partFile(folder, name), recipe);
  if (!record) return undefined;
  const files = [`${name}.js`, `${name}.js.map`].map((file) => [file, join(folder, file)] as const);
  if (!files.every(([, path]) => existsSync(path))) return undefined;
  const contents = files.map(([file, path]) => [file, readFileSync(path)] as const);
  // One that was cut short must not be taken.
  if (hashOf(...contents.map(([, content]) => content)) !== record.sha256) return undefined;
  return { files: Object.fromEntries(contents), inputs: Object.keys(record.inputs) };
}

async function keepPart(
  root: string,
  folder: string,
  name: string,
  recipe: string,
  { files, inputs }: Bundle,
): Promise<void> {
  for (const [file, content] of Object.entries(files)) await replace(join(folder, file), content);
  const record: ReleaseRecord = {
    recipe,
    inputs: lookAt(root, inputs),
    sha256: hashOf(...Object.values(files)),
  };
  await replace(partFile(folder, name), JSON.stringify(record));
}

/** A map of the service's own sources: with those of its dependencies, maps are nearly as large as what they are of. */
function ownMap(text: string): Uint8Array {
  const map = mapOfSources(JSON.parse(text), (source) => !source.includes("node_modules/"));
  return Buffer.from(JSON.stringify(map));
}

/** Lets files of the release that import one another find each other in it. */
function entryPointsApart(root: string): Plugin {
  const nameOf = new Map(Object.entries(entryPoints).map(([name, path]) => [join(root, path), name]));
  return {
    name: "entry-points-apart",
    setup: ({ onResolve }) => {
      onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ kind, path, resolveDir }) => {
        const name = kind === "entry-point" ? undefined : nameOf.get(resolve(resolveDir, path));
        return name === undefined ? undefined : { path: `./${name}.js`, external: true };
      });
    },
  };
}

/**
 * A gzipped tar archive of the given files, made in memory: no file system's modes, owners or times get into it.
 * fflate compresses alike everywhere; what Node.js's zlib makes of the same bytes depends on its version and on
 * which CRC instruction the processor has (deps/zlib/contrib/optimizations/insert_string.h).
 */
async function pack(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const [{ Header }, { gzipSync }] = await Promise.all([import("tar/header"), import("fflate")]);
  const blocks = Object.entries(files).flatMap(([path, content]) => {
    const header = Buffer.alloc(512);
    new Header({
      path,
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: content.length,
      mtime: entryDate,
      type: "File",
    }).encode(header);
    return [header, content, Buffer.alloc(-content.length & 511)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]), { mtime: 0 });
}

/** Whether an archive is there, and is what its name says: one that was cut short must not be stored. */
async function isWhole(file: string, sha256: string): Promise<boolean> {
  return existsSync(file) && (await hashOfFile(file, "sha256")) === sha256;
}

/** Writes a file so that nobody ever sees half of it. */
async function replace(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const part = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(part, content);
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
}
