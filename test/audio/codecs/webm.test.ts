import { expect, test } from "vitest";
import { WebmOpus } from "../../../src/audio/codecs/webm.ts";
import { Fault } from "../../../src/kernel/fault.ts";
import { seededRandom } from "../../../src/kernel/random.ts";

const unknown = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const element = (id: readonly number[], body: readonly number[]): number[] => [
  ...id,
  0x40 | (body.length >> 8),
  body.length & 0xff,
  ...body,
];
const text = (word: string): number[] => [...Buffer.from(word)];
const ebml = element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x82], text("webm")));
const segment = [0x18, 0x53, 0x80, 0x67, ...unknown];
const info = element([0x15, 0x49, 0xa9, 0x66], element([0x4d, 0x80], text("a browser")));
const trackEntry = (codec: string): number[] =>
  element(
    [0xae],
    [...element([0xd7], [1]), ...element([0x83], [2]), ...element([0x86], text(codec)), ...element([0x63, 0xa2], text("OpusHead"))],
  );
const tracks = (...entries: readonly number[][]): number[] => element([0x16, 0x54, 0xae, 0x6b], entries.flat());
const cluster = [0x1f, 0x43, 0xb6, 0x75, ...unknown, ...element([0xe7], [0])];
const block = (packet: readonly number[], { track = 1, flags = 0x80 } = {}): number[] =>
  element([0xa3], [0x80 | track, 0, 7, flags, ...packet]);
const head = [...ebml, ...segment, ...info, ...tracks(trackEntry("A_OPUS"))];
const packets = [[0xf8, 1, 2, 3], [0xf8, 4], Array.from({ length: 300 }, (_, at) => at & 0xff)];
const stream = Uint8Array.from([
  ...head,
  ...cluster,
  ...packets.slice(0, 2).flatMap((packet) => block(packet)),
  ...cluster,
  ...block(packets[2] ?? []),
]);

const all = (pieces: readonly Uint8Array[]): number[][] => {
  const webm = new WebmOpus();
  return pieces.flatMap((piece) => webm.push(piece).map((packet) => [...packet]));
};

test("a recorder's stream gives its packets, wherever it is cut into pieces", () => {
  expect(all([stream])).toEqual(packets);
  for (let at = 1; at < stream.length; at += 1) expect(all([stream.subarray(0, at), stream.subarray(at)])).toEqual(packets);
  expect(all([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(packets);
});

test.each([
  { name: "no WebM", bytes: text("RIFFsomething"), code: "caller-malformed", says: "EBML header" },
  {
    name: "a picture beside the sound",
    bytes: [...ebml, ...segment, ...tracks(trackEntry("A_OPUS"), trackEntry("V_VP8"))],
    code: "caller-unsupported",
    says: "more than one track",
  },
  { name: "another codec", bytes: [...ebml, ...segment, ...tracks(trackEntry("A_VORBIS"))], code: "caller-unsupported", says: "A_VORBIS" },
  { name: "a block before its track", bytes: [...ebml, ...segment, ...block([1])], code: "caller-malformed", says: "before its track" },
  { name: "another track's block", bytes: [...head, ...block([1], { track: 2 })], code: "caller-unsupported", says: "track 2" },
  { name: "lacing", bytes: [...head, ...block([1], { flags: 0x06 })], code: "caller-unsupported", says: "laced" },
  { name: "an empty block", bytes: [...head, ...block([])], code: "caller-malformed", says: "too short" },
  { name: "a packet without end", bytes: [...head, 0xa3, ...unknown], code: "caller-malformed", says: "no size" },
  { name: "a packet of 5,000 bytes", bytes: [...head, 0xa3, 0x53, 0x88], code: "caller-malformed", says: "limit is 4096" },
  { name: "an id of five bytes", bytes: [...head, 0x08, 0x80], code: "caller-malformed", says: "no element begins" },
])("$name is refused", ({ bytes, code, says }) => {
  expect(() => new WebmOpus().push(Uint8Array.from(bytes))).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(says) as unknown }),
  );
});

test("whatever comes, it is packets or a fault, and hardly anything is held", () => {
  const seed = 20_261_121;
  const random = seededRandom(seed);
  for (let run = 0; run < 3_000; run += 1) {
    const bytes = stream.slice(0, 20 + Math.floor(random.next() * stream.length));
    for (let hit = 0; hit < 4; hit += 1) bytes[Math.floor(random.next() * bytes.length)] = Math.floor(random.next() * 256);
    const cut = Math.floor(random.next() * bytes.length);
    try {
      for (const packet of all([bytes.subarray(0, cut), bytes.subarray(cut)])) expect(packet.length).toBeLessThanOrEqual(4_096);
    } catch (error) {
      if (!(error instanceof Fault)) throw new Error(`seed ${seed}, run ${run}`, { cause: error });
    }
  }
});
