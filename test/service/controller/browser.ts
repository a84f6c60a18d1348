import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-headless-shell", "google-chrome", "google-chrome-stable"];

/** A browser that is installed (Debian's package `chromium`), or the one that `CHROMIUM` names; undefined: there is none. */
export function installedBrowser(): string | undefined {
  const { CHROMIUM, PATH = "" } = process.env;
  const files = PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return [...(CHROMIUM ? [CHROMIUM] : []), ...files].find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export function launch(executablePath: string): Promise<Browser> {
  // Chromium's sandbox refuses root, as which CI runs in containers.
  const chromiumSandbox = process.getuid?.() !== 0;
  return chromium.launch({ executablePath, chromiumSandbox, timeout: 60_000 });
}
