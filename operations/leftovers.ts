/** What is read here of a resource in a stack's state. */
export interface RecordedResource {
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/** Something that a deployment had made, and not recorded, when it was killed. */
export interface Leftover {
  /** What it is, its name and its id. */
  readonly what: string;
  /** By which command somebody removes it. */
  readonly command: string;
  /** Resolves once it is gone. */
  remove(): Promise<void>;
}

/** What a killed deployment may leave at a cloud that keeps the next one from going on. */
export interface LeftoversModule {
  /** Whether it looks for resources of a type. */
  finds(type: string): boolean;
  /**
   * Looks for what there is of resources that were being made.
   *
   * @param pending as they were asked for
   * @param recorded all others of the stack
   */
  leftoversOf(
    pending: readonly RecordedResource[],
    recorded: readonly RecordedResource[],
    signal: AbortSignal,
  ): Promise<Leftover[]>;
}
