import { inspect } from "node:util";
import { stackOfSources } from "./stack.ts";

let report = (error: unknown): void => console.error(stackOfSources(inspect(error)));

/** Has what crashes the app logged by something else than stderr. */
export function logCrashes(log: (error: unknown) => void): void {
  report = log;
}

// As this module is loaded, which is before all others: without it, Node.js prints the line that threw, and a release has
// lines as long as files.
process.on("uncaughtException", (error) => {
  report(error);
  process.exit(1);
});
