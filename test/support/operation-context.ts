import type { OperationContext } from "../../plugin/resource.ts";

/** What a resource's operation is told of itself, and what it said of its progress. @param signal default: never aborted */
export function operationContext(
  name: string,
  signal = new AbortController().signal,
): OperationContext & { readonly lines: string[] } {
  const lines: string[] = [];
  const show = (line: string) => void lines.push(line);
  return { urn: `urn:pulumi:s::p::test::${name}`, name, signal, lines, progress: show, warn: show };
}
