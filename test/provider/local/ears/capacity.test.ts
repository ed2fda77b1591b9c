import { expect, test } from "vitest";
import { capacityOf, childrenFor } from "../../../../src/provider/local/ears/capacity.ts";

test.each([
  { cores: 1, children: 1 },
  { cores: 2, children: 2 },
  { cores: 4, children: 3 },
  { cores: 64, children: 4 },
])("$cores cores get $children recogniser processes", ({ cores, children }) => {
  expect(childrenFor(cores)).toBe(children);
});

test.each([
  { machine: "a fast machine", warmUpMs: 30, children: 2, calls: 8 },
  {
    machine: "a much faster one, since callers still wait for each other,",
    warmUpMs: 3,
    children: 2,
    calls: 8,
  },
  { machine: "WebAssembly on it", warmUpMs: 73, children: 2, calls: 5 },
  { machine: "a slow machine", warmUpMs: 160, children: 2, calls: 2 },
  { machine: "a machine slower than speech", warmUpMs: 2_000, children: 1, calls: 1 },
])("$machine hears $calls calls", ({ warmUpMs, children, calls }) => {
  expect(capacityOf(warmUpMs, children)).toBe(calls);
});
