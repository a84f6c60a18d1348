import { statfsSync } from "node:fs";
import type { Measured } from "./metrics.ts";

/** The disk that the app runs on: how large it is, and what is left for whoever is not root. */
export const diskMeasures: readonly Measured[] = [
  { name: "disk_size_bytes", help: "Size of the app's disk", value: () => disk("blocks") },
  { name: "disk_available_bytes", help: "What is free on it", value: () => disk("bavail") },
];

function disk(blocks: "blocks" | "bavail"): number {
  const found = statfsSync(import.meta.dirname);
  return found[blocks] * found.bsize;
}
