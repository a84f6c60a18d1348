import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { NotFoundError } from "./groups.ts";
import { linkFolder } from "./link-folder.ts";
import type { MachineFolders } from "./machine.ts";
import type { GroupSpec, ImageSpec } from "./specs.ts";
import type { GroupRecord, State } from "./store.ts";

/** An image that cannot be made, or may not go. */
export class ImageError extends Error {
  readonly statusCode = 409;
}

/**
 * What machines have on their disks: the runtime and the release, and nothing of a machine's own. A snapshot of a machine
 * and an image are the same here.
 */
export class Images {
  readonly #state: State;
  readonly #folders: MachineFolders;

  constructor(state: State, folders: MachineFolders) {
    this.#state = state;
    this.#folders = folders;
  }

  /**
   * Makes an image of a machine, as a whole or not at all; one that is there already stays as it is.
   *
   * @throws NotFoundError, ImageError
   */
  make(id: string, { machine }: ImageSpec): void {
    if (this.#state.images[id]) return;
    const record = this.#state.machines[machine];
    if (!record) throw new NotFoundError(`there is no machine ${machine}`);
    if (record.state !== "running")
      throw new ImageError(`machine ${machine} is ${record.state}, not healthy`);
    const disk = this.#folders.diskOf(machine);
    const partial = `${this.#folders.imageOf(id)}.partial`;
    rmSync(partial, { recursive: true, force: true });
    for (const version of versionsOf(this.#folders.scriptOf(machine)))
      linkFolder(join(disk, version), join(partial, version));
    rmSync(this.#folders.imageOf(id), { recursive: true, force: true });
    renameSync(partial, this.#folders.imageOf(id));
  }

  /** @throws NotFoundError unless the image that a group asks for is there */
  check({ image }: GroupSpec): void {
    if (image === undefined || this.#state.images[image]) return;
    const there = Object.keys(this.#state.images).filter((id) => !this.#state.images[id]?.isSnapshot);
    throw new NotFoundError(
      `there is no image ${image}; there are: ${there.join(", ") || "none"}. npm run image -- create makes one`,
    );
  }

  /** @throws ImageError while a group has machines of it */
  remove(id: string): void {
    const uses = ({ spec, stable }: GroupRecord) => [spec.image, stable?.image].includes(id);
    const [group] = Object.entries(this.#state.groups).find(([, record]) => uses(record)) ?? [];
    if (group) throw new ImageError(`machines of group ${group} are made of image ${id}`);
    rmSync(this.#folders.imageOf(id), { recursive: true, force: true });
  }
}

/** The folders of the versions that a startup script runs, below the disk, as release/startup.sh makes them. */
function versionsOf(script: string): string[] {
  const text = existsSync(script) ? readFileSync(script, "utf8") : "";
  const [runtime, release] = ["RUNTIME_SHA512", "RELEASE_SHA256"].map(
    (name) => new RegExp(`^${name}='([0-9a-f]+)'$`, "m").exec(text)?.[1],
  );
  if (!runtime || !release) throw new ImageError(`${script} names no runtime and release`);
  return [join("runtimes", runtime.slice(0, 16)), join("releases", release)];
}
