import { holdLock } from "../../providers/local/cloud/lock.ts";

// A process that takes locks at given moments: node lock-holder.ts START PAUSE FILE…
// It takes the first file START ms after the epoch and each further one PAUSE ms later, so that others can do so at the
// same moment; then it prints the numbers of those it got, as JSON, and holds them until its standard input ends.
const [start, pause, ...files] = process.argv.slice(2);
const got: number[] = [];
for (const [index, file] of files.entries()) {
  const at = Number(start) + index * Number(pause);
  while (performance.timeOrigin + performance.now() < at);
  if (holdLock(file)) got.push(index);
}
process.stdout.write(`${JSON.stringify(got)}\n`);
process.stdin.resume();
