import { expect, test } from "vitest";
import { Downlink, type DownlinkLeg } from "../../src/audio/downlink.ts";
import { bytesOf } from "../../src/audio/encodings.ts";
import { Ticker } from "../../src/audio/ticker.ts";
import { SimulatedClock } from "../simulated-clock.ts";

const encoding = "pcm16@16000";
const ms = (count: number): Uint8Array => new Uint8Array(bytesOf(count, encoding)).fill(1);

class Player implements DownlinkLeg {
  readonly traits: DownlinkLeg["traits"];
  playedMs = 0;
  readonly told: string[] = [];

  constructor(playback: "reports" | "marks" | "clock") {
    this.traits = { playback, aheadMs: 200, frameMs: 20 };
  }

  play(frame: Uint8Array): boolean {
    this.playedMs += frame.length / bytesOf(1, encoding);
    return true;
  }
  beginTurn(turnId: string, fromMs: number): void {
    this.told.push(fromMs === 0 ? `turn ${turnId}` : `turn ${turnId} from ${fromMs}`);
  }
  mark(name: string): void {
    this.told.push(name);
  }
  flush(): void {
    this.told.push("flush");
  }
}

function house(playback: "reports" | "marks" | "clock"): { clock: SimulatedClock; leg: Player; downlink: Downlink; reported: string[] } {
  const clock = new SimulatedClock();
  const reported: string[] = [];
  const downlink = new Downlink(encoding, new Ticker(clock), clock, {
    began: (turnId) => reported.push(`began ${turnId}`),
    playedOut: (turnId) => reported.push(`played out ${turnId}`),
    heard: (turnId, ms) => reported.push(`heard ${ms} of ${turnId}`),
    starved: (turnId) => reported.push(`starved ${turnId}`),
    corrected: (turnId, heardMs) => reported.push(`corrected ${turnId} ${heardMs}`),
    lost: (cause, lostMs) => reported.push(`lost ${cause} ${lostMs}`),
  });
  const leg = new Player(playback);
  downlink.attach(leg);
  return { clock, leg, downlink, reported };
}

test("a long answer that arrives at once goes out in real time, never far ahead", async () => {
  const { clock, leg, downlink } = house("clock");
  downlink.write(ms(5_000), "t1");
  expect(leg.playedMs).toBe(200);
  await clock.advance(1_000);
  expect(leg.playedMs).toBeGreaterThanOrEqual(1_180);
  expect(leg.playedMs).toBeLessThanOrEqual(1_220);
});

test("barge-in tells what was heard, and nothing more is played", async () => {
  const { clock, leg, downlink } = house("clock");
  downlink.write(ms(5_000), "t1");
  await clock.advance(1_000);
  expect(downlink.flush()).toEqual([{ turnId: "t1", heardMs: 1_000 }]);
  const before = leg.playedMs;
  await clock.advance(1_000);
  expect(leg.playedMs).toBe(before);
  expect(leg.told).toContain("flush");
});

test("a player that reports is believed, also with its last word after a flush", async () => {
  const { clock, downlink, reported } = house("reports");
  downlink.write(ms(3_000), "t1");
  await clock.advance(600);
  downlink.played("t1", 400);
  expect(downlink.flush()).toEqual([{ turnId: "t1", heardMs: 400 }]);
  downlink.played("t1", 440);
  expect(reported).toContain("corrected t1 440");
});

test("a turn is played out only when the caller has heard its end", async () => {
  const { clock, downlink, reported } = house("reports");
  downlink.write(ms(400), "t1");
  downlink.endTurn("t1");
  await clock.advance(420);
  expect(reported).toEqual(["began t1"]);
  downlink.played("t1", 400);
  await clock.advance(20);
  expect(reported).toEqual(["began t1", "heard 400 of t1", "played out t1"]);
});

test("a player may say first that it has played nothing: the turn began to be heard with its next word", async () => {
  const { clock, downlink, reported } = house("reports");
  downlink.write(ms(400), "t1");
  downlink.played("t1", 0);
  await clock.advance(120);
  downlink.played("t1", 100);
  downlink.played("t1", 110);
  expect(reported).toEqual(["began t1", "heard 100 of t1"]);
});

test("marks that come back because of a flush are not taken for hearing", async () => {
  const { clock, leg, downlink } = house("marks");
  downlink.write(ms(2_000), "t1");
  await clock.advance(500);
  const marks = leg.told.filter((told) => told.includes("|"));
  downlink.marked(marks[0] ?? "");
  const [cut] = downlink.flush();
  for (const mark of marks) downlink.marked(mark);
  expect(cut?.heardMs).toBeLessThanOrEqual(500);
  downlink.write(ms(1_000), "t2");
  expect(downlink.flush()).toEqual([{ turnId: "t2", heardMs: 0 }]);
});

test("a caller who comes back hears what was not heard, with a small overlap", async () => {
  const { clock, leg, downlink } = house("clock");
  downlink.write(ms(2_000), "t1");
  downlink.endTurn("t1");
  await clock.advance(1_000);
  downlink.detach();
  await clock.advance(5_000);
  const again = new Player("clock");
  downlink.attach(again);
  await clock.advance(3_000);
  expect(leg.playedMs).toBeGreaterThanOrEqual(1_180);
  expect(again.playedMs).toBe(1_100);
});

test("a caller who comes back is told of each turn that goes on, and hears again only the end of the last they heard", async () => {
  const { clock, downlink } = house("marks");
  downlink.write(ms(1_000), "t1");
  downlink.endTurn("t1");
  downlink.write(ms(1_000), "t2");
  await clock.advance(1_500);
  downlink.detach();
  const again = new Player("marks");
  downlink.attach(again);
  await clock.advance(2_000);
  expect(again.told.filter((each) => each.startsWith("turn"))).toEqual(["turn t2 from 400"]);
  expect(again.playedMs).toBe(600);

  downlink.detach();
  downlink.endTurn("t2");
  downlink.write(ms(1_000), "t3");
  const third = new Player("marks");
  downlink.attach(third);
  await clock.advance(3_000);
  expect(third.told.filter((each) => each.startsWith("turn"))).toEqual(["turn t2 from 900", "turn t3"]);
});

test("a caller whose player tells what it has goes on there, to the sample, and turns before that are over", async () => {
  const { clock, downlink, reported } = house("reports");
  downlink.write(ms(300), "t1");
  downlink.endTurn("t1");
  downlink.write(ms(2_000), "t2");
  downlink.endTurn("t2");
  await clock.advance(1_000);
  downlink.detach();
  downlink.takeUpAt("t2", 780);
  expect(reported).toContain("played out t1");
  const again = new Player("reports");
  downlink.attach(again);
  await clock.advance(2_000);
  expect(again.told).toEqual(["turn t2 from 780"]);
  expect(again.playedMs).toBe(1_220);
  downlink.played("t2", 1_220);
  await clock.advance(20);
  expect(reported.at(-1)).toBe("played out t2");
});

test("a player may have less than was sent, and what it names beyond that is not believed", async () => {
  const { clock, downlink } = house("clock");
  downlink.write(ms(1_000), "t1");
  await clock.advance(500);
  downlink.detach();
  downlink.takeUpAt("t1", 100);
  const again = new Player("clock");
  downlink.attach(again);
  await clock.advance(2_000);
  expect(again.playedMs).toBe(900);
  downlink.detach();
  downlink.takeUpAt("t1", 60_000);
  downlink.takeUpAt("t9", 1);
  downlink.write(ms(200), "t1");
  const third = new Player("clock");
  downlink.attach(third);
  await clock.advance(1_000);
  expect(third.told).toEqual(["turn t1 from 1000"]);
  expect(third.playedMs).toBe(200);
});

test("nothing is sent to a player out of reach, nor believed to be heard; it goes on when something comes again", async () => {
  const { clock, leg, downlink, reported } = house("reports");
  downlink.write(ms(5_000), "t1");
  downlink.endTurn("t1");
  for (let at = 0; at < 1_000; at += 20) {
    downlink.legAlive();
    downlink.played("t1", at);
    await clock.advance(20);
  }
  await clock.advance(20_000);
  expect(leg.playedMs).toBeLessThanOrEqual(2_220);
  expect(reported).not.toContain("played out t1");
  expect(downlink.unheard()[0]?.fromMs).toBeLessThanOrEqual(2_000);
  downlink.legAlive();
  downlink.played("t1", leg.playedMs);
  await clock.advance(100);
  expect(leg.playedMs).toBeGreaterThan(2_220);
});

test("a turn whose end is told after its last audio went out has a mark at that end", async () => {
  const { clock, leg, downlink, reported } = house("marks");
  downlink.write(ms(300), "t1");
  await clock.advance(290);
  downlink.endTurn("t1");
  await clock.advance(20);
  expect(leg.told.at(-1)).toMatch(/\|t1\|300$/);
  downlink.marked(leg.told.at(-1) ?? "");
  await clock.advance(20);
  expect(reported).toEqual(["began t1", "heard 300 of t1", "played out t1"]);
});

test("a player that plays evenly is asked ever more seldom, and often again when it falls behind", async () => {
  const { clock, leg, downlink } = house("marks");
  const endOf = (name: string): number => Number(name.split("|")[2]);
  /** How far each turn was when a mark went out; every mark comes back `delayMs` after it was due. */
  const marksOf = async (turnId: string, delayMs: (sentMs: number) => number): Promise<readonly number[]> => {
    leg.told.length = 0;
    downlink.write(ms(9_000), turnId);
    downlink.endTurn(turnId);
    let answered = 0;
    for (let passedMs = 0; passedMs < 10_000; passedMs += 20) {
      await clock.advance(20);
      const marks = leg.told.filter((told) => told.includes("|"));
      for (const name of marks.slice(answered)) clock.setTimeout(() => downlink.marked(name), leg.traits.aheadMs + delayMs(endOf(name)));
      answered = marks.length;
    }
    return leg.told.filter((told) => told.includes("|")).map(endOf);
  };
  expect(await marksOf("t1", () => 110)).toEqual([500, 1_000, 2_000, 4_000, 6_000, 8_000, 9_000]);
  const stalled = await marksOf("t2", (sentMs) => (sentMs > 3_000 ? 700 : 110));
  expect(stalled.slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 4_900, 5_400, 5_900, 6_400]);
});

test("a caller who comes back by a leg with marks is heard from where the marks begin again", async () => {
  const { clock, downlink, reported } = house("marks");
  downlink.write(ms(2_000), "t1");
  downlink.endTurn("t1");
  await clock.advance(1_000);
  downlink.detach();
  const again = new Player("marks");
  downlink.attach(again);
  await clock.advance(600);
  const marks = again.told.filter((told) => told.includes("|"));
  expect(marks.length).toBeGreaterThanOrEqual(2);
  await clock.advance(800);
  for (const mark of again.told) if (mark.includes("|")) downlink.marked(mark);
  await clock.advance(20);
  expect(reported.at(-1)).toBe("played out t1");
});

test("a runaway provider is bounded, whatever turns it names, and the loss is told in few words", () => {
  const { downlink, reported } = house("clock");
  for (let second = 0; second < 300; second += 1) downlink.write(ms(1_000), `t${second}`);
  downlink.flush();
  const lost = reported.flatMap((each) => (each.startsWith("lost overflow") ? [Number(each.slice("lost overflow ".length))] : []));
  expect(lost.reduce((sum, each) => sum + each, 0)).toBeGreaterThanOrEqual(119_000);
  expect(lost.length).toBeLessThanOrEqual(2);
});

test("a caller who reads too slowly is told of once a second, not once a frame, and to the last frame", async () => {
  const { clock, leg, downlink, reported } = house("clock");
  leg.play = () => false;
  downlink.write(ms(3_000), "t1");
  downlink.endTurn("t1");
  await clock.advance(4_000);
  const lost = reported.flatMap((each) => (each.startsWith("lost slow-caller") ? [Number(each.slice("lost slow-caller ".length))] : []));
  expect(lost.reduce((sum, each) => sum + each, 0)).toBe(3_000);
  expect(lost.length).toBeLessThanOrEqual(5);
});

test("after the event loop stood still no more is sent than a leg may have ahead, and no less", () => {
  let nowMs = 0;
  const report = { began() {}, heard() {}, playedOut() {}, starved() {}, corrected() {}, lost() {} };
  const downlink = new Downlink(encoding, { wake() {}, wakeAfter() {} }, { now: () => nowMs }, report);
  const leg = new Player("clock");
  downlink.attach(leg);
  downlink.write(ms(10_000), "t1");
  expect(leg.playedMs).toBe(200);
  nowMs = 2_200;
  downlink.tick(nowMs);
  expect(leg.playedMs).toBe(400);
  expect(downlink.flush()).toEqual([{ turnId: "t1", heardMs: 200 }]);
});

test("a turn of which nothing comes for long is told of as starved, again and again, and costs one timer meanwhile", async () => {
  const { clock, downlink, reported } = house("clock");
  for (let sentMs = 0; sentMs < 15_000; sentMs += 20) {
    downlink.write(ms(20), "t1");
    await clock.advance(20);
  }
  await clock.advance(100);
  expect(clock.armed).toBe(1);
  await clock.advance(19_000);
  expect(reported).toEqual(["began t1"]);
  await clock.advance(2_000);
  expect(reported).toEqual(["began t1", "starved t1"]);
  await clock.advance(20_500);
  expect(reported).toEqual(["began t1", "starved t1", "starved t1"]);
  downlink.write(ms(20), "t1");
  downlink.endTurn("t1");
  await clock.advance(100);
  expect(reported.at(-1)).toBe("played out t1");
});

test.for(Array.from({ length: 60 }, (_, at) => at - 30))(
  "starving is found out whenever the last audio came, also %i ms from when the turn was to be looked at",
  async (offMs) => {
    const { clock, downlink, reported } = house("clock");
    // Looked at 20 s after its first audio ends; the last comes about then.
    for (let sentMs = 0; sentMs < 20_000; sentMs += 20) {
      downlink.write(ms(20), "t1");
      await clock.advance(20);
    }
    // A timer may fire late, too: then audio comes before it.
    if (offMs % 2 === 0) clock.stall(20 + offMs > 0 ? 20 + offMs : 0);
    else await clock.advance(20 + offMs > 0 ? 20 + offMs : 0);
    downlink.write(ms(20), "t1");
    await clock.advance(19_000);
    expect(reported).toEqual(["began t1"]);
    await clock.advance(2_000);
    expect(reported).toEqual(["began t1", "starved t1"]);
  },
);
