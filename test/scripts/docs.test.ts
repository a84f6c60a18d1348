import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { generatedFiles, withDescriptions } from "../../scripts/docs.ts";

test("what is generated from the configuration's schema is not stale (run `node scripts/docs.ts`)", async () => {
  const files = await generatedFiles();
  expect([...files.keys()].map((file) => basename(file))).toContain("configuration.md");
  for (const [file, content] of files) expect(readFileSync(file, "utf8"), basename(file)).toBe(content);
});

test("every key of the documentation says what it is and what its default is", async () => {
  const page = [...(await generatedFiles()).values()][0] ?? "";
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  expect(rows.length).toBeGreaterThan(35);
  expect(rows.filter((row) => /\|\s*\|/.test(row) || row.includes("undefined"))).toEqual([]);
});

test("Pulumi.yaml gets a description of each key between its markers, and keeps the rest", () => {
  const marker = (word: string) => `# ${word} of what \`node scripts/docs.ts\` writes\n`;
  const project = `name: x\n${marker("begin")}#   switchyard:old: gone\n${marker("end")}main: index.ts\n`;
  const written = withDescriptions(project);
  expect(written).toContain(
    `${marker("begin")}#   switchyard:cloud: Which cloud the stack is deployed to.\n`,
  );
  expect(written).not.toContain("switchyard:old");
  expect(written).toMatch(/^name: x\n/);
  expect(written.endsWith(`${marker("end")}main: index.ts\n`)).toBe(true);
  expect(withDescriptions(written)).toBe(written);
  expect(withDescriptions("name: x\n")).toBe("name: x\n");
});
