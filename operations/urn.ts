/** What a URN is made of: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. */
export interface UrnParts {
  readonly stack: string;
  /** Types of the components that it is in, and its own. */
  readonly types: readonly string[];
  /** Its own type. */
  readonly type: string;
  /** The name that it has in the program. */
  readonly name: string;
}

export function parseUrn(urn: string): UrnParts {
  const [head = "", , chain = "", ...name] = urn.split("::");
  const types = chain.split("$");
  return { stack: head.split(":")[2] ?? "", types, type: types.at(-1) ?? "", name: name.join("::") };
}
