import type { Reporter, TestModule } from "vitest/node";

/**
 * Ends a run with one plain line, `N passed, N failed, N skipped`, for whoever reads a log by machine; and names, before
 * it, each test that passed at a second try alone.
 */
export default class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        if (test.diagnostic()?.flaky)
          console.log(`passed at a second try: ${module.relativeModuleId} > ${test.fullName}`);
      }
      const states = [...module.children.allTests()].map((test) => test.result().state);
      if (states.length === 0 && !module.ok()) states.push("failed");
      for (const state of states) if (state !== "pending") count[state] += 1;
    }
    console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  }
}
