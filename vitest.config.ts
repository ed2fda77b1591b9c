import { defineConfig } from "vitest/config";

const speech = "test/**/*.speech.test.ts";
const browser = "test/**/*.browser.test.ts";
/** Many calls at once, and telephones of others that keep real time. */
const load = ["test/**/*.load.test.ts", "test/**/*.peer.test.ts"];

// Speech, browser and load tests need the cores for themselves: they run apart from the others and one file at a time.
export default defineConfig({
  test: {
    // Most tests wait for sockets and real time, so that more of them than cores fit beside each other.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: "fast",
          include: ["test/**/*.test.ts"],
          exclude: [speech, browser, ...load],
          testTimeout: 20_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "speech",
          include: [speech],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "browser",
          include: [browser],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      { test: { name: "load", include: load, fileParallelism: false, testTimeout: 120_000, sequence: { groupOrder: 3 } } },
    ],
  },
});
