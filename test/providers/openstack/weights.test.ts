import { expect, test } from "vitest";
import { weightsOf } from "../../../providers/openstack/weights.ts";

test.each([
  [
    "equal clusters of one size",
    [
      [1, 4],
      [1, 4],
    ],
    [1, 1],
  ],
  [
    "equal clusters of two sizes",
    [
      [1, 5],
      [1, 4],
    ],
    [4, 5],
  ],
  [
    "a cluster that gets three quarters",
    [
      [3, 2],
      [1, 2],
    ],
    [3, 1],
  ],
  [
    "one that gets nothing",
    [
      [0, 3],
      [1, 7],
    ],
    [0, 1],
  ],
  [
    "one without machines",
    [
      [1, 0],
      [2, 2],
    ],
    [0, 1],
  ],
  ["one cluster", [[256, 9]], [1]],
])("splits exactly: %s", (_, shares, weights) => {
  expect(weightsOf(shares.map(([weight = 0, machines = 0]) => ({ weight, machines })))).toEqual(weights);
});

test("comes as near as weights to 256 come, and leaves nobody out", () => {
  const shares = [
    { weight: 256, machines: 1 },
    { weight: 1, machines: 1000 },
    { weight: 255, machines: 7 },
  ];
  expect(weightsOf(shares)).toEqual([256, 1, 36]);
});
