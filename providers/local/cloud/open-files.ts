import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";

/** Whether an error says that this process, or this host, can open no further file or socket. */
export function isOutOfFiles(error: unknown): boolean {
  const { code, cause } = error as NodeJS.ErrnoException;
  return code === "EMFILE" || code === "ENFILE" || (cause !== undefined && isOutOfFiles(cause));
}

/** How many files this process may have open: Node.js has raised that to the hard limit when it started. */
export function openFilesLimit(): number {
  // The network part would look up names of addresses.
  Object.assign(process.report, { excludeNetwork: true });
  const { userLimits } = process.report.getReport() as {
    userLimits?: { open_files: { soft: number | string } };
  };
  const limit = Number(userLimits?.open_files.soft);
  return Number.isNaN(limit) ? Number.POSITIVE_INFINITY : limit;
}

/** A descriptor that is kept for when there is no other. */
let spare: number | undefined;

function keepSpare(): number | undefined {
  try {
    return openSync(devNull, "r");
  } catch (error) {
    if (isOutOfFiles(error)) return undefined;
    throw error;
  }
}

/** Does synchronous work that opens one file at a time, also when no file can be opened any more. */
export function withSpareFile<T>(work: () => T): T {
  spare ??= keepSpare();
  try {
    return work();
  } catch (error) {
    if (!isOutOfFiles(error) || spare === undefined) throw error;
  }
  closeSync(spare);
  try {
    return work();
  } finally {
    spare = keepSpare();
  }
}
