import { expect, test } from "vitest";
import { bytesOf, encodings, type Encoding } from "../../src/audio/encodings.ts";
import { Hearing } from "../../src/fakes/hearing.ts";
import { babble, silence } from "../../src/fakes/voice.ts";
import { seededRandom } from "../../src/kernel/random.ts";

const all: Encoding[] = ["pcm16@8000", "pcm16@16000", "pcm16@24000", "pcm16@48000", "pcmu@8000", "pcma@8000"];
const quiet = (ms: number, encoding: Encoding): Uint8Array => silence(bytesOf(ms, encoding), encoding);

test.for(all)("speech in %s is found where it is, however it is cut into pieces", (encoding) => {
  const audio = Buffer.concat([quiet(500, encoding), babble("could you move my visit", encoding, 1_000), quiet(800, encoding)]);
  const seed = 3;
  const random = seededRandom(seed);
  const hearing = new Hearing(encoding, { startMs: 60, silenceMs: 500 });
  const notices = [];
  const { bytesPerSample } = encodings[encoding];
  for (let at = 0; at < audio.length;) {
    const end = at + bytesPerSample * (1 + Math.floor(random.next() * 500));
    notices.push(...hearing.hear(audio.subarray(at, end)));
    at = end;
  }
  expect(notices, `seed ${seed}`).toEqual([
    { type: "started", atMs: 500 },
    { type: "stopped", atMs: 2_000 },
  ]);
  expect(hearing.heardMs).toBeCloseTo(2_300, 0);
});

test("silence and a click are no speech", () => {
  const hearing = new Hearing("pcmu@8000", { startMs: 60, silenceMs: 500 });
  const audio = Buffer.concat([quiet(1_000, "pcmu@8000"), babble("a", "pcmu@8000", 30), quiet(1_000, "pcmu@8000")]);
  expect([...hearing.hear(audio)]).toEqual([]);
});

test("babble lasts as long as it is told, and says the same thing the same way", () => {
  expect(babble("one two", "pcm16@24000", 750).length).toBe(bytesOf(750, "pcm16@24000"));
  expect(babble("one two", "pcmu@8000")).toEqual(babble("one two", "pcmu@8000"));
  expect(babble("one two", "pcmu@8000", 500)).not.toEqual(babble("two one", "pcmu@8000", 500));
  expect(babble("", "pcmu@8000").length).toBe(0);
});
