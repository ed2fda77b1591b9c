import { expect, test } from "vitest";
import { bytesOf, encodings, msOf, type Encoding } from "../../src/audio/encodings.ts";
import { pcma, pcmu } from "../../src/audio/g711.ts";
import { speechEnd } from "../../src/audio/speech-end.ts";
import { seededRandom } from "../../src/kernel/random.ts";

/** A voice of `db` for so long, or the line's own noise, dBFS. */
type Stretch = readonly [ms: number, db: number];

/** White noise of such loudness, as the caller's line carries it. */
function line(encoding: Encoding, stretches: readonly Stretch[]) {
  const random = seededRandom(11);
  const { codec, rateHz } = encodings[encoding];
  const samples = stretches.flatMap(([ms, db]) => {
    // Uniform noise has a third of the power of its peak.
    const peak = 32_768 * 10 ** (db / 20) * Math.sqrt(3);
    return Array.from({ length: (ms * rateHz) / 1_000 }, () =>
      Math.max(-32_768, Math.min(32_767, Math.round((random.next() * 2 - 1) * peak))),
    );
  });
  const pcm = Int16Array.from(samples);
  const bytes = codec === "pcm16" ? new Uint8Array(pcm.buffer) : (codec === "pcmu" ? pcmu : pcma).encode(pcm);
  return { encoding, start: 0, end: bytes.length, view: (from: number, limit: number) => bytes.subarray(from, from + limit) };
}

const told = (encoding: Encoding, stretches: readonly Stretch[], fromMs = 0): number => {
  const heard = line(encoding, stretches);
  return msOf(speechEnd(heard, bytesOf(fromMs, encoding), heard.end), encoding);
};

const all: readonly Encoding[] = ["pcm16@8000", "pcm16@16000", "pcm16@24000", "pcm16@48000", "pcmu@8000", "pcma@8000"];
test.each(all)("the pause that ended a turn is no part of what was said (%s)", (encoding) => {
  expect(
    told(encoding, [
      [1_000, -20],
      [500, -70],
    ]),
  ).toBe(1_000);
});

test.each<{ name: string; stretches: readonly Stretch[]; endMs: number }>([
  {
    name: "noise on the line is no speech",
    stretches: [
      [1_000, -18],
      [700, -42],
    ],
    endMs: 1_000,
  },
  {
    name: "nor is a click in the pause",
    stretches: [
      [1_000, -20],
      [300, -70],
      [20, -10],
      [180, -70],
    ],
    endMs: 1_000,
  },
  { name: "a turn that was ended in mid-word ends there", stretches: [[1_500, -20]], endMs: 1_500 },
  { name: "a turn in which nothing is loud ends where it was said to", stretches: [[2_000, -70]], endMs: 2_000 },
  {
    name: "a long pause is found too",
    stretches: [
      [1_000, -25],
      [8_000, -65],
    ],
    endMs: 1_000,
  },
])("$name", ({ stretches, endMs }) => {
  expect(told("pcm16@16000", stretches)).toBe(endMs);
});

test("what was said before the turn began is not taken for it", () => {
  expect(
    told(
      "pcm16@16000",
      [
        [1_000, -20],
        [1_000, -70],
      ],
      1_500,
    ),
  ).toBe(2_000);
});
