import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { RunError } from "@pulumi/pulumi/errors.js";
import type { BuildFailure, Metafile, Plugin } from "esbuild";
import { type ArchivePiece, packFiles } from "./archive.ts";
import { bundlePage } from "./page.ts";
import { hashOf, lookAt, type ReleaseRecord, unchangedRelease } from "./record.ts";
import { replaceFile } from "./replace-file.ts";
import { mapOfSources } from "./source-map.ts";

/**
 * The files of a release and what they are made of. A store's file, with its SDK, is read only where it is selected
 * (service/storage/index.ts), and so is a cloud's groups' (service/compute/index.ts); the errors that they throw are in one
 * of their own, because the app must know them. So is the page of the API, which is read when it is asked for.
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

/** Swagger UI's own files, which the page of the API serves as they are: by their folder in its package. */
const pageFiles = "node_modules/@fastify/swagger-ui/static";
const pageFileNames = [
  "favicon-16x16.png",
  "favicon-32x32.png",
  "index.css",
  "swagger-ui-bundle.js",
  "swagger-ui-standalone-preset.js",
  "swagger-ui.css",
];

const partNames = [...(Object.keys(entryPoints).sort() as EntryPoint[]), "swagger-ui", "page"] as const;
type PartName = (typeof partNames)[number];

/** Files of a release that are made together, as they lie in its archive. */
interface Part {
  readonly name: PartName;
  readonly piece: ArchivePiece;
  /** Every file that is in it, relative to the root. */
  readonly inputs: readonly string[];
}

/** Files of a part, by name, in their order, before they are packed. */
type Unpacked = Pick<Part, "name" | "inputs"> & { readonly files: Readonly<Record<string, Uint8Array>> };

/**
 * All that a release is made of, in its order, each part made again only when something in it has changed: most are an
 * SDK, which seldom changes, and takes most of the time.
 *
 * @param folder keeps them
 * @param recipe hash of all else that decides what they are
 * @throws {RunError} naming file and line, when the service cannot be bundled
 */
export async function makeParts(root: string, folder: string, recipe: string): Promise<Part[]> {
  const start = Date.now();
  const known = new Map(partNames.map((name) => [name, readPart(root, folder, name, recipe)] as const));
  const missing = partNames.filter((name) => !known.get(name));
  const entries = missing.filter((name) => name !== "swagger-ui" && name !== "page");
  const made = await Promise.all([
    entries.length > 0 ? bundle(root, entries) : [],
    missing.includes("swagger-ui") ? readSwaggerUi(root) : [],
    missing.includes("page") ? makePage(root) : [],
  ]);
  for (const { name, files, inputs } of made.flat()) {
    const piece = await packFiles(files);
    const record: ReleaseRecord = {
      recipe,
      inputs: lookAt(root, inputs, { start }),
      sha256: hashOf(piece),
    };
    await replaceFile(join(folder, name), piece);
    await replaceFile(recordFile(folder, name), JSON.stringify(record));
    known.set(name, { name, piece, inputs });
  }
  return [...known.values()].filter((part) => part !== undefined);
}

const recordFile = (folder: string, name: PartName) => join(folder, `${name}.json`);

/** What was made before of a part, while all that it was made of is as it was. */
function readPart(root: string, folder: string, name: PartName, recipe: string): Part | undefined {
  const record = unchangedRelease(root, recordFile(folder, name), recipe);
  const file = join(folder, name);
  if (!record || !existsSync(file)) return undefined;
  const piece = readFileSync(file);
  // One that was cut short must not be taken.
  if (hashOf(piece) !== record.sha256) return undefined;
  return { name, piece, inputs: Object.keys(record.inputs) };
}

async function makePage(root: string): Promise<Unpacked> {
  const { files, inputs } = await bundlePage(root);
  const inFolder = Object.entries(files).map(([file, content]) => [`page/${file}`, content]);
  return { name: "page", files: Object.fromEntries(inFolder), inputs };
}

function readSwaggerUi(root: string): Unpacked {
  const inputs = pageFileNames.map((name) => `${pageFiles}/${name}`);
  const files = inputs.map((file) => [`swagger-ui/${basename(file)}`, readFileSync(join(root, file))]);
  return { name: "swagger-ui", files: Object.fromEntries(files), inputs };
}

/** CommonJS, as Fastify and most of what it needs is: those then find `require` and `__dirname` as they expect. */
async function bundle(root: string, names: readonly EntryPoint[]): Promise<Unpacked[]> {
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
