import { expect, test } from "vitest";
import { pcmu } from "../../../src/audio/g711.ts";
import { codecs } from "../../../src/caller/sip/rtp/codecs.ts";
import { estimateMos, g711Quality } from "../../../src/audio/e-model.ts";
import { JitterBuffer } from "../../../src/caller/sip/rtp/jitter-buffer.ts";
import { Receiver } from "../../../src/caller/sip/rtp/receiver.ts";
import { seededRandom } from "../../../src/kernel/random.ts";

const frameMs = 20;
const frameSamples = 160;
const seed = Math.floor(Math.random() * 2 ** 31);

interface Line {
  /** Share of packets that never come. */
  readonly loss?: number;
  /** Standard deviation of what a packet takes beyond the least, ms. */
  readonly jitterMs?: number;
  /** No packet is further than this from what packets take on average, ms. */
  readonly farthestMs?: number;
  /** Packets overtake each other; else each waits for the one before. */
  readonly reorders?: boolean;
  /** The sender's clock against ours, parts per million. */
  readonly skew?: number;
  readonly duplicates?: number;
  /** Nothing arrives in between, ms from the beginning. */
  readonly stall?: { readonly fromMs: number; readonly toMs: number; readonly delivers: boolean };
}

interface Sent {
  readonly seconds?: number;
  readonly source?: Int16Array;
  readonly seed?: number;
}

interface Heard {
  readonly samples: Int16Array;
  readonly receiver: Receiver;
  readonly lost: number;
  readonly waitMs: number;
}

/** A voice-like signal that is never silent: a glottal buzz whose pitch moves, so that any gap shows. */
const voice = (count: number): Int16Array => {
  let phase = 0;
  return Int16Array.from({ length: count }, (_, at) => {
    phase += (110 + 30 * Math.sin(at / 9_000)) / 8_000;
    return Math.round(
      6_000 * Math.sin(2 * Math.PI * phase) + 3_000 * Math.sin(4 * Math.PI * phase) + 1_500 * Math.sin(6 * Math.PI * phase),
    );
  });
};

/** Sends a minute of audio over a bad line into a receiver, in simulated time. */
function over(line: Line, { seconds = 60, source = voice(seconds * 8_000), seed: ofLine = seed }: Sent = {}): Heard {
  const random = seededRandom(ofLine);
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  const codes = pcmu.encode(source);
  const arrivals: { atMs: number; packet: number }[] = [];
  let [last, lost] = [0, 0];
  for (let packet = 0; packet < codes.length / frameSamples; packet += 1) {
    const sentMs = packet * frameMs * (1 + (line.skew ?? 0) / 1e6);
    if (random.next() < (line.loss ?? 0)) {
      lost += 1;
      continue;
    }
    const farthestMs = line.farthestMs ?? Infinity;
    const offMs = Math.max(-farthestMs, Math.min(farthestMs, gauss() * (line.jitterMs ?? 0)));
    let atMs = sentMs + Math.max(0, 100 + offMs);
    const { stall } = line;
    if (stall !== undefined && atMs >= stall.fromMs && atMs < stall.toMs) {
      if (!stall.delivers) continue;
      atMs = stall.toMs;
    }
    if (line.reorders !== true) atMs = Math.max(atMs, last + 0.01);
    last = atMs;
    arrivals.push({ atMs, packet });
    if (random.next() < (line.duplicates ?? 0)) arrivals.push({ atMs: atMs + 1, packet });
  }
  arrivals.sort((a, b) => a.atMs - b.atMs);

  const samples = new Int16Array(source.length + 80_000);
  let heard = 0;
  const agreed = {
    codec: codecs.PCMU,
    payloadType: 0,
    dtmf: undefined,
    remote: { address: "192.0.2.1", port: 4000, rtcpPort: 4001 },
    rtcpMux: false,
    direction: "sendrecv" as const,
    sends: true,
    receives: true,
    packetMs: frameMs,
    srtp: undefined,
  };
  const receiver = new Receiver(agreed, "pcmu@8000", {
    audio: (frame) => {
      samples.set(pcmu.decode(frame).subarray(0, frame.length), heard);
      heard += frame.length;
    },
    dtmf: () => {},
  });
  let next = 0;
  const endMs = (arrivals.at(-1)?.atMs ?? 0) + 1;
  for (let nowMs = 0; nowMs < endMs; nowMs += frameMs) {
    for (; (arrivals[next]?.atMs ?? Infinity) < nowMs + frameMs; next += 1) {
      const { atMs = 0, packet = 0 } = arrivals[next] ?? {};
      const payload = Buffer.from(codes.subarray(packet * frameSamples, (packet + 1) * frameSamples));
      // Numbers and stamps that wrap in the middle.
      const [sequence, timestamp] = [(packet + 64_000) & 0xffff, (packet * frameSamples + 2 ** 32 - 100_000) >>> 0];
      receiver.receive({ payloadType: 0, marker: false, sequence, timestamp, ssrc: 1, payload }, atMs);
    }
    receiver.tick(nowMs + frameMs);
  }
  return { samples: samples.subarray(0, heard), receiver, lost, waitMs: receiver.buffer.delayMs };
}

/** The longest run of silence, ms: this voice has none of its own. */
function longestGapMs(samples: Int16Array): number {
  let [longest, run] = [0, 0];
  for (const sample of samples) {
    run = Math.abs(sample) < 40 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest / 8;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

const about = `seed ${seed}`;

test("a clean line is passed on as it came", () => {
  const source = voice(80_000);
  const { samples } = over({}, { source });
  expect(samples.length, about).toBe(source.length);
  expect(samples, about).toEqual(pcmu.decode(pcmu.encode(source)));
});

test.each([
  { order: "in order", reorders: false },
  { order: "overtaking each other", reorders: true },
])("3 % loss and 40 ms of jitter, packets $order: an estimated MOS above 4.0, no gap, no drift", ({ reorders }) => {
  // A line is random, and one minute of it now and then unlucky: the median of nine is judged, and each within wider bounds.
  const minutes = Array.from({ length: 9 }, (_, minute) => {
    const { samples, receiver, lost, waitMs } = over({ loss: 0.03, jitterMs: 40, reorders, duplicates: 0.01 }, { seed: seed + minute });
    const { counts } = receiver.buffer;
    const total = counts.received + counts.lost - counts.late;
    const mos = estimateMos({ delayMs: 100 + frameMs + waitMs, lossShare: counts.lost / total, burstRatio: 1, codec: g711Quality });
    // The time base is the sender's: what was made up too much is what the counter says, and little.
    const surplusMs = (counts.surplusUnits - counts.skippedUnits) / 8;
    const driftMs = Math.abs(samples.length / 8 - surplusMs - 60_000);
    return { mos, gapMs: longestGapMs(samples), surplusMs, driftMs, lost: `${counts.lost} of ${total}, ${lost} by the line` };
  });
  const seen = `${about}: ${JSON.stringify(minutes)}`;
  expect(median(minutes.map(({ mos }) => mos)), seen).toBeGreaterThan(4.0);
  expect(median(minutes.map(({ gapMs }) => gapMs)), seen).toBeLessThanOrEqual(60);
  for (const { mos, gapMs, surplusMs, driftMs } of minutes) {
    expect(mos, seen).toBeGreaterThan(3.9);
    expect(gapMs, seen).toBeLessThanOrEqual(160);
    // The first and the last packets may be among the lost.
    expect(driftMs, seen).toBeLessThanOrEqual(500);
    expect(surplusMs, seen).toBeLessThan(1_500);
  }
});

test.each([300, -300])("a sender's clock that is off by %i ppm does not drift", (skew) => {
  const { samples, receiver } = over({ skew, jitterMs: 5 });
  expect(samples.length / 8, about).toBe(60_000);
  expect(receiver.buffer.counts.lost).toBe(0);
});

test("packets that overtake each other are put in order, copies are left out, and little waits for that", () => {
  const source = voice(160_000);
  // Twice 19 ms is less than a packet and the 20 ms that the buffer waits at least: nothing has to be given up.
  const { samples, receiver, waitMs } = over({ jitterMs: 8, farthestMs: 19, reorders: true, duplicates: 0.05 }, { source });
  expect(receiver.buffer.counts.duplicates, about).toBeGreaterThan(10);
  expect(receiver.buffer.counts, about).toMatchObject({ lost: 0, concealedUnits: 0 });
  expect(samples, about).toEqual(pcmu.decode(pcmu.encode(source)));
  expect(waitMs, about).toBeLessThan(10);
});

test("the beginning of a call is heard in order, also when the second packet comes first", () => {
  const heard: number[] = [];
  const buffer = new JitterBuffer(8_000, { packet: ([code]) => heard.push(code ?? -1) < 0, lost: () => {}, paused: () => {} });
  for (const [packet, atMs] of [
    [2, 0],
    [1, 4],
    [0, 15],
    [3, 21],
  ] as const) {
    buffer.push((65_535 + packet) & 0xffff, packet * 160, Uint8Array.of(packet), 160, atMs);
  }
  expect(heard).toEqual([0, 1, 2, 3]);
  expect(buffer.counts).toMatchObject({ received: 4, lost: 0, duplicates: 0, reordered: 2 });
});

test("a stray packet of long before the first one is no beginning", () => {
  let madeUp = 0;
  const heard: number[] = [];
  const made = (units: number): void => void (madeUp += units);
  const buffer = new JitterBuffer(8_000, { packet: ([code]) => heard.push(code ?? -1) < 0, lost: made, paused: made });
  for (const [packet, atMs] of [
    [400, 0],
    [30, 5],
    [401, 20],
    [402, 40],
  ] as const) {
    buffer.push(packet, packet * 160, Uint8Array.of(packet & 0xf), 160, atMs);
  }
  expect(heard).toEqual([0, 1, 2]);
  expect(madeUp).toBe(0);
});

test("a first packet that none follows is not kept", () => {
  const heard: number[] = [];
  const buffer = new JitterBuffer(8_000, { packet: ([code]) => heard.push(code ?? -1) < 0, lost: () => {}, paused: () => {} });
  buffer.push(7, 0, Uint8Array.of(7), 160, 0);
  expect(heard).toEqual([]);
  buffer.tick(20);
  expect(heard).toEqual([7]);
});

test("a line that is dead for two seconds is made up in time, with silence after 60 ms", () => {
  const { samples } = over({ stall: { fromMs: 5_000, toMs: 7_000, delivers: false } }, { seconds: 12 });
  expect(samples.length / 8, about).toBeCloseTo(12_000, -2);
  const gapMs = longestGapMs(samples);
  expect(gapMs, about).toBeGreaterThan(1_800);
  expect(gapMs, about).toBeLessThanOrEqual(2_000);
});

test("what a line held back and delivers late is heard, all of it, and the surplus goes in the next silence", () => {
  const talk = voice(12 * 8_000);
  talk.fill(0, 8 * 8_000, 11 * 8_000);
  const { samples, receiver } = over({ stall: { fromMs: 5_000, toMs: 6_000, delivers: true } }, { source: talk });
  expect(receiver.buffer.counts.lost, about).toBe(0);
  const spoken = samples.filter((sample) => Math.abs(sample) >= 40).length;
  expect(spoken / 8, about).toBeGreaterThan(talk.filter((sample) => Math.abs(sample) >= 40).length / 8 - 30);
  expect(samples.length / 8, about).toBeCloseTo(12_000, -2);
});

test("a sender that begins anew, with other numbers, is followed at once", () => {
  const { receiver } = over({}, { seconds: 1 });
  const restart = { payloadType: 0, marker: true, ssrc: 2, payload: Buffer.alloc(160, 0x80) };
  for (let at = 0; at < 5; at += 1) receiver.receive({ ...restart, sequence: 5_000 + at, timestamp: 777 + at * 160 }, 1_200 + at * 20);
  expect(receiver.buffer.counts).toMatchObject({ restarts: 1, lost: 0 });
});

// ITU-T G.107 with G.711 and concealment; the figures of a spreadsheet that follows the recommendation.
test.each([
  [100, 0, 4.41],
  [150, 0.03, 4.13],
  [200, 0.03, 4.02],
  [200, 0, 4.34],
  [250, 0.01, 4.05],
  [300, 0, 3.96],
])("a delay of %i ms and a loss of %d are an estimated MOS of %d", (delayMs, lossShare, mos) => {
  expect(estimateMos({ delayMs, lossShare, burstRatio: 1, codec: g711Quality })).toBeCloseTo(mos, 1);
});
