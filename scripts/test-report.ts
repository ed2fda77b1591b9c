import { z } from "zod";

export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
});

/**
 * Counts what the test runner reported as JSON; `well` is whether it ended without complaint.
 * No report, no test at all, a file that could not be loaded and an error outside of tests are failures, too.
 */
export function countOf(json: string | undefined, well: boolean): Count {
  if (json === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const found = report.parse(JSON.parse(json));
  const unloaded = found.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
  const failed = found.numFailedTests + unloaded;
  const unexplained = failed === 0 && (!well || found.numPassedTests === 0) ? 1 : 0;
  return { passed: found.numPassedTests, failed: failed + unexplained, skipped: found.numPendingTests + found.numTodoTests };
}

/** What others read: always these two numbers and nothing else. */
export const lastLine = ({ passed, failed }: Count): string => `${passed} passed, ${failed} failed`;

/** The line before it; undefined when nothing was left out. */
export const skippedLine = ({ skipped }: Count): string | undefined =>
  skipped === 0 ? undefined : `${skipped} did not apply and were left out: each says why (the trait, fake or program that is not there)`;
