// What measuring level and clipping costs a call: time per frame, and per second of call at one frame in ten of both sides.
// `node scripts/bench/sound-meter.ts`; figures of one machine, noise about 10 %.
import { bytesOf, encodings, type Encoding } from "../../src/audio/encodings.ts";
import { SoundMeter } from "../../src/audio/sound-meter.ts";

const runs = 200_000;

// The table has no other keys.
for (const encoding of Object.keys(encodings) as Encoding[]) {
  const frame = new Uint8Array(bytesOf(20, encoding)).map((_, at) => (at * 37) & 0xff);
  const meter = new SoundMeter(encoding);
  for (let n = 0; n < runs / 10; n += 1) meter.take(frame);
  const before = { heap: process.memoryUsage().heapUsed, ms: performance.now() };
  for (let n = 0; n < runs; n += 1) meter.take(frame);
  const microseconds = ((performance.now() - before.ms) / runs) * 1_000;
  const bytesEach = Math.max(0, process.memoryUsage().heapUsed - before.heap) / runs;
  const perSecond = microseconds * 2 * 5;
  console.log(
    `${encoding.padEnd(12)} ${microseconds.toFixed(2)} µs per 20 ms frame, ${bytesEach.toFixed(2)} bytes of heap each, ${perSecond.toFixed(1)} µs per second of call`,
  );
}
