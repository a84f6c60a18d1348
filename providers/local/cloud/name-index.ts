/** A page of names, and whether there are more. */
interface NamePage {
  readonly names: readonly string[];
  readonly more: boolean;
}

/** A name so that JavaScript's order of texts is the order of its bytes. */
const toBytes = (name: string) => Buffer.from(name).toString("latin1");
const fromBytes = (bytes: string) => Buffer.from(bytes, "latin1").toString();

/**
 * The names of a folder's files in the order of their bytes, read once and then kept, so that a page of them costs no more
 * than what it lists. Whoever adds or removes a file says so.
 */
export class NameIndex {
  readonly #read: () => AsyncIterable<string>;
  #sorted: Promise<string[]> | undefined;
  /** What has happened since reading began; it may or may not have been read. */
  #missed: ((names: string[]) => void)[] | undefined;

  /** @param read every name there is, in any order */
  constructor(read: () => AsyncIterable<string>) {
    this.#read = read;
  }

  add(name: string): void {
    const bytes = toBytes(name);
    this.#change((names) => {
      const at = firstFrom(names, bytes);
      if (names[at] !== bytes) names.splice(at, 0, bytes);
    });
  }

  remove(name: string): void {
    const bytes = toBytes(name);
    this.#change((names) => {
      const at = firstFrom(names, bytes);
      if (names[at] === bytes) names.splice(at, 1);
    });
  }

  /** Reads them again when they are asked for: somebody else may have added or removed some. */
  forget(): void {
    this.#sorted = undefined;
    this.#missed = undefined;
  }

  /** At most `limit` names that begin with `prefix`, behind `after`. */
  async page(prefix: string, after: string, limit: number): Promise<NamePage> {
    this.#sorted ??= this.#build();
    const names = await this.#sorted;
    const [begin, last] = [toBytes(prefix), toBytes(after)];
    let start = firstFrom(names, begin > last ? begin : last);
    if (names[start] === last && last !== "") start += 1;
    let end = start;
    while (end < start + limit && names[end]?.startsWith(begin)) end += 1;
    const more = end === start + limit && names[end]?.startsWith(begin) === true;
    return { names: names.slice(start, end).map(fromBytes), more };
  }

  async #build(): Promise<string[]> {
    const missed: ((names: string[]) => void)[] = [];
    this.#missed = missed;
    try {
      const names: string[] = [];
      for await (const name of this.#read()) names.push(toBytes(name));
      names.sort();
      for (const change of missed) change(names);
      if (this.#missed === missed) this.#missed = undefined;
      return names;
    } catch (error) {
      if (this.#missed === missed) this.forget();
      throw error;
    }
  }

  #change(change: (names: string[]) => void): void {
    if (this.#missed) this.#missed.push(change);
    else void this.#sorted?.then(change);
  }
}

/** The index of the first text that is not before `text`. */
function firstFrom(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
