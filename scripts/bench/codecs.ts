// What G.711, G.722 and Opus do to sound and what they cost: `node scripts/bench/codecs.ts`. SNR of tones (Opus is made for
// speech and keeps the sound rather than the waveform), time per frame of 20 ms. Figures of one machine.
import { G722Decoder, G722Encoder } from "../../src/audio/codecs/g722.ts";
import { OpusCodec } from "../../src/audio/codecs/opus.ts";
import type { Encoding } from "../../src/audio/encodings.ts";
import { pcma, pcmu } from "../../src/audio/g711.ts";
import { babble } from "../../src/fakes/voice.ts";

interface Row {
  readonly name: string;
  readonly rateHz: number;
  readonly encoding: Encoding;
  /** 20 ms there and back. */
  readonly pass: (frame: Int16Array) => Int16Array;
}

const opus = new OpusCodec(24_000);
const [up, down] = [new G722Encoder(), new G722Decoder()];
const rows: readonly Row[] = [
  { name: "PCMU", rateHz: 8_000, encoding: "pcm16@8000", pass: (frame) => pcmu.decode(pcmu.encode(frame)) },
  { name: "PCMA", rateHz: 8_000, encoding: "pcm16@8000", pass: (frame) => pcma.decode(pcma.encode(frame)) },
  { name: "G722", rateHz: 16_000, encoding: "pcm16@16000", pass: (frame) => Int16Array.from(down.decode(up.encode(frame))) },
  {
    name: "opus",
    rateHz: 24_000,
    encoding: "pcm16@24000",
    pass: (frame) => samplesOf(opus.decode(opus.encode(new Uint8Array(frame.buffer)))),
  },
];

const samplesOf = (bytes: Uint8Array): Int16Array => new Int16Array(Uint8Array.from(bytes).buffer);

function through({ pass, rateHz }: Row, samples: Int16Array): Int16Array {
  const frame = rateHz / 50;
  const out = new Int16Array(samples.length - (samples.length % frame));
  for (let at = 0; at + frame <= samples.length; at += frame) out.set(pass(samples.slice(at, at + frame)), at);
  return out;
}

/** Power of the best-fitting sine over all that it leaves, dB; the first tenth of a second is the codec's start. */
function snrDb(row: Row, toneHz: number, amplitude: number): number {
  const turn = (2 * Math.PI * toneHz) / row.rateHz;
  const heard = through(
    row,
    Int16Array.from({ length: row.rateHz }, (_, n) => amplitude * Math.sin(turn * n)),
  ).subarray(row.rateHz / 10);
  let [sine, cosine, power] = [0, 0, 0];
  heard.forEach((sample, n) => {
    sine += (2 * sample * Math.sin(turn * n)) / heard.length;
    cosine += (2 * sample * Math.cos(turn * n)) / heard.length;
    power += (sample * sample) / heard.length;
  });
  const tone = (sine * sine + cosine * cosine) / 2;
  return 10 * Math.log10(tone / Math.max(power - tone, 1e-9));
}

/** The fastest of five seconds of speech, per frame of 20 ms there and back, µs. */
function microseconds(row: Row): number {
  const speech = samplesOf(babble("a few words of several kinds, spoken without haste", row.encoding, 1_000));
  let best = Infinity;
  for (let run = 0; run < 5; run += 1) {
    const begun = performance.now();
    through(row, speech);
    best = Math.min(best, (performance.now() - begun) / 50);
  }
  return best * 1_000;
}

console.log("codec    SNR at 1 kHz: loud  -20 dB  -40 dB    at 3 kHz   there and back");
for (const row of rows) {
  const cells = [...[26_000, 2_600, 260].map((amplitude) => snrDb(row, 1_000, amplitude)), snrDb(row, 3_000, 8_000)];
  console.log(
    `${row.name.padEnd(8)}${cells.map((cell) => `${cell.toFixed(1)} dB`.padStart(11)).join("")}${`${microseconds(row).toFixed(0)} µs`.padStart(14)}`,
  );
}
opus.close();
