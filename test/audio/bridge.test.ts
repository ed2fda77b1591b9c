import { expect, test } from "vitest";
import { Bridge } from "../../src/audio/bridge.ts";
import { clipIn } from "../../src/audio/clip.ts";
import { Downlink, type DownlinkLeg } from "../../src/audio/downlink.ts";
import { bytesOf, encodings, type Encoding } from "../../src/audio/encodings.ts";
import { Ticker } from "../../src/audio/ticker.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { tone } from "./tones.ts";

const encoding = "pcm16@16000";
/** What is played is told apart by its bytes: the agent is 1, the line between 2. */
const agent = (ms: number): Uint8Array => new Uint8Array(bytesOf(ms, encoding)).fill(1);
const lineMs = 1_200;
const line = new Uint8Array(bytesOf(lineMs, encoding)).fill(2);

/** The far end: a loudspeaker that plays what it is sent, one frame after the other, and knows what it played when. */
class FarEnd implements DownlinkLeg {
  readonly traits: DownlinkLeg["traits"];
  readonly #clock: SimulatedClock;
  readonly #canFlush: boolean;
  #queue: { readonly what: number; readonly fromMs: number; readonly untilMs: number }[] = [];
  readonly turns: string[] = [];
  readonly marks: string[] = [];

  constructor(clock: SimulatedClock, playback: "reports" | "marks" | "clock", canFlush: boolean) {
    this.traits = { playback, aheadMs: 300, frameMs: 20 };
    this.#clock = clock;
    this.#canFlush = canFlush;
  }

  play(frame: Uint8Array): boolean {
    const fromMs = Math.max(this.#clock.now(), this.#queue.at(-1)?.untilMs ?? 0);
    this.#queue.push({ what: frame[0] ?? 0, fromMs, untilMs: fromMs + frame.length / encodings[encoding].bytesPerMs });
    return true;
  }
  beginTurn(turnId: string): void {
    this.turns.push(turnId);
  }
  mark(name: string): void {
    this.marks.push(name);
  }
  flush(): void {
    if (this.#canFlush) this.#queue = this.#queue.filter(({ fromMs }) => fromMs <= this.#clock.now());
  }

  /** When `what` was first and last heard, ms. */
  heard(what: 1 | 2): { fromMs: number; untilMs: number; ms: number } | undefined {
    const frames = this.#queue.filter((frame) => frame.what === what);
    const [first, last] = [frames[0], frames.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    const ms = frames.reduce((sum, frame) => sum + frame.untilMs - frame.fromMs, 0);
    return { fromMs: first.fromMs, untilMs: last.untilMs, ms: Math.round(ms) };
  }
}

interface Options {
  readonly playback?: "reports" | "marks" | "clock";
  readonly canFlush?: boolean;
}

function house({ playback = "clock", canFlush = true }: Options = {}) {
  const clock = new SimulatedClock();
  const beat = new Ticker(clock);
  const told: string[] = [];
  const downlink = new Downlink(encoding, beat, clock, {
    began: (turnId) => told.push(`began ${turnId}`),
    heard: () => undefined,
    playedOut: (turnId) => told.push(`played out ${turnId}`),
    starved: (turnId) => told.push(`starved ${turnId}`),
    corrected: (turnId) => told.push(`corrected ${turnId}`),
    lost: (cause) => told.push(`lost ${cause}`),
  });
  const farEnd = new FarEnd(clock, playback, canFlush);
  downlink.attach(farEnd);
  const bridge = new Bridge(downlink, beat, { audio: () => line, played: () => told.push("bridged") });
  return { clock, downlink, farEnd, bridge, told };
}

test("a caller who is owed a reply hears a line after a second and a half of silence, and not before", async () => {
  const { clock, farEnd, bridge, told } = house();
  await clock.advance(5_000);
  bridge.need(clock.now());
  await clock.advance(1_480);
  expect(farEnd.heard(2)).toBeUndefined();
  await clock.advance(3_000);
  expect(farEnd.heard(2)).toMatchObject({ ms: lineMs });
  expect(farEnd.heard(2)?.fromMs).toBeGreaterThanOrEqual(6_500);
  expect(farEnd.heard(2)?.fromMs).toBeLessThanOrEqual(6_560);
  expect(told).toEqual(["bridged"]);
});

test("the silence begins where the agent's audio ended, not where the fault came", async () => {
  const { clock, downlink, farEnd, bridge } = house();
  downlink.write(agent(2_000), "t1");
  bridge.need(0);
  await clock.advance(3_400);
  expect(farEnd.heard(2)).toBeUndefined();
  await clock.advance(300);
  expect(farEnd.heard(2)?.fromMs).toBeGreaterThanOrEqual(3_500);
});

test.each([
  { name: "with a player that can be emptied", canFlush: true },
  { name: "with one that cannot", canFlush: false },
])("the line is gone within 60 ms of the agent's first audio, $name", async ({ canFlush }) => {
  const { clock, downlink, farEnd, bridge, told } = house({ canFlush });
  bridge.need(0);
  await clock.advance(2_005);
  expect(farEnd.heard(2)?.ms).toBeGreaterThan(300);
  const atMs = clock.now();
  downlink.write(agent(1_000), "t1");
  bridge.rest();
  await clock.advance(3_000);
  expect(farEnd.heard(2)?.untilMs).toBeLessThanOrEqual(atMs + 60);
  expect(farEnd.heard(1)?.fromMs).toBeLessThanOrEqual(atMs + 60);
  expect(farEnd.heard(1)?.ms).toBe(1_000);
  expect(told).toEqual(["bridged", "began t1"]);
});

test.each(["clock", "marks", "reports"] as const)(
  "it is no turn of the agent's: nothing of it is told, marked or counted as heard (%s)",
  async (playback) => {
    const { clock, downlink, farEnd, bridge, told } = house({ playback });
    bridge.need(0);
    await clock.advance(2_000);
    expect(downlink.speaking).toBe(false);
    const [asideId = ""] = farEnd.turns;
    downlink.played(asideId, 300);
    expect(farEnd.marks).toEqual([]);
    expect(downlink.flush()).toEqual([]);
    downlink.played(asideId, 340);
    await clock.advance(500);
    expect(told).toEqual(["bridged"]);
  },
);

test("an agent's turn after it is counted from its own beginning", async () => {
  const { clock, downlink, bridge } = house();
  bridge.need(0);
  await clock.advance(2_000);
  downlink.write(agent(3_000), "t1");
  bridge.rest();
  await clock.advance(1_000);
  expect(downlink.flush()).toEqual([{ turnId: "t1", heardMs: 1_000 }]);
});

test("a caller who speaks over it ends it at once", async () => {
  const { clock, downlink, farEnd, bridge } = house();
  bridge.need(0);
  await clock.advance(2_005);
  const atMs = clock.now();
  downlink.flush();
  bridge.rest();
  await clock.advance(4_000);
  expect(farEnd.heard(2)?.untilMs).toBeLessThanOrEqual(atMs + 60);
});

test("a long wait hears it again now and then, and at last no more", async () => {
  const { clock, bridge, told } = house();
  bridge.need(0);
  await clock.advance(12_000);
  expect(told).toEqual(["bridged", "bridged"]);
  await clock.advance(120_000);
  expect(told).toHaveLength(4);
  expect(clock.armed).toBe(0);
});

test("a caller who is not there hears nothing, and hears it after coming back", async () => {
  const { clock, downlink, farEnd, bridge } = house();
  downlink.detach();
  bridge.need(0);
  await clock.advance(5_000);
  downlink.attach(farEnd);
  await clock.advance(100);
  expect(farEnd.heard(2)?.fromMs).toBeGreaterThanOrEqual(5_000);
});

test.each(["pcmu@8000", "pcma@8000", "pcm16@8000", "pcm16@24000", "pcm16@48000", "pcm16@16000"] satisfies Encoding[])(
  "a clip is as long in %s as it was, and is made once",
  (wanted) => {
    const clip = new Uint8Array(tone(440, 16_000, 0.5).buffer);
    const made = clipIn(wanted, clip);
    expect(Math.abs(made.length / encodings[wanted].bytesPerMs - 1_100)).toBeLessThanOrEqual(5);
    expect(made.length % encodings[wanted].bytesPerSample).toBe(0);
    expect(clipIn(wanted, clip)).toBe(made);
  },
);
