import { expect, test } from "vitest";
import { Directory } from "../../src/cluster/directory.ts";
import { Known } from "../../src/cluster/known.ts";
import { nextOf } from "../../src/cluster/spread.ts";
import type { News } from "../../src/cluster/words.ts";

const here = (callId: string, resumeToken: string, carrierCallId?: string): News => ({
  type: "call.here",
  callId,
  resumeToken,
  carrierCallId,
});

test("a call is found by its id, by the token its caller has now, and by the carrier's id", () => {
  const directory = new Directory();
  directory.hear({ from: 2, news: here("call_a", "back_1", "CA1") });
  directory.hear({ from: 2, news: here("call_a", "back_2", "CA1") });
  expect(directory.find({ callId: "call_a" })).toBe(2);
  expect(directory.find({ resumeToken: "back_2" })).toBe(2);
  expect(directory.find({ carrierCallId: "CA1" })).toBe(2);
  expect(directory.find({ resumeToken: "back_1" })).toBeUndefined();
});

test("a call that is over is nowhere, but what its carrier still asks goes where it was", () => {
  const directory = new Directory();
  directory.hear({ from: 3, news: here("call_a", "back_1", "CA1") });
  directory.hear({ from: 3, news: { type: "call.over", callId: "call_a" } });
  expect([directory.find({ callId: "call_a" }), directory.find({ resumeToken: "back_1" })]).toEqual([undefined, undefined]);
  expect(directory.find({ carrierCallId: "CA1" })).toBe(3);
  expect(directory.find({ pastCallId: "call_a" })).toBe(3);
  expect(directory.find({ pastCallId: "call_b" })).toBeUndefined();
  directory.isHere("CA1");
  expect(directory.find({ carrierCallId: "CA1" })).toBeUndefined();
});

test("a process that was started again has the calls that it says, and no others", () => {
  const directory = new Directory();
  directory.hear({ from: 1, news: here("call_a", "back_a") });
  directory.hear({ from: 1, news: here("call_b", "back_b") });
  directory.hear({ from: 2, news: here("call_c", "back_c") });
  directory.hear({ from: 1, news: { type: "calls", callIds: ["call_b"] } });
  expect(["call_a", "call_b", "call_c"].map((callId) => directory.find({ callId }))).toEqual([undefined, 1, 2]);
});

test("carriers' calls are remembered up to a limit, the oldest go first", () => {
  const directory = new Directory();
  for (let call = 0; call <= 20_000; call += 1) directory.hear({ from: 1, news: here(`call_${call}`, `back_${call}`, `CA${call}`) });
  expect([directory.find({ carrierCallId: "CA0" }), directory.find({ carrierCallId: "CA1" })]).toEqual([undefined, 1]);
});

test("a process that comes late is told where calls are, what breakers saw last, what was spent and which tokens were used", () => {
  const known = new Known();
  const told: [number, News][] = [
    [1, here("call_a", "back_1")],
    [1, here("call_a", "back_2")],
    [2, here("call_b", "back_3")],
    [2, { type: "call.over", callId: "call_b" }],
    [1, { type: "guard", news: { provider: "openai", kind: "breaker", report: { state: "open", untilMs: 9, trips: 1 } } }],
    [2, { type: "guard", news: { provider: "openai", kind: "breaker", report: { state: "closed", trips: 0 } } }],
    [2, { type: "guard", news: { provider: "openai", kind: "stalled" } }],
    [1, { type: "used", id: "token a", untilMs: 1_000 }],
    [1, { type: "used", id: "token b", untilMs: 3_000 }],
    [2, { type: "happened", event: { type: "call.ended", callId: "x", outcome: "completed" } as never }],
  ];
  for (const [from, news] of told) known.keep({ from, news }, 2_000);
  expect(known.all()).toEqual([
    { from: 1, news: here("call_a", "back_2") },
    { from: 2, news: { type: "guard", news: { provider: "openai", kind: "breaker", report: { state: "closed", trips: 0 } } } },
    { from: 1, news: { type: "used", id: "token b", untilMs: 3_000 } },
  ]);
});

test("the next connection goes to the process with the fewest calls that takes any", () => {
  const seat = (number: number, more: object = {}) => ({
    number,
    isReady: true,
    refuses: false,
    silentLooks: 0,
    calls: 0,
    given: 0,
    told: 0,
    ...more,
  });
  expect(nextOf([seat(1, { calls: 3 }), seat(2, { calls: 2 })])?.number).toBe(2);
  expect(nextOf([seat(1, { calls: 1 }), seat(2, { calls: 0, given: 2 })])?.number).toBe(1);
  expect(nextOf([seat(1, { calls: 1 }), seat(2, { calls: 0, given: 2, told: 2 })])?.number).toBe(2);
  expect(nextOf([seat(1, { calls: 9 }), seat(2, { refuses: true })])?.number).toBe(1);
  expect(nextOf([seat(1, { refuses: true, calls: 9 }), seat(2, { refuses: true })])?.number).toBe(2);
  expect(nextOf([seat(1, { silentLooks: 2 }), seat(2, { refuses: true, calls: 9 })])?.number).toBe(2);
  expect(nextOf([seat(1, { silentLooks: 1 }), seat(2, { calls: 9 })])?.number).toBe(1);
  expect(nextOf([seat(1, { isReady: false }), seat(2, { calls: 7 })])?.number).toBe(2);
  expect(nextOf([seat(1, { isReady: false })])).toBeUndefined();
});
