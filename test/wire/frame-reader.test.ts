import { expect, test } from "vitest";
import { seededRandom } from "../../src/kernel/random.ts";
import { FrameReader, type FrameListener, type Scanner } from "../../src/wire/frame-reader.ts";
import { anyStream } from "./any-stream.ts";
import { frame } from "./torture.ts";

const limits = { messageBytes: 4_096, fragments: 16 };

/** What a reader tells, in order. */
function reading(): { reader: FrameReader; told: string[]; kept: Uint8Array[] } {
  const told: string[] = [];
  const kept: Uint8Array[] = [];
  const hex = (payload: Uint8Array): string => Buffer.from(payload).toString("hex");
  const reader = new FrameReader(limits, {
    text: (text, bytes) => void told.push(`text of ${bytes}: ${text}`),
    binary: (bytes) => void (told.push(`binary: ${hex(bytes)}`), kept.push(bytes)),
    ping: (payload) => void told.push(`ping: ${hex(payload)}`),
    pong: () => void told.push("pong"),
    close: (code) => void told.push(`close ${code}`),
    broke: ({ code, message }) => void told.push(`broke ${code}: ${message}`),
  });
  return { reader, told, kept };
}

const seeds = Array.from({ length: 60 }, (_, at) => at + 1);

test.for(seeds)("however a stream is cut, the same is read of it (seed %i)", (seed) => {
  const random = seededRandom(seed);
  const stream = anyStream(() => random.next());
  const whole = reading();
  whole.reader.take(Buffer.from(stream));
  expect(whole.told.length).toBeGreaterThan(0);
  for (let time = 0; time < 20; time += 1) {
    const cut = reading();
    const most = [1, 3, 20, 400][time % 4] ?? 1;
    for (let at = 0; at < stream.length;) {
      const to = at + 1 + Math.floor(random.next() * most);
      cut.reader.take(Buffer.from(stream.subarray(at, to)));
      at = to;
    }
    expect(cut.told).toEqual(whole.told);
  }
});

test("a text is shown by its bytes first, and told only to who did not take it; what is told is UTF-8", () => {
  const told: string[] = [];
  const scanner: Scanner = {
    scan: (bytes, from, end) => {
      const isTaken = bytes[from] === 0x21;
      told.push(`${isTaken ? "took" : "left"} ${bytes.toString("latin1", from, end)}`);
      return isTaken;
    },
  };
  const listener: FrameListener = {
    ...silent,
    text: (text) => void told.push(`text ${text}`),
    broke: ({ code }) => void told.push(`broke ${code}`),
  };
  const reader = new FrameReader(limits, listener, "client", scanner);
  const text = (payload: Buffer, fin = true, opcode = 1): Buffer => frame({ opcode, fin, payload });
  const bad = Buffer.from([0x41, 0xff]);
  reader.take(Buffer.concat([text(Buffer.from("!1")), text(Buffer.from("2")), text(Buffer.from("!3")), text(Buffer.from("!4"), false)]));
  // The end of a message in pieces; then what is no UTF-8, taken by who looks at the bytes, and not taken.
  reader.take(
    Buffer.concat([text(Buffer.from("5"), true, 0), text(Buffer.concat([Buffer.from("!"), bad])), text(bad), text(Buffer.from("!"))]),
  );
  expect(told).toEqual(["took !1", "left 2", "text 2", "took !3", "text !45", "took !A\u00ff", "left A\u00ff", "broke 1007"]);
});

test("what was handed on is not written to by what comes after", () => {
  const { reader, kept } = reading();
  const messages = Array.from({ length: 40 }, (_, at) => Buffer.alloc(1 + at * 20, at));
  const stream = Buffer.concat(messages.map((payload) => frame({ opcode: 2, payload })));
  for (let at = 0; at < stream.length; at += 97) reader.take(Buffer.from(stream.subarray(at, at + 97)));
  expect(kept.map((bytes) => Buffer.from(bytes))).toEqual(messages);
});

test("a header says enough: neither a long message nor a bad frame is waited for", () => {
  const tooLong = frame({ opcode: 2, claims: 4_097n });
  const { reader, told } = reading();
  reader.take(tooLong.subarray(0, 3));
  expect(told).toEqual([]);
  reader.take(tooLong.subarray(3, 4));
  expect(told).toEqual([expect.stringContaining("broke 1009")]);
  const bad = reading();
  bad.reader.take(frame({ opcode: 1, rsv: 4, payload: Buffer.alloc(50) }).subarray(0, 2));
  expect(bad.told).toEqual([expect.stringContaining("broke 1002")]);
});

test("who claims much and sends little holds little memory", () => {
  const claimed = 1 << 26;
  const readers = Array.from({ length: 200 }, () => new FrameReader({ messageBytes: claimed, fragments: 2 }, silent));
  const before = process.memoryUsage().arrayBuffers;
  const header = frame({ opcode: 2, claims: BigInt(claimed), payload: Buffer.alloc(100) });
  for (const reader of readers) reader.take(Buffer.from(header));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
});

const silent = { text: () => {}, binary: () => {}, ping: () => {}, pong: () => {}, close: () => {}, broke: () => {} };
