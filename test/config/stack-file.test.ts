import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readProjectFile, readStackFile } from "../../config/stack-file.ts";
import { temporaryFolder } from "../support/fake-cli.ts";

function fileOf(content: string | Buffer): string {
  const file = join(temporaryFolder(), "Pulumi.dev.yaml");
  writeFileSync(file, content);
  return file;
}

const read = (content: string | Buffer) => readStackFile(fileOf(content), "lab");

test.each([
  "",
  "# only a comment\n",
  "null\n",
  "{}\n",
  "config:\n",
  "config: {}\n",
  "secretsprovider: passphrase\n",
])("%j configures nothing", (content) => {
  expect(read(content).config).toEqual({});
});

test("keys without a namespace are the project's own", () => {
  expect(read("\ufeffconfig:\n  a: 1\n  aws:region: b\n").config).toEqual({ "lab:a": 1, "aws:region": "b" });
  expect(read("environment: [c]\nconfig:\n  a: 1\n")).toEqual({
    config: { "lab:a": 1 },
    rest: { environment: ["c"] },
  });
});

test.each([
  ["- a\n", "Pulumi.dev.yaml holds a list; it must be an object with the key config"],
  ["text\n", 'Pulumi.dev.yaml holds the string "text"; it must be an object with the key config'],
  [
    "config: []\n",
    "Pulumi.dev.yaml: config is a list; it must be an object, such as\nconfig:\n  lab:KEY: VALUE",
  ],
  ["config: 5\n", "Pulumi.dev.yaml: config is the number 5; it must be an object"],
  ["Config:\n  a: 1\n", "Pulumi.dev.yaml: Config is set, and nothing reads it; did you mean config?"],
  ["encryptionsalt: [a]\n", "encryptionsalt is a list; it must be text: let pulumi stack init write it"],
  ["config:\n  5: 1\n", "Pulumi.dev.yaml, line 2: 5: a key must be text: put quotes around it"],
  [
    "config:\n  a: 1\n  lab:a: 2\n",
    "lab:a is set twice, with its namespace and without: remove one of the two",
  ],
  [
    "config:\n  aws:config:region: x\n",
    "aws:config:region is no key; one is NAMESPACE:NAME, such as aws:region",
  ],
  ["config:\n  lab:a: 010\n", "Pulumi.dev.yaml, line 2: lab:a is 010: it is 8 to the Pulumi CLI"],
  [Buffer.from([0x63, 0xff]), "Pulumi.dev.yaml is no text in UTF-8: save it as that"],
  [Buffer.from("\ufeffconfig:\n", "utf16le"), "Pulumi.dev.yaml is no text in UTF-8: save it as that"],
])("%j is refused", (content, message) => {
  expect(() => read(content)).toThrow(message);
});

test("a folder is no file, and a file that is not there is the system's error", () => {
  const root = temporaryFolder();
  const folder = join(root, "Pulumi.dev.yaml");
  mkdirSync(folder);
  expect(() => readStackFile(folder, "lab")).toThrow("Pulumi.dev.yaml is a folder; it must be a file");
  expect(() => readStackFile(join(root, "Pulumi.x.yaml"), "lab")).toThrow(/^ENOENT/);
  expect(() => readStackFile(join(root, "x.txt"), "lab")).toThrow(
    "x.txt must be named .yaml, for the CLI to read it",
  );
});

test("a project has a name", () => {
  const root = temporaryFolder();
  for (const content of ["", "name: 5\n", "- name\n", "name: lab\nconfig: []\n"]) {
    writeFileSync(join(root, "Pulumi.yaml"), content);
    expect(() => readProjectFile(root)).toThrow("Pulumi.yaml must be an object with the project's name");
  }
  writeFileSync(join(root, "Pulumi.yaml"), "name: lab\nruntime: nodejs\n");
  expect(readProjectFile(root).name).toBe("lab");
});
