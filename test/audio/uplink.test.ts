import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOf } from "../../src/audio/encodings.ts";
import { Ticker } from "../../src/audio/ticker.ts";
import { Uplink, type Attachment, type Hearer, type UplinkTerms } from "../../src/audio/uplink.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { marked } from "./marked.ts";

const encoding = "pcmu@8000";

class Ear implements UplinkTerms, Hearer {
  readonly encoding = encoding;
  readonly replayPace: number;
  readonly trailingSilenceMs: number = 700;
  readonly heard: number[] = [];
  room = Infinity;

  constructor(replayPace = Infinity) {
    this.replayPace = replayPace;
  }

  hear(frame: Uint8Array): boolean {
    if (frame.length > this.room) return false;
    this.room -= frame.length;
    this.heard.push(...frame);
    return true;
  }
}

const attach = (uplink: Uplink, ear: Ear): Attachment => uplink.attach(ear, ear);

function house(chunks = 100): { clock: SimulatedClock; uplink: Uplink; speak: (ms: number) => Promise<void> } {
  const clock = new SimulatedClock();
  const shape = { encoding, chunkMs: 100, chunks, longestMs: 60_000 } as const;
  const uplink = new Uplink(shape, new Ticker(clock), clock);
  const speak = async (ms: number): Promise<void> => {
    for (let spokenMs = 0; spokenMs < ms; spokenMs += 20) {
      uplink.push(marked(uplink.end, bytesOf(20, encoding)));
      await clock.advance(20);
    }
  };
  return { clock, uplink, speak };
}

test("a frame reaches the link the moment it arrives", async () => {
  const { uplink } = house();
  const ear = new Ear();
  attach(uplink, ear);
  uplink.push(marked(0, 160));
  expect(ear.heard).toEqual([...marked(0, 160)]);
});

test("what was said before there was a link is heard by the first one, from the first sample", async () => {
  const { uplink, speak } = house();
  await speak(1_400);
  const ear = new Ear();
  attach(uplink, ear);
  await speak(200);
  expect(ear.heard).toEqual([...marked(0, bytesOf(1_600, encoding))]);
  expect(uplink.account).toMatchObject({ overflowedMs: 0, replayedMs: 0 });
});

test("a link that dies in the middle of a turn leaves the whole turn to the next", async () => {
  const { uplink, speak } = house();
  const first = new Ear();
  const feed = attach(uplink, first);
  await speak(5_000);
  const from = uplink.end;
  uplink.openTurn(from);
  await speak(3_000);
  feed[Symbol.dispose]();
  await speak(1_000);
  const second = new Ear();
  const again = attach(uplink, second);
  await speak(1_000);
  const turn = second.heard.slice(-bytesOf(5_000, encoding));
  expect(turn).toEqual([...marked(from, bytesOf(5_000, encoding))]);
  expect(again.replayedChunks).toBeGreaterThanOrEqual(30);
});

test("seconds that a bad line delivered all at once, just before the link died, are heard whole by the next", async () => {
  const { clock, uplink, speak } = house();
  const feed = attach(uplink, new Ear());
  await speak(5_000);
  const from = uplink.end;
  await clock.advance(3_500);
  for (let frame = 0; frame < 175; frame += 1) uplink.push(marked(uplink.end, bytesOf(20, encoding)));
  await speak(300);
  feed[Symbol.dispose]();
  await speak(5_000);
  const second = new Ear();
  attach(uplink, second);
  await clock.advance(200);
  expect(second.heard.slice(-bytesOf(8_800, encoding))).toEqual([...marked(from, bytesOf(8_800, encoding))]);
});

test("a turn that a link tells of late is kept from its beginning, though that passed for silence before", async () => {
  const { clock, uplink, speak } = house();
  const feed = attach(uplink, new Ear());
  await speak(2_000);
  const from = uplink.end;
  await speak(4_000);
  expect(uplink.settled).toBeGreaterThan(from);
  uplink.openTurn(from);
  feed[Symbol.dispose]();
  const second = new Ear();
  attach(uplink, second);
  await clock.advance(200);
  expect(second.heard).toEqual([...marked(from, bytesOf(4_000, encoding))]);
});

test("settled turns are not replayed, and no turn that is told of late brings them back", async () => {
  const { uplink, speak } = house();
  const feed = attach(uplink, new Ear());
  await speak(4_000);
  uplink.openTurn(bytesOf(1_000, encoding));
  uplink.settle(bytesOf(3_000, encoding));
  uplink.openTurn(bytesOf(500, encoding));
  feed[Symbol.dispose]();
  const second = new Ear();
  attach(uplink, second);
  expect(second.heard).toEqual([...marked(bytesOf(3_000, encoding), bytesOf(1_000, encoding))]);
});

test("settled turns are not replayed", async () => {
  const { uplink, speak } = house();
  const feed = attach(uplink, new Ear());
  uplink.openTurn(0);
  await speak(2_000);
  uplink.settle(uplink.end);
  feed[Symbol.dispose]();
  const next = new Ear();
  attach(uplink, next);
  expect(next.heard).toEqual([]);
});

test("a turn longer than the ring is kept whole up to a minute", async () => {
  const { uplink, speak } = house(10);
  attach(uplink, new Ear());
  uplink.openTurn(0);
  await speak(45_000);
  const next = new Ear();
  attach(uplink, next);
  await speak(2_000);
  expect(next.heard).toHaveLength(bytesOf(47_000, encoding));
  expect(uplink.account).toMatchObject({ forgottenMs: 0, overflowedMs: 0 });
});

test("an outage longer than the ring drops the oldest audio and says how much", async () => {
  const { uplink, speak } = house(10);
  await speak(65_000);
  const ear = new Ear();
  attach(uplink, ear);
  await speak(5_000);
  const { receivedMs, deliveredMs, overflowedMs } = uplink.account;
  expect(overflowedMs).toBe(5_000);
  expect(deliveredMs + overflowedMs).toBe(receivedMs);
  expect(ear.heard).toEqual([...marked(bytesOf(5_000, encoding), bytesOf(65_000, encoding))]);
});

test("a link with a pace gets a replay no faster than that", async () => {
  const { uplink, speak, clock } = house();
  await speak(4_000);
  const ear = new Ear(1.25);
  attach(uplink, ear);
  await clock.advance(1_000);
  expect(ear.heard.length).toBeLessThanOrEqual(bytesOf(200 + 1_270, encoding));
  expect(ear.heard.length).toBeGreaterThanOrEqual(bytesOf(1_400, encoding));
});

test("audio that one link heard and the next could not take before it was pushed out is counted, once", async () => {
  const { uplink, speak } = house(10);
  const first = new Ear();
  const feed = attach(uplink, first);
  uplink.openTurn(0);
  await speak(8_000);
  feed[Symbol.dispose]();
  const stalled = new Ear();
  stalled.room = 0;
  const stuck = attach(uplink, stalled);
  await speak(54_000);
  stalled.room = Infinity;
  await speak(4_000);
  expect(uplink.account).toMatchObject({ overflowedMs: 0, forgottenMs: 2_020 });
  const from = uplink.end - stalled.heard.length;
  expect(stalled.heard).toEqual([...marked(from, stalled.heard.length)]);
  expect(stuck.positionOf(1_000)).toBe(from + bytesOf(1_000, encoding));
  stuck[Symbol.dispose]();
  attach(uplink, new Ear());
  expect(uplink.account.forgottenMs).toBe(6_000);
});

test("what no link has heard so far is told as waiting", async () => {
  const { uplink, speak } = house();
  await speak(400);
  expect(uplink.account).toMatchObject({ receivedMs: 400, deliveredMs: 0, waitingMs: 400 });
  attach(uplink, new Ear());
  expect(uplink.account).toMatchObject({ receivedMs: 400, deliveredMs: 400, waitingMs: 0 });
});

test(
  "whatever links come, go and stall: each hears a gapless stretch, and together they hear everything",
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            liveMs: fc.integer({ min: 0, max: 3_000 }),
            goneMs: fc.integer({ min: 0, max: 3_000 }),
            room: fc.integer({ min: 0, max: 30_000 }),
          }),
          { minLength: 1, maxLength: 6 },
        ),
        async (spells) => {
          const { uplink, speak } = house();
          uplink.openTurn(0);
          const ears: Ear[] = [];
          for (const { liveMs, goneMs, room } of spells) {
            const ear = new Ear();
            ear.room = room;
            const feed = attach(uplink, ear);
            ears.push(ear);
            await speak(liveMs);
            feed[Symbol.dispose]();
            await speak(goneMs);
          }
          const last = new Ear();
          attach(uplink, last);
          await speak(400);
          for (const ear of [...ears, last]) expect(ear.heard).toEqual([...marked(0, ear.heard.length)]);
          expect(last.heard).toHaveLength(uplink.end);
        },
      ),
      { numRuns: 60 },
    );
  },
);

test("a replay that no live audio follows ends in the silence that the link needs to notice the end", async () => {
  const { clock, uplink, speak } = house();
  attach(uplink, new Ear());
  uplink.openTurn(0);
  await speak(1_000);
  await clock.advance(3_000);
  const next = new Ear();
  const attachment = attach(uplink, next);
  await clock.advance(100);
  const replayed = bytesOf(1_000, encoding);
  expect(next.heard).toHaveLength(replayed + bytesOf(700, encoding));
  expect(next.heard.slice(replayed).every((byte) => byte === 0xff)).toBe(true);
  // The silence is none of the caller's: their next audio stands where theirs ended.
  await speak(100);
  expect(next.heard.slice(-bytesOf(100, encoding))).toEqual([...marked(replayed, bytesOf(100, encoding))]);
  expect(attachment.positionOf(1_700)).toBe(replayed);
  expect(uplink.account.receivedMs).toBe(1_100);
});

test("a replay that live audio follows gets no silence put in between", async () => {
  const { uplink, speak } = house();
  attach(uplink, new Ear());
  uplink.openTurn(0);
  await speak(1_000);
  const next = new Ear();
  attach(uplink, next);
  await speak(1_000);
  expect(next.heard).toEqual([...marked(0, bytesOf(2_000, encoding))]);
});
