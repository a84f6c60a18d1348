import * as v from "valibot";
import { type DeployedStack, readOperator } from "./outputs.ts";

/** A machine that was made of another one's disk, beside those that the deployment has. */
export interface Clone {
  /** `clone-1`: what people call it. */
  readonly name: string;
  /** The cloud's own id; absent: it has none yet. */
  readonly id?: string;
  /** The machine that it is a clone of, by the cloud's own id. */
  readonly of: string;
  readonly address: string;
  /** In the words of a listing of machines, or the cloud's own. */
  readonly state: string;
  /** When the cloud made it. */
  readonly createdAt: Date;
}

/**
 * Clones of a deployed stack's machines, by the operator's own rights. All carry the deployment's mark, and the deployment's
 * end is theirs.
 */
export interface Clones {
  /** Pause between two looks at whether a clone answers, in milliseconds. */
  readonly everyMs: number;
  /**
   * Snapshots a running machine's disk.
   *
   * @returns the cloud's own id of the snapshot, once clones can be made of it
   */
  snapshot(machine: string): Promise<string>;
  /** Makes a clone with the machine's network, rights and startup script; resolves once the cloud has made it. */
  create(snapshot: string, machine: string, name: string): Promise<Clone>;
  /** When a machine, or a clone, first answered, as its own startup script says; undefined: not yet. */
  answeredAt(id: string): Promise<Date | undefined>;
  list(): Promise<Clone[]>;
  /** Removes clones, and every snapshot that no clone is left of. Those that are not there are no error. */
  remove(names: readonly string[]): Promise<void>;
}

/** What each folder `providers/<cloud>/` exports from its clones.ts. */
export interface ClonesModule {
  openClones(stack: DeployedStack): Clones;
}

/** The network by which a stack's clones are told from others', as its outputs have it. @throws when they have not */
export function networkOf(deployed: DeployedStack): string {
  return readOperator(v.object({ network: v.string() }), deployed).network;
}

/** When a startup script saw the first healthy answer, by what it wrote (release/startup.sh); undefined: it did not yet. */
export function answeredIn(log: string): Date | undefined {
  const [, at] = /switchyard: app is healthy in [\d.]+ s, at (\S+Z)/.exec(log) ?? [];
  return at === undefined ? undefined : new Date(at);
}
