/** A group of extra machines, which the deployment made empty and whose size the controller alone sets. */
export interface PeakGroup {
  cluster: string;
  flavor: string;
  image: string;
  /** The cloud's own name of it. */
  id: string;
}

/** What the cloud says of one. `size` is what was asked for; `problem` is the cloud's own words when it could not be reached. */
export interface GroupState {
  id: string;
  size: number;
  running: number;
  problem?: string;
}

export interface Offer {
  id: string;
  name: string;
  [detail: string]: string | number | undefined;
}

/** What the controller needs of a cloud. Each call may be repeated. */
export interface Compute {
  groups(ids: string[]): Promise<GroupState[]>;
  resize(id: string, size: number): Promise<void>;
  images(): Promise<Offer[]>;
  flavors(): Promise<Offer[]>;
  networks(): Promise<Offer[]>;
}
