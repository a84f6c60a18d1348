import { linkSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Gives a folder the files of another one, by hard links: nothing changes a version once it is unpacked.
 *
 * @throws when one of the files is there already
 */
export function linkFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkFolder(source, target);
    else linkSync(source, target);
  }
}
