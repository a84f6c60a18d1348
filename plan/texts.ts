/** The text of several lines that base64 stands for, as user data does on AWS; any other value as it is. */
export function decoded(value: unknown): unknown {
  if (typeof value !== "string" || value.length < 64 || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return value;
  const text = Buffer.from(value, "base64").toString();
  return text.includes("\n") && Buffer.from(text).toString("base64") === value ? text : value;
}

export function isLongText(value: unknown): value is string {
  return typeof value === "string" && value.trimEnd().includes("\n");
}

/** `3 machines`, `1 machine`. */
export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** The first few, and how many more. */
export function shortList(words: readonly string[], most: number): string {
  const more = words.length - most;
  return [...words.slice(0, most), ...(more > 0 ? [`${more} more`] : [])].join("; ");
}

/** A value in YAML's flow style, without the quotes that YAML does not need. */
export function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const pairs = Object.entries(value).map(([key, part]) => `${key}: ${flow(part)}`);
    return pairs.length > 0 ? `{ ${pairs.join(", ")} }` : "{}";
  }
  const isPlain = typeof value === "string" && /^[A-Za-z0-9/][\w ./@+-]*$/.test(value);
  return isPlain && !/^(true|false|null|[\d.e+-]+)$/i.test(value) ? value : JSON.stringify(value);
}

/** A text without what would steer a terminal: `\ufffd` for each control character but tabs and line breaks. */
export function visible(text: string): string {
  return text.replaceAll(/[^\P{Cc}\t\n]/gu, "\ufffd");
}
