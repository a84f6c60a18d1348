import { describe, expect, it } from "vitest";
import { readYaml } from "../../config/yaml.ts";

const read = (value: string) => (readYaml(`a: ${value}\n`, "x.yaml") as { a: unknown }).a;

describe("a value without quotes", () => {
  it.each<[string, unknown]>([
    ["10", 10],
    ["+5", 5],
    ["0", 0],
    ["0x1F", 31],
    ["9007199254740991", 9007199254740991],
    ["1e3", 1000],
    ["1.0", 1],
    ["1.", 1],
    ["-.5", -0.5],
    ["true", true],
    ["False", false],
    ["", null],
    ["~", null],
    ["Null", null],
    ["yes", "yes"],
    ["off", "off"],
    ["tRUE", "tRUE"],
    ["190:20:30", "190:20:30"],
    ["0o8", "0o8"],
    ["0x", "0x"],
    ["_1", "_1"],
    ["1e", "1e"],
    ["NaN", "NaN"],
    ["20011-01-01", "20011-01-01"],
    ["<<", "<<"],
    ["10.0.0.0/16", "10.0.0.0/16"],
    ["v1:a+b/c=:d==", "v1:a+b/c=:d=="],
  ])("%s is %j to every reader", (text, value) => {
    expect(read(text)).toBe(value);
  });

  it.each([
    ["010", 8],
    ["017777", 8191],
    ["-010", -8],
    ["08", 8],
    ["0o17", 15],
    ["0O17", 15],
    ["0b11", 3],
    ["0X1F", 31],
    ["-0x1F", -31],
    ["1_000", 1000],
    ["1_0.5", 10.5],
    ["0x_1", 1],
    ["00", 0],
    ["0b-1", -1],
  ])("%s, which is %d to the CLI alone, is refused", (text, number) => {
    expect(() => read(text)).toThrow(
      `x.yaml, line 1: a is ${text}: it is ${number} to the Pulumi CLI and something else to others: write a plain decimal number, or put quotes around it`,
    );
  });

  it.each([
    ["9007199254740992", "integers are exact only up to 9007199254740991: write a smaller one"],
    ["-9007199254740993", "integers are exact only up to 9007199254740991: write a smaller one"],
    ["1e400", "it is too large for a number: write a smaller one"],
    [".nan", "it is no number that configuration can hold: write another"],
    ["-.Inf", "it is no number that configuration can hold: write another"],
    ["2001-12-14", "it is a date to the Pulumi CLI, which writes dates in another way"],
    ["2001-1-1", "it is a date to the Pulumi CLI, which writes dates in another way"],
    ["2001-12-14 21:59:43", "it is a date to the Pulumi CLI, which writes dates in another way"],
  ])("%s is refused", (text, problem) => {
    expect(() => read(text)).toThrow(`x.yaml, line 1: a is ${text}: ${problem}`);
  });

  it.each(["010", "1_000", "0x1F", "2001-12-14", "true", "~", "5", ".nan", "<<"])("'%s' is text", (text) => {
    expect(read(`'${text}'`)).toBe(text);
    expect(read(`"${text}"`)).toBe(text);
  });
});

describe("a document", () => {
  it.each<[string, unknown]>([
    ["", undefined],
    ["# a comment\n", null],
    ["a: 1\r\nb: |\r\n  x\r\n  y\r\n", { a: 1, b: "x\ny\n" }],
    ["---\na: 1\n...\n", { a: 1 }],
    ["a: &x { b: 1 }\nc: [*x, *x]\n", { a: { b: 1 }, c: [{ b: 1 }, { b: 1 }] }],
    ["a: &x 1\nb: &x 2\nc: *x\n", { a: 1, b: 2, c: 2 }],
    ["a:\t1 # one\nb: 'x\ty'\n", { a: 1, b: "x\ty" }],
    ['{"a":{"b":[1,"c"]}}', { a: { b: [1, "c"] } }],
  ])("%j is %j", (text, value) => {
    expect(readYaml(text, "x.yaml") ?? value).toEqual(value);
  });

  it.each([
    ["a: &x [*x]\n", "line 1: a[0]: *x stands within &x itself"],
    ["a: &x { b: { c: *x } }\n", "line 1: a.b.c: *x stands within &x itself"],
    ["a: *x\n", "line 1: a: nothing before it is named &x"],
    ["a: &x.y 1\n", "line 1: &x.y cannot stand here: name it with letters, digits, _ and -"],
    [
      "b: &x { c: 1 }\na:\n  <<: *x\n",
      'line 3: a["<<"]: no other object\'s keys can be merged in: write them out',
    ],
    ["a: 1\nb: 2\na: 3\n", "line 3: a: it is set twice: remove one of the two"],
    ["a: { 5: x }\n", "line 1: a.5: a key must be text: put quotes around it"],
    ["a: { true: x }\n", "line 1: a.true: a key must be text: put quotes around it"],
    ["[a]: 1\n", "a key must be text: put quotes around it"],
    ["? a\n: 1\n", "line 1: ? cannot stand here: write KEY: VALUE"],
    ["a: !foo 1\n", "line 1: !foo cannot stand here: leave it out, and put quotes around what is to be text"],
    ["a: !!binary aGk=\n", "line 1: !!binary cannot stand here: leave it out"],
    ["%YAML 1.2\n---\na: 1\n", "line 1: %YAML 1.2 cannot stand here: leave it out"],
    ["a: 1\n---\na: 2\n", "line 2: a second document begins, and would not be read: remove it"],
    ["a:\n  -\t- 1\n", "line 2: a tab begins the line: indent with spaces"],
    ["a:\n\tb: 1\n", "line 2: a tab begins the line: indent with spaces"],
    ["a: x\u2028y\n", "line 1: the character U+2028 cannot stand in the file: remove it"],
    ["a: x\ry\n", "line 1: the character U+000D cannot stand in the file: remove it"],
    ["a: 1\n\ufeff", "line 2: the character U+FEFF cannot stand in the file: remove it"],
    ["a: {b:}\n", "line 1: a space must follow the colon"],
    ["a: [b?c]\n", "line 1: a[0] is b?c: a value in brackets cannot hold it so: put quotes around it"],
    ["a: b\tc\n", "line 1: a is b\tc: a tab stands in it: put quotes around it"],
    ["a: { b\n  c: 1 }\n", 'line 1: a["b c"]: a key must stand in one line'],
    ['a: "\\n b"\n', "line 1: a: text of several lines must not begin with a space or an empty line"],
    ["a: |\n  b", "line 1: a: a line break must follow it: end the file's last line"],
    ["a: 1\nb\n  : 2\n", "line 3: the colon must stand on its key's line"],
    ["a: 'it''\nb: 'c'\n", "line 1: "],
    [
      "a:\n  b: 'it''\n  c:\n    d: 1\n    'e': 2\n",
      "line 2: its quotes do not end: close them on this line",
    ],
    ['a: "b\\\n  c"\n', "line 1: a: no backslash can end a line of it: write the text in one line"],
    ["a: [\n", "this is no valid YAML: "],
    ["a: b: c\n", "line 1: this is no valid YAML: "],
  ])("%j is refused, with the line and what to do", (text, problem) => {
    expect(() => readYaml(text, "x.yaml")).toThrow(problem);
    expect(() => readYaml(text, "x.yaml")).toThrow(/^x\.yaml, line \d+: /);
  });

  it("is refused for all that is wrong with it at once", () => {
    expect(() => readYaml("a: 010\nb: [1, 1_0]\nb: 2\n", "x.yaml")).toThrow(
      /^3 problems in x\.yaml:\n {2}line 1: a is 010: .+\n {2}line 2: b\[1\] is 1_0: .+\n {2}line 3: b: it is set twice/,
    );
  });

  it("is not read without end", () => {
    const laughs = [
      "a: &a0 [x, x, x, x, x, x, x, x]",
      ...Array.from({ length: 30 }, (_, n) => `b${n}: &a${n + 1} [${`*a${n}, `.repeat(8)}]`),
    ];
    expect(() => readYaml(`${laughs.join("\n")}\n`, "x.yaml")).toThrow(
      /aliases repeat more than 900 values: write them out$/,
    );
    for (const depth of [101, 3000]) {
      const text = `a: ${"[".repeat(depth)}${"]".repeat(depth)}\n`;
      expect(() => readYaml(text, "x.yaml")).toThrow(
        /it is nested more than 100 deep: write less of it within itself$/,
      );
    }
  });
});
