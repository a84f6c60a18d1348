import {
  type Alias,
  Composer,
  type CST,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  Parser,
  type Scalar,
  visit,
  type YAMLMap,
} from "yaml";
import { keyPath } from "./key-path.ts";
import { type Reading, readPlain } from "./yaml-scalars.ts";

/** The most values that aliases may repeat, far more than a file that people write needs: `yaml.v3` has a limit as well. */
const mostRepeated = 900;
const deepest = 100;
const mostShown = 20;

const tooDeep = `it is nested more than ${deepest} deep: write less of it within itself`;

const quote = "put quotes around it";

/**
 * Reads YAML of which every reader makes the same, the Pulumi CLI's (Go's `yaml.v3`) and this one, and refuses all else
 * with what to write in its place: numbers that differ between YAML 1.1 and 1.2, dates, merge keys, tags, keys that are
 * no text, keys that stand twice, directives and several documents.
 *
 * @param name the file's, for messages
 * @returns null for a file without content; objects have no prototype's keys
 * @throws with each thing that is wrong, its line, key and remedy
 */
export function readYaml(text: string, name: string): unknown {
  const problems: [offset: number, problem: string][] = [];
  const report = (offset: number, problem: string) => problems.push([offset, problem]);
  checkCharacters(text, report);
  const document = problems.length === 0 ? compose(text, report) : undefined;
  const value = document && problems.length === 0 ? new Reader(document, text, report).read() : undefined;
  if (problems.length === 0) return value;
  const listed = problems
    .toSorted(([a], [b]) => a - b)
    .map(([offset, problem]) => `line ${text.slice(0, offset).split("\n").length}: ${problem}`);
  if (listed.length === 1) throw new Error(`${name}, ${listed[0]}`);
  const shown = listed.slice(0, mostShown).map((line) => `  ${line}`);
  if (listed.length > mostShown) shown.push(`  and ${listed.length - mostShown} more`);
  throw new Error([`${listed.length} problems in ${name}:`, ...shown].join("\n"));
}

type Report = (offset: number, problem: string) => void;

/** Characters that YAML 1.1 takes for line breaks or forbids, and what is no text anywhere. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const odd = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)/;

function checkCharacters(text: string, report: Report): void {
  const found = odd.exec(text);
  if (found) {
    const code = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    report(found.index, `the character U+${code} cannot stand in the file: remove it`);
  }
  const tab = /^[ -]*\t/m.exec(text);
  if (tab) report(tab.index, "a tab begins the line: indent with spaces");
}

/** The one document of a text, of which every value is text; undefined where there is none, or what is wrong is reported. */
function compose(text: string, report: Report): Document.Parsed | undefined {
  const tokens = [...new Parser().parse(text)];
  for (const token of tokens) checkTokens(token, text, report);
  const options = { schema: "failsafe", uniqueKeys: false, keepSourceTokens: true } as const;
  const [document, ...others] = [...new Composer(options).compose(tokens)];
  for (const { range } of others)
    report(range[0], "a second document begins, and would not be read: remove it");
  // Those after the first follow from it.
  const [error] = document?.errors ?? [];
  if (error) {
    const why = error.code === "RESOURCE_EXHAUSTION" ? tooDeep : error.message;
    report(error.pos[0], `this is no valid YAML: ${why}`);
  }
  return document;
}

/** What tokens alone say: a node does not tell that a tag or `?` stood before it. */
const remedies: Readonly<Record<string, string>> = {
  tag: "leave it out, and put quotes around what is to be text",
  directive: "leave it out",
  "explicit-key-ind": "write KEY: VALUE",
};

const quoted: Readonly<Record<string, RegExp>> = {
  "single-quoted-scalar": /^'(?:[^']|'')*'$/,
  "double-quoted-scalar": /^"(?:[^"\\]|\\[\s\S])*"$/,
};

function checkTokens(root: CST.Token, text: string, report: Report): void {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const token = open.pop();
    if (typeof token !== "object" || token === null) continue;
    if ("sep" in token) checkColon(token as CST.CollectionItem, text, report);
    const { type = "", source = "", offset = 0 } = token as Partial<CST.SourceToken>;
    const isName = type === "anchor" || (type as string) === "alias";
    const remedy =
      isName && !/^.[\w-]+$/.test(source) ? "name it with letters, digits, _ and -" : remedies[type];
    // The parser takes the quotes of `'it''` for a pair where the next line ends the text.
    if (quoted[type]?.test(source) === false)
      report(offset, "its quotes do not end: close them on this line");
    if (remedy) report(offset, `${source} cannot stand here: ${remedy}`);
    for (const part of Object.values(token)) open.push(part);
  }
}

/** Where Go's reader wants the colon after a key: on its line, and in `{a: }` and `{a: [1]}` before a space. */
function checkColon({ start, key, sep = [] }: CST.CollectionItem, text: string, report: Report): void {
  const at = sep.findIndex(({ type }) => type === "map-value-ind");
  const { offset } = sep[at] ?? {};
  if (offset === undefined) return;
  const isExplicit = start.some(({ type }) => type === "explicit-key-ind");
  if (!isExplicit && sep.slice(0, at).some(({ type }) => type === "newline"))
    report(offset, "the colon must stand on its key's line");
  if (key?.type === "scalar" && /[,[\]{}]/.test(text.charAt(offset + 1)))
    report(offset, "a space must follow the colon");
}

/** Makes values of a document's nodes. */
class Reader {
  readonly #document: Document.Parsed;
  readonly #text: string;
  readonly #report: Report;
  /** What each alias stands for: the last node before it that has the name. */
  readonly #targets = new Map<Node, Node>();
  /** The nodes that are being read, outermost first. */
  readonly #open: Node[] = [];
  #repeated = 0;
  #isTooMuch = false;

  constructor(document: Document.Parsed, text: string, report: Report) {
    this.#document = document;
    this.#text = text;
    this.#report = report;
  }

  read(): unknown {
    const named = new Map<string, Node>();
    visit(this.#document, {
      Node: (_, node) => {
        const target = isAlias(node) ? named.get(node.source) : undefined;
        if (target) this.#targets.set(node, target);
        else if (!isAlias(node) && node.anchor !== undefined) named.set(node.anchor, node);
      },
    });
    return this.#read(this.#document.contents, "");
  }

  #refuse(node: Node, path: string, problem: string): undefined {
    const value = isScalar(node) && node.type === "PLAIN" ? ` is ${node.source}` : "";
    const place = path.length > 60 ? `${path.slice(0, 59)}…` : path || "the file";
    this.#report(node.range?.[0] ?? 0, `${place}${value}: ${problem}`);
  }

  #read(node: Node | null, path: string): unknown {
    if (node === null) return null;
    if (this.#open.length >= deepest) return this.#refuse(node, path, tooDeep);
    const alias = this.#open.find(isAlias);
    if (alias) this.#repeated += 1;
    if (this.#repeated > mostRepeated) {
      if (this.#isTooMuch) return undefined;
      this.#isTooMuch = true;
      return this.#refuse(
        alias ?? node,
        path,
        `aliases repeat more than ${mostRepeated} values: write them out`,
      );
    }
    this.#open.push(node);
    try {
      if (isAlias(node)) return this.#readAlias(node, path);
      if (isMap(node)) return this.#readMap(node, path);
      if (isSeq(node)) return node.items.map((item, index) => this.#read(item as Node, keyPath(path, index)));
      return this.#readScalar(node as Scalar, path);
    } finally {
      this.#open.pop();
    }
  }

  #readAlias(alias: Alias, path: string): unknown {
    const target = this.#targets.get(alias);
    if (!target) return this.#refuse(alias, path, `nothing before it is named &${alias.source}`);
    if (!this.#open.includes(target)) return this.#read(target, path);
    return this.#refuse(alias, path, `*${alias.source} stands within &${alias.source} itself`);
  }

  #readMap(map: YAMLMap, path: string): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    for (const { key, value } of map.items as { key: Node | null; value: Node | null }[]) {
      const name = this.#readKey(key);
      const place = keyPath(path === "config" ? "" : path, name ?? String(key));
      const refuse = (problem: string) => this.#report((key ?? map).range?.[0] ?? 0, `${place}: ${problem}`);
      if (name === undefined) refuse(`a key must be text: ${quote}`);
      else if (
        key &&
        this.#text
          .slice(...(key.range ?? []))
          .trimEnd()
          .includes("\n")
      )
        refuse("a key must stand in one line");
      else if (name === "<<") refuse("no other object's keys can be merged in: write them out");
      else if (entries.has(name)) refuse("it is set twice: remove one of the two");
      else entries.set(name, this.#read(value, place));
    }
    return Object.fromEntries(entries);
  }

  #readScalar(scalar: Scalar, path: string): unknown {
    const reading = this.#readingOf(scalar);
    return "value" in reading ? reading.value : this.#refuse(scalar, path, reading.problem);
  }

  #readingOf(scalar: Scalar): Reading {
    const text = scalar.source ?? "";
    if (scalar.type === "PLAIN") {
      const isInFlow = this.#open.some((node) => isCollection(node) && node.flow);
      if (text.includes("\t")) return { problem: `a tab stands in it: ${quote}` };
      if (isInFlow && /^:|\?/.test(text))
        return { problem: `a value in brackets cannot hold it so: ${quote}` };
      const reading = readPlain(text);
      if (!("value" in reading) || typeof reading.value !== "string") return reading;
    }
    if (
      scalar.type?.startsWith("BLOCK") &&
      !this.#text.endsWith("\n") &&
      this.#text.length === scalar.range?.[1]
    )
      return { problem: "a line break must follow it: end the file's last line" };
    if (scalar.type === "QUOTE_DOUBLE" && /\\\r?\n/.test(this.#text.slice(...(scalar.range ?? []))))
      return { problem: "no backslash can end a line of it: write the text in one line" };
    // The CLI writes the file again before it reads the values, and such text does not come through that.
    if (/^\s/.test(text) && text.includes("\n"))
      return { problem: "text of several lines must not begin with a space or an empty line" };
    return { value: text };
  }

  /** A key; undefined where it is no text, or text that cannot be read. */
  #readKey(key: Node | null): string | undefined {
    const reading = isScalar(key) ? this.#readingOf(key) : undefined;
    return reading && "value" in reading && typeof reading.value === "string" ? reading.value : undefined;
  }
}
