import fc from "fast-check";
import { expect, test } from "vitest";
import { Breaker, defaultBreaker, type BreakerChange, type Trial } from "../../src/guard/breaker.ts";
import { SimulatedClock } from "../simulated-clock.ts";

function house(): { clock: SimulatedClock; breaker: Breaker; changes: string[]; told: BreakerChange[] } {
  const clock = new SimulatedClock();
  const changes: string[] = [];
  const told: BreakerChange[] = [];
  const watch = {
    changed: (change: BreakerChange) => {
      changes.push(`${change.from} to ${change.to}`);
      told.push(change);
    },
    called: () => {},
  };
  return { clock, breaker: new Breaker("alpha", defaultBreaker, clock, watch), changes, told };
}

const fail = (breaker: Breaker, times: number): void => {
  for (let count = 0; count < times; count += 1) breaker.begin().failed("lost");
};

test("five failures in a row open it, and the next caller is refused at once with a time", () => {
  const { breaker, changes } = house();
  fail(breaker, 4);
  expect(breaker.refusal()).toBeUndefined();
  fail(breaker, 1);
  expect(changes).toEqual(["closed to open"]);
  expect(() => breaker.begin()).toThrow(/alpha keeps failing; tried again in 60 s/);
});

test("a success between failures starts the count anew", () => {
  const { breaker } = house();
  fail(breaker, 4);
  breaker.begin().succeeded("lived");
  fail(breaker, 4);
  expect(breaker.state).toBe("closed");
});

test("after a minute three calls may try, two successes close it", async () => {
  const { breaker, clock, changes } = house();
  fail(breaker, 5);
  await clock.advance(60_000);
  const trials = [breaker.begin(), breaker.begin(), breaker.begin()];
  expect(() => breaker.begin()).toThrow(/being tried by 3 calls/);
  trials[0]?.succeeded("lived");
  trials[1]?.succeeded("lived");
  expect(changes).toEqual(["closed to open", "open to half_open", "half_open to closed"]);
});

test("a failure while half-open opens it again, for twice as long each time, up to five minutes", async () => {
  const { breaker, clock } = house();
  fail(breaker, 5);
  const waits: number[] = [];
  for (let trip = 0; trip < 5; trip += 1) {
    const waitMs = breaker.refusal()?.retryAfterMs ?? 0;
    waits.push(waitMs);
    await clock.advance(waitMs);
    breaker.begin().failed("lost");
  }
  expect(waits).toEqual([60_000, 120_000, 240_000, 300_000, 300_000]);
});

test("two good probes let a trial through early, a bad one between them does not", () => {
  const { breaker, told } = house();
  fail(breaker, 5);
  breaker.probed(true);
  breaker.probed(false);
  breaker.probed(true);
  expect(breaker.state).toBe("open");
  breaker.probed(true);
  expect(told.at(-1)).toMatchObject({ to: "half_open", early: true });
});

test("a caller who hangs up says nothing about the provider, and frees the trial", async () => {
  const { breaker, clock } = house();
  fail(breaker, 5);
  await clock.advance(60_000);
  for (let count = 0; count < 10; count += 1) breaker.begin().abandoned();
  expect(breaker.state).toBe("half_open");
});

test("a session lost long after it worked counts as a failure of its own", () => {
  const { breaker } = house();
  const sessions = Array.from({ length: 5 }, () => breaker.begin());
  for (const session of sessions) session.succeeded("lived");
  for (const session of sessions) session.failed("lost");
  expect(breaker.state).toBe("open");
});

test("sessions from before the outage neither close nor open it while others try", async () => {
  const { breaker, clock } = house();
  const old = [breaker.begin(), breaker.begin()];
  fail(breaker, 5);
  await clock.advance(60_000);
  const trial = breaker.begin();
  old[0]?.succeeded("lived");
  old[1]?.failed("lost");
  expect(breaker.state).toBe("half_open");
  trial.failed("lost");
  expect(breaker.state).toBe("open");
});

test("an operator's order stands until it is taken back", () => {
  const { breaker } = house();
  breaker.order("open");
  expect(() => breaker.begin()).toThrow(/shut by an operator/);
  breaker.order("closed");
  fail(breaker, 20);
  expect(breaker.refusal()).toBeUndefined();
  breaker.order("auto");
  expect(breaker.state).toBe("open");
});

test("turns left unanswered open it though every session lives, and though each call greets", () => {
  const { breaker, changes } = house();
  for (let call = 0; call < 5; call += 1) {
    expect(breaker.state).toBe("closed");
    const session = breaker.begin();
    session.succeeded("lived");
    session.failed("unanswered");
  }
  expect(changes).toEqual(["closed to open"]);
});

test("an answer erases the turns left unanswered before it", () => {
  const { breaker } = house();
  for (let call = 0; call < 20; call += 1) {
    breaker.begin().failed("unanswered");
    breaker.begin().succeeded("answered");
  }
  expect(breaker.state).toBe("closed");
});

test("closed by sessions that only lived, it is shut by the next turn left unanswered, for longer than before", async () => {
  const { breaker, clock, changes } = house();
  for (let call = 0; call < 5; call += 1) breaker.begin().failed("unanswered");
  await clock.advance(60_000);
  const trials = [breaker.begin(), breaker.begin()];
  for (const trial of trials) trial.succeeded("lived");
  expect(breaker.state).toBe("closed");
  trials[0]?.failed("unanswered");
  expect(changes.at(-1)).toBe("closed to open");
  expect(breaker.refusal()?.retryAfterMs).toBe(120_000);
});

test("three sessions in a row that were accepted and lost unproven open it, within a minute", async () => {
  const { breaker, clock, told } = house();
  breaker.begin().failed("flapped");
  breaker.begin().failed("flapped");
  await clock.advance(61_000);
  breaker.begin().failed("flapped");
  breaker.begin().failed("flapped");
  breaker.begin().succeeded("lived");
  breaker.begin().failed("flapped");
  breaker.begin().failed("flapped");
  expect(breaker.state).toBe("closed");
  breaker.begin().failed("flapped");
  expect(told.at(-1)).toMatchObject({ to: "open", count: 3, threshold: 3 });
});

test("a probe that flaps confirms what one call met", () => {
  const { breaker } = house();
  breaker.begin().failed("flapped");
  breaker.begin("probe").failed("flapped");
  expect(breaker.state).toBe("open");
});

test("whatever happens, it moves only along its edges, and never has more than three trials in flight while half-open", async () => {
  const allowed = new Set(["closed to open", "open to half_open", "half_open to closed", "half_open to open"]);
  const step = fc.constantFrom("begin", "live", "answer", "lose", "flap", "leave unanswered", "abandon", "probe", "wait");
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
      const { breaker, clock, changes } = house();
      let trials: Trial[] = [];
      for (const each of steps) {
        const before = breaker.state;
        if (each === "begin" && breaker.refusal() === undefined) {
          if (before === "open") trials = [];
          trials.push(breaker.begin());
          if (breaker.state === "half_open" && before !== "closed") expect(trials.length).toBeLessThanOrEqual(3);
        } else if (each === "live") trials.shift()?.succeeded("lived");
        else if (each === "answer") trials.shift()?.succeeded("answered");
        else if (each === "lose") trials.shift()?.failed("lost");
        else if (each === "flap") trials.shift()?.failed("flapped");
        else if (each === "leave unanswered") trials.shift()?.failed("unanswered");
        else if (each === "abandon") trials.shift()?.abandoned();
        else if (each === "probe") breaker.probed(true);
        else if (each === "wait") await clock.advance(61_000);
        if (breaker.state !== before) trials = breaker.state === "half_open" ? trials.slice(-1) : [];
      }
      for (const change of changes) expect(allowed).toContain(change);
    }),
    { numRuns: 300 },
  );
});
