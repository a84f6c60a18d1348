/** A group of extra machines, which the deployment made empty and whose size the controller alone sets. */
export interface PeakGroup {
  /** The cluster whose requests its machines take. */
  readonly cluster: string;
  /** What schedules call its machine type and image. */
  readonly flavor: string;
  readonly image: string;
  /** The cloud's own name of it. */
  readonly id: string;
}

/** What the cloud says of a group. */
export interface GroupState {
  readonly id: string;
  /** How many machines it was asked to have. */
  readonly size: number;
  /** How many of them run. */
  readonly running: number;
  /** Why there are fewer, in the cloud's own words; absent: it says nothing. */
  readonly problem?: string;
}

/** An image, flavor or network that a cloud has: its own name, one for people, and what else it says of it. */
export interface Offer {
  readonly id: string;
  readonly name: string;
  readonly [detail: string]: string | number | undefined;
}

/** What a cloud's client did by itself. */
export interface Tended {
  /** A sentence each. */
  readonly done: readonly string[];
  /** In how many milliseconds something that is under way may need more; absent: nothing is. */
  readonly again?: number;
}

/** What the controller needs of a cloud. Each call may be repeated. */
export interface Compute {
  /** @param ids of groups; those that are not there (any more) are left out */
  groups(ids: readonly string[]): Promise<GroupState[]>;
  resize(id: string, size: number): Promise<void>;
  /**
   * Does what the cloud does not do by itself: makes and removes machines, and heals them. Called at each look, after
   * sizes are set. Absent: the cloud does it all.
   */
  tend?(signal: AbortSignal): Promise<Tended>;
  images(): Promise<Offer[]>;
  flavors(): Promise<Offer[]>;
  networks(): Promise<Offer[]>;
}
