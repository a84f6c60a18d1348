import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// The first pattern takes `bootstrap` for `boot`.
const unit = ["test/!(attack|boot|e2e|openstack)/**/*.test.ts", "test/bootstrap/**/*.test.ts"];
const e2e = ["test/e2e/**/*.test.ts"];
const attack = ["test/attack/**/*.test.ts"];
const boot = ["test/boot/**/*.test.ts"];
const openstack = ["test/openstack/**/*.test.ts"];

export default defineConfig({
  test: {
    // One less than there are processors is the default, and on two leaves one idle: tests wait for processes most of the time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ["default", "./test/support/summary.ts"],
    projects: [
      { test: { name: "unit", include: unit, testTimeout: 60_000, hookTimeout: 120_000 } },
      { test: { name: "e2e", include: e2e, fileParallelism: false, globalSetup: "test/e2e/setup.ts" } },
      { test: { name: "attack", include: attack, fileParallelism: false, globalSetup: "test/e2e/setup.ts" } },
      { test: { name: "openstack", include: openstack, testTimeout: 60_000, hookTimeout: 600_000 } },
      { test: { name: "boot", include: boot, fileParallelism: false } },
    ],
  },
});
