/** A resource's properties as they cross the wire: plain JSON; secrets arrive unwrapped. */
export type Properties = Record<string, unknown>;

/** What the engine sends for a value that a preview cannot know yet. */
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether a value, or anything inside it, is unknown yet; such a value is neither checked nor compared. */
export function hasUnknown(value: unknown): boolean {
  if (typeof value === "string") return value === unknownValue;
  return typeof value === "object" && value !== null && Object.values(value).some(hasUnknown);
}

/** A wrong input, reported before anything is deployed. */
export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

/** What a resource operation may use besides its inputs. */
export interface OperationContext {
  readonly urn: string;
  /** The name given to the resource in the program. */
  readonly name: string;
  /** Aborted when the user cancels the deployment, or when the engine is gone. */
  readonly signal: AbortSignal;
  /** Shows a line of progress at the resource, until the next one. */
  progress(message: string): void;
  /** Shows a warning that stays, in previews too. */
  warn(message: string): void;
}

/** The resource exists, but is not what was asked for: it is recorded with the reasons, and the next update goes on. */
export class IncompleteError extends Error {
  readonly id: string;
  readonly outputs: Properties;

  constructor(id: string, outputs: Properties, reason: string) {
    super(reason);
    this.id = id;
    this.outputs = outputs;
  }
}

/**
 * One type of resource. Operations may be repeated: a create that finished but was never recorded, because the
 * engine was killed, is sent again and must find what it made.
 */
export interface ResourceKind {
  /** Inputs whose change needs a new resource; every other change is an update in place. */
  readonly replaceOn: readonly string[];
  /** Refuses inputs that cannot work. Called in previews too; `olds` are the inputs of the existing resource. */
  check?(news: Properties, olds: Properties | undefined, context: OperationContext): Promise<CheckFailure[]>;
  /** The outputs that are known before a create, or before an update when there are `olds`; inputs may hold unknowns. */
  preview?(news: Properties, olds: Properties | undefined, context: OperationContext): Properties;
  create(news: Properties, context: OperationContext): Promise<{ id: string; outputs: Properties }>;
  /** The inputs and outputs that the resource really has, or undefined when it is gone. Absent: nothing can drift. */
  read?(
    id: string,
    olds: { inputs: Properties; outputs: Properties },
    context: OperationContext,
  ): Promise<{ inputs: Properties; outputs: Properties } | undefined>;
  update?(id: string, news: Properties, olds: Properties, context: OperationContext): Promise<Properties>;
  delete?(id: string, olds: Properties, context: OperationContext): Promise<void>;
}
