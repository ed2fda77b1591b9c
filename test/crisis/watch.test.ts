import { expect, test } from "vitest";
import { crisisDetector } from "../../src/crisis/detector.ts";
import { CrisisWatch, reportCrisis } from "../../src/crisis/watch.ts";

test("a turn is flagged once, however often its words come; the call stays a crisis until it ends", () => {
  const watch = new CrisisWatch(crisisDetector());
  expect(watch.heard("call_1", "t1", "I want")).toBeUndefined();
  expect(watch.isCrisis("call_1")).toBe(false);
  expect(watch.heard("call_1", "t1", "I want to die")).toEqual({ category: "self-harm", language: "en" });
  expect(watch.heard("call_1", "t1", "I want to die.")).toBeUndefined();
  expect(watch.heard("call_1", "t2", "hello?")).toBeUndefined();
  expect(watch.isCrisis("call_1")).toBe(true);
  expect(watch.isCrisis("call_2")).toBe(false);
  expect(watch.heard("call_1", "t3", "I will kill myself")).toBeDefined();
  watch.forget("call_1");
  expect(watch.isCrisis("call_1")).toBe(false);
});

test("an agent that reports a crisis is believed, and what was found already is not told twice", () => {
  const watch = new CrisisWatch(crisisDetector());
  expect(watch.reported("call_1", "t4", "de")).toEqual({ category: "reported", language: "de" });
  expect(watch.reported("call_1", "t4", "de")).toBeUndefined();
  expect(watch.heard("call_1", "t4", "Ich will sterben")).toBeUndefined();
});

test("calls whose end is never told do not pile up", () => {
  const watch = new CrisisWatch(crisisDetector());
  for (let call = 0; call < 10_001; call += 1) watch.reported(`call_${call}`, "t1", "en");
  expect(watch.isCrisis("call_0")).toBe(false);
  expect(watch.isCrisis("call_10000")).toBe(true);
});

test.each([
  [{ reason: "says she will jump" }, "says she will jump"],
  [undefined, "not said"],
  [{ reason: 7 }, "7"],
])("the tool takes what a model writes (%j)", async (args, reason) => {
  const told: string[] = [];
  const tool = reportCrisis((why) => told.push(why));
  expect(await tool.run(args)).toMatchObject({ told: true });
  expect(told).toEqual([reason]);
});
