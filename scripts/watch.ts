import { type FSWatcher, readdirSync, statSync, watch } from "node:fs";
import { join } from "node:path";

/** What a deployment is made of: folders with all below them, and files of the project's own folder. */
const folders = [
  "components",
  "config",
  "operations",
  "plan",
  "plugin",
  "providers",
  "release",
  "scripts",
  "service",
];
const files = /^(index\.ts|transforms\.ts|package-lock\.json|tsconfig\.json|Pulumi(\.[\w-]+)?\.yaml)$/;
const sources = /\.(ts|js|sh|json|css|html|svg|yaml)$/;

/** How long nothing must have been saved before a change counts as one, in milliseconds: editors and Git save in several steps. */
const settleMs = 40;

export interface Watcher {
  /** Resolves with the files that were saved since the last call, relative to the root, as soon as there are any; empty when aborted. */
  changes(signal: AbortSignal): Promise<string[]>;
  close(): void;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Watches the sources of a project; hidden files, and what editors keep beside a file, are none. */
export function watchSources(root: string): Watcher {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let wake = () => {};
  let isSettled = false;
  const add = (file: string) => {
    changed.add(file);
    isSettled = false;
    clearTimeout(timer);
    timer = setTimeout(() => {
      isSettled = true;
      wake();
    }, settleMs);
  };
  const watchers: FSWatcher[] = [];
  // Folder by folder: Node.js' own recursive watch loses a file that is replaced by another of its name, as editors save.
  const follow = (folder: string) => {
    watchers.push(
      watch(join(root, folder), (_event, name) => {
        if (!name || name.startsWith(".")) return;
        const path = `${folder}/${name}`;
        if (sources.test(name)) add(path);
        else if (isFolder(join(root, path))) follow(path);
      }),
    );
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true }))
      if (entry.isDirectory() && !entry.name.startsWith(".")) follow(`${folder}/${entry.name}`);
  };
  for (const folder of folders) if (isFolder(join(root, folder))) follow(folder);
  watchers.push(watch(root, (_event, name) => void (name && files.test(name) && add(name))));
  const take = () => {
    const all = [...changed].sort();
    changed.clear();
    isSettled = false;
    return all;
  };
  return {
    async changes(signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      if (isSettled) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted) resolve();
      await promise;
      return take();
    },
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
