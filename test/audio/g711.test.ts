import { expect, test } from "vitest";
import { pcma, pcmu } from "../../src/audio/g711.ts";

const codes = Array.from({ length: 256 }, (_, code) => code);

/** Decision values of G.711 table 2a, on µ-law's 14-bit scale: 0, 1, 3, ... 31, 35, ... 8159. Value n lies between the nth and the next. */
function mulawDecisions(): number[] {
  const decisions = [0, 1];
  const last = (): number => decisions.at(-1) ?? 0;
  for (let n = 0; n < 15; n += 1) decisions.push(last() + 2);
  for (let step = 4; step <= 256; step *= 2) for (let n = 0; n < 16; n += 1) decisions.push(last() + step);
  expect([decisions.length, last()]).toEqual([129, 8_159]);
  return decisions;
}

/** The same of table 1a, on A-law's 13-bit scale: 0, 2, ... 64, 68, ... 4096. */
function alawDecisions(): number[] {
  const decisions = [0];
  const last = (): number => decisions.at(-1) ?? 0;
  for (let n = 0; n < 32; n += 1) decisions.push(last() + 2);
  for (let step = 4; step <= 128; step *= 2) for (let n = 0; n < 16; n += 1) decisions.push(last() + step);
  expect([decisions.length, last()]).toEqual([129, 4_096]);
  return decisions;
}

const middles = (decisions: number[]): number[] => decisions.slice(0, 128).map((from, n) => (from + (decisions[n + 1] ?? 0)) / 2);

test("every µ-law code decodes to the value of the recommendation's table", () => {
  const magnitudes = [0, ...middles(mulawDecisions()).slice(1)];
  const expected = codes.map((code) => 4 * (magnitudes[~code & 0x7f] ?? 0) * (code & 0x80 ? 1 : -1) + 0);
  expect([...pcmu.decode(Uint8Array.from(codes))]).toEqual(expected);
});

test("every A-law code decodes to the value of the recommendation's table", () => {
  const magnitudes = middles(alawDecisions());
  const expected = codes.map((code) => 8 * (magnitudes[(code ^ 0x55) & 0x7f] ?? 0) * (code & 0x80 ? 1 : -1));
  expect([...pcma.decode(Uint8Array.from(codes))]).toEqual(expected);
});

test.each([
  { name: "µ-law", law: pcmu, exceptions: [[0x7f, 0xff]] },
  { name: "A-law", law: pcma, exceptions: [] },
])("every $name code survives decoding and encoding, but for the negative zero", ({ law, exceptions }) => {
  const changed = codes
    .map((code, at) => [code, law.encode(law.decode(Uint8Array.from(codes)))[at]])
    .filter(([before, after]) => before !== after);
  expect(changed).toEqual(exceptions);
});

test.each([
  {
    name: "µ-law",
    law: pcmu,
    decisions: mulawDecisions(),
    step: 4,
    codeOf: (n: number, negative: boolean) => ~(n | (negative ? 0x80 : 0)) & 0xff,
  },
  {
    name: "A-law",
    law: pcma,
    decisions: alawDecisions(),
    step: 8,
    codeOf: (n: number, negative: boolean) => (n | (negative ? 0 : 0x80)) ^ 0x55,
  },
])("every 16-bit sample is encoded by the decision values of $name", ({ law, decisions, step, codeOf }) => {
  const wrong: number[] = [];
  let n = 0;
  for (let magnitude = 0; magnitude < 32_768; magnitude += 1) {
    while (n < 127 && magnitude / step >= (decisions[n + 1] ?? 0)) n += 1;
    // A negative value is taken by its one's complement, as both signs have the same number of steps.
    for (const sample of [magnitude, ~magnitude]) if (law.codeOf[sample & 0xffff] !== codeOf(n, sample < 0)) wrong.push(sample);
  }
  expect(wrong).toEqual([]);
});

test("loud samples are encoded to the outermost codes, silence to the codes that mean silence", () => {
  const samples = Int16Array.of(32_767, -32_768, 0);
  expect([...pcmu.encode(samples)]).toEqual([0x80, 0x00, 0xff]);
  expect([...pcma.encode(samples)]).toEqual([0xaa, 0x2a, 0xd5]);
});

test("a kept array is filled from its front and given back", () => {
  const kept = new Int16Array(4);
  expect(pcmu.decode(Uint8Array.of(0x80, 0x00), kept)).toBe(kept);
  expect([...kept]).toEqual([32_124, -32_124, 0, 0]);
  const bytes = new Uint8Array(3);
  expect(pcma.encode(Int16Array.of(-32_768), bytes)).toBe(bytes);
  expect([...bytes]).toEqual([0x2a, 0, 0]);
});
