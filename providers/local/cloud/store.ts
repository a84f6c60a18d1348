import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { explained } from "./disk.ts";
import type {
  BucketSpec,
  GroupSpec,
  ImageSpec,
  LoadBalancerSpec,
  MachineState,
  NetworkSpec,
} from "./specs.ts";

/** What a machine of a group is started with; a change of it replaces the machine. */
export interface Revision {
  /** Content hash of the rest. */
  readonly id: string;
  readonly startupScript: string;
  readonly machineType: string;
  readonly release: string;
  readonly port: number;
  /** Absent: what it runs is fetched. */
  readonly image?: string;
}

export interface MachineRecord {
  readonly id: string;
  readonly group: string;
  readonly address: string;
  readonly port: number;
  readonly machineType: string;
  readonly revision: string;
  readonly release: string;
  readonly restarts: number;
  /** The secret part of the machine's identity URL. */
  readonly token: string;
  readonly launchedAt: string;
  readonly pid: number;
  /** When the process started, as the kernel tells it: a process id alone may have been given to another. */
  readonly processStart: string;
  state: MachineState;
}

export interface GroupRecord {
  spec: GroupSpec;
  desired: number;
  /** The last revision that the whole group ran: what heals it while a rollout has stopped. */
  stable?: Revision;
  failure?: { readonly revision: string; readonly reason: string };
}

/** All that the control plane must know again after a restart. */
export interface State {
  readonly version: 1;
  /** The port of the identity endpoint: machines hold its URL for as long as they live. */
  endpointPort: number;
  /** What signs the URLs of downloads, in hexadecimal digits. Absent: nothing was signed yet. */
  signingKey?: string;
  readonly networks: Record<string, NetworkSpec>;
  readonly buckets: Record<string, BucketSpec>;
  readonly images: Record<string, ImageSpec>;
  readonly groups: Record<string, GroupRecord>;
  readonly loadBalancers: Record<string, LoadBalancerSpec>;
  readonly machines: Record<string, MachineRecord>;
}

function emptyState(): State {
  return {
    version: 1,
    endpointPort: 0,
    networks: {},
    buckets: {},
    images: {},
    groups: {},
    loadBalancers: {},
    machines: {},
  };
}

function parseState(text: string, file: string): State {
  let state: State;
  try {
    state = JSON.parse(text) as State;
  } catch (error) {
    throw new Error(
      `the local cloud's state file ${file} is damaged (${(error as Error).message}). ` +
        `The one before it is ${file}.previous: move it to ${file} and run the command again`,
    );
  }
  if (state.version !== 1) {
    throw new Error(
      `the local cloud's state file ${file} has version ${state.version}; this program reads version 1`,
    );
  }
  // A state that was written before there were images has none.
  return { ...state, images: state.images ?? {} };
}

/** The control plane's state on disk: one file, replaced as a whole, with the one before it kept beside it. */
export class StateStore {
  readonly state: State;
  readonly #file: string;
  #unwritten = false;
  #closed = false;

  /** @throws when the file is there but cannot be read: nothing is then started, and nothing is overwritten */
  constructor(home: string) {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    this.#file = join(home, "state.json");
    let text: string | undefined;
    try {
      text = readFileSync(this.#file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    this.state = text === undefined ? emptyState() : parseState(text, this.#file);
  }

  /**
   * Makes the present state the one that is found after a restart.
   *
   * @throws when it cannot be written (a full disk, a read-only folder); the file then still holds the previous state
   */
  save(): void {
    if (this.#closed) return;
    const temporary = `${this.#file}.new`;
    try {
      const descriptor = openSync(temporary, "w", 0o600);
      try {
        writeFileSync(descriptor, JSON.stringify(this.state, null, 1));
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      this.#keepPrevious();
      renameSync(temporary, this.#file);
      this.#unwritten = false;
    } catch (error) {
      rmSync(temporary, { force: true });
      const message = `the local cloud cannot write its state to ${this.#file}: ${explained(error, dirname(this.#file))}`;
      throw new Error(message, { cause: error });
    }
  }

  /**
   * Writes down what has happened by itself. What cannot be written now, `retry` writes as soon as it can: the cloud goes
   * on meanwhile, and after a kill it finds again what it had started.
   *
   * @param onError told of the first failure in a row
   */
  note(onError: (error: Error) => void): void {
    const known = this.#unwritten;
    try {
      this.save();
    } catch (error) {
      this.#unwritten = true;
      if (!known) onError(error as Error);
    }
  }

  /** Whether something has happened that is not written yet. */
  get unwritten(): boolean {
    return this.#unwritten;
  }

  /** Leaves the file to another process: nothing is written any more. */
  close(): void {
    this.#closed = true;
  }

  /** Writes what `note` could not. */
  retry(): void {
    if (this.#unwritten) this.note(() => {});
  }

  #keepPrevious(): void {
    try {
      const previous = readFileSync(this.#file);
      writeFileSync(`${this.#file}.previous`, previous, { mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}
