import { expect, test } from "vitest";
import { countOf, lastLine, skippedLine } from "../../scripts/test-report.ts";

const report = (counts: { passed?: number; failed?: number; pending?: number; todo?: number; files?: unknown[] }): string =>
  JSON.stringify({
    numPassedTests: counts.passed ?? 0,
    numFailedTests: counts.failed ?? 0,
    numPendingTests: counts.pending ?? 0,
    numTodoTests: counts.todo ?? 0,
    testResults: counts.files ?? [],
  });

test.each([
  { name: "all passed", json: report({ passed: 3 }), well: true, line: "3 passed, 0 failed" },
  {
    name: "skipped and planned ones are not among them",
    json: report({ passed: 3, pending: 1, todo: 1 }),
    well: true,
    line: "3 passed, 0 failed",
  },
  { name: "failed ones count once", json: report({ passed: 3, failed: 2 }), well: false, line: "3 passed, 2 failed" },
  {
    name: "a file that could not be loaded is a failure",
    json: report({ passed: 3, files: [{ status: "failed", assertionResults: [] }] }),
    well: false,
    line: "3 passed, 1 failed",
  },
  { name: "an error outside of tests is a failure", json: report({ passed: 3 }), well: false, line: "3 passed, 1 failed" },
  { name: "no test at all is a failure", json: report({}), well: true, line: "0 passed, 1 failed" },
  { name: "only skipped ones are a failure", json: report({ pending: 4 }), well: true, line: "0 passed, 1 failed" },
  { name: "no report is a failure", json: undefined, well: true, line: "0 passed, 1 failed" },
])("the last line of a test run: $name", ({ json, well, line }) => {
  expect(lastLine(countOf(json, well))).toBe(line);
});

test("what was left out is told on a line of its own, and only then", () => {
  expect(skippedLine(countOf(report({ passed: 3, pending: 1, todo: 1 }), true))).toMatch(/^2 did not apply/);
  expect(skippedLine(countOf(report({ passed: 3 }), true))).toBeUndefined();
});
