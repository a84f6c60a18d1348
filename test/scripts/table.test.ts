import { expect, test } from "vitest";
import { formatRows, padCells } from "../../scripts/table.ts";

test("rows stand under each other, with nothing at their ends", () => {
  expect(formatRows([["A", "LONGER"], ["wide", "x"], ["b"]])).toEqual(["A     LONGER", "wide  x", "b"]);
  expect(padCells([])).toEqual([]);
});
