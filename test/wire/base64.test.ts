import { expect, test } from "vitest";
import { seededRandom } from "../../src/kernel/random.ts";
import { base64LengthOf, readBase64, writeBase64 } from "../../src/wire/base64.ts";
import { Envelope } from "../../src/wire/envelope.ts";

const seed = 5;

function bytesOf(length: number, next: () => number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => Math.floor(next() * 256)));
}

test("bytes of any length are written as Node writes them, and nothing beside them", () => {
  const random = seededRandom(seed);
  for (let length = 0; length <= 700; length += 1) {
    const bytes = bytesOf(length, () => random.next());
    const text = Buffer.alloc(1_000, "#");
    writeBase64(bytes, text, 9);
    expect(text.toString("latin1")).toBe(`#########${bytes.toString("base64")}`.padEnd(1_000, "#"));
    expect(base64LengthOf(length)).toBe(bytes.toString("base64").length);
  }
});

test("they are read back from where they stand", () => {
  const random = seededRandom(seed);
  for (let length = 1; length <= 700; length += 1) {
    const bytes = bytesOf(length, () => random.next());
    const text = Buffer.from(`"${bytes.toString("base64")}"`);
    expect(readBase64(text, 1, text.length - 1)).toEqual(bytes);
  }
});

test("one letter that is none of base64's, wherever it stands, and nothing is read", () => {
  const random = seededRandom(seed);
  const text = Buffer.from(bytesOf(61, () => random.next()).toString("base64"));
  for (let at = 0; at < text.length; at += 1) {
    for (let letter = 0; letter < 256; letter += 1) {
      const damaged = Buffer.from(text);
      damaged[at] = letter;
      const isLetter = /^[A-Za-z0-9+/]$/.test(String.fromCharCode(letter));
      // The last two may be padding, which here they are.
      if (isLetter || (letter === 0x3d && at >= text.length - 2)) continue;
      if (readBase64(damaged, 0, damaged.length) !== undefined) expect.fail(`${letter} at ${at} was read`);
    }
  }
  for (const odd of ["", "A", "AA", "AAA", "AAAAA", "====", "A===", "=AAA", "AA=A"]) {
    const bytes = Buffer.from(odd);
    expect(readBase64(bytes, 0, bytes.length), odd).toBeUndefined();
  }
});

test("longer audio than is ever sent at once is left to the parser", () => {
  const text = Buffer.from(Buffer.alloc(20_000).toString("base64"));
  expect(readBase64(text, 0, text.length)).toBeUndefined();
});

test("an envelope knows how long it is, in whatever letters", () => {
  const envelope = new Envelope('{"name":"Größe 😀","audio":"', '"}');
  expect(Buffer.concat([envelope.head, envelope.tail]).toString()).toBe(envelope.around(new Uint8Array(0)));
  expect(JSON.parse(envelope.around(Uint8Array.of(1, 2)))).toEqual({ name: "Größe 😀", audio: "AQI=" });
});
