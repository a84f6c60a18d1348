import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, type TestContext } from "vitest";

/** A disk of its own that a test may fill. */
export interface SmallDisk {
  readonly folder: string;
  fill(): void;
  free(): void;
}

/** Mounts a disk in memory, until the test ends; skips the test, with the reason, where that may not be done. */
export function smallDisk(megabytes: number, context: TestContext): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), "disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder], { stdio: "pipe" });
  } catch (error) {
    rmSync(folder, { recursive: true });
    const reason = `a disk in memory cannot be mounted here: ${(error as Error).message}`;
    console.log(`skipped: ${reason}`);
    context.skip(reason);
  }
  onTestFinished(() => {
    execFileSync("umount", ["--lazy", folder]);
    rmSync(folder, { recursive: true });
  });
  const filling = join(folder, "filling");
  return {
    folder,
    fill() {
      try {
        for (;;) writeFileSync(filling, Buffer.alloc(4096), { flag: "a" });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    },
    free: () => rmSync(filling),
  };
}
