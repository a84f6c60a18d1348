import { writeSync } from "node:fs";

/**
 * Writes log lines to a descriptor, each at once. A line that cannot be written, because the disk is full, is dropped and
 * counted: waiting for room would stop whoever logs.
 *
 * @param onDropped makes the line that says how many were dropped; written before the first that can be again
 */
export function logLines(
  descriptor: number,
  onDropped: (count: number) => string,
): { write(line: string): void } {
  let dropped = 0;
  let cut = "";
  const written = (text: string): boolean => {
    const bytes = Buffer.from(cut + text);
    try {
      const count = writeSync(descriptor, bytes);
      cut = count < bytes.length ? "\n" : "";
      return count === bytes.length;
    } catch {
      return false;
    }
  };
  return {
    write(line) {
      if (dropped > 0 && written(onDropped(dropped))) dropped = 0;
      if (dropped > 0 || !written(line)) dropped += 1;
    },
  };
}

/** Such a line of a log in JSON, as pino writes it. */
export function droppedLine(base: object): (count: number) => string {
  return (count) =>
    `${JSON.stringify({ level: 40, time: Date.now(), ...base, msg: `${count} log lines were dropped: the disk was full` })}\n`;
}
