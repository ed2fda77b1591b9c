// The inner loop of a polyphase filter in WebAssembly, for its vector instructions. The module is assembled below, opcode by opcode,
// after the WebAssembly core specification 2.0, section 5 (read 2026-11); there is nothing to build and nothing to keep in step.

const pageBytes = 65_536;
const doubleBytes = Float64Array.BYTES_PER_ELEMENT;
/** Memory: the line of one run, its output, then the taps of all filters. */
const [lineAt, outAt, tapsAt] = [0, pageBytes, 4 * pageBytes];
const lineRoom = (outAt - lineAt) / doubleBytes;
const outRoom = (tapsAt - outAt) / Int16Array.BYTES_PER_ELEMENT;

/** A bank of filters that takes the place of an upsampler, one filter and a downsampler; it remembers nothing between runs. */
export class Fir {
  /** Samples that one run takes at most. */
  readonly longestRun: number;
  readonly #up: number;
  readonly #down: number;
  readonly #tapsFrom: number;
  readonly #tapsBytes: number;
  readonly #rowTaps: number;

  /** `taps`: `up` rows, one a phase, each of a multiple of four taps, newest last. */
  constructor(taps: Float64Array, up: number, down: number) {
    [this.#up, this.#down, this.#rowTaps] = [up, down, taps.length / up];
    this.longestRun = Math.min(lineRoom - this.#rowTaps, Math.floor(((outRoom - 1) * down) / up));
    [this.#tapsFrom, this.#tapsBytes] = [kernel.keep(taps), taps.byteLength];
  }

  /**
   * Writes to `out` from `outFrom` on, and returns how many samples. `line` are the last `rowTaps - 1` samples before these, and
   * afterwards those before the next; `next` is where the first output lies, in steps of 1 / `up` samples.
   */
  run(line: Float64Array, samples: Int16Array, next: number, out: Int16Array, outFrom: number): number {
    const [up, down, rowBytes] = [this.#up, this.#down, this.#rowTaps * doubleBytes];
    const { line: room, out: result } = kernel;
    const [kept, count] = [line.length, samples.length];
    room.set(line);
    for (let at = 0; at < count; at += 1) room[kept + at] = samples[at] ?? 0;
    const made = Math.max(0, Math.ceil((count * up - next) / down));
    if (made > 0) {
      const [tapsFrom, tapsBytes] = [this.#tapsFrom, this.#tapsBytes];
      const at = lineAt + Math.floor(next / up) * doubleBytes;
      const row = tapsFrom + (next % up) * rowBytes;
      const [atStep, rowStep] = [Math.floor(down / up) * doubleBytes, (down % up) * rowBytes];
      kernel.run(outAt, outAt + made * Int16Array.BYTES_PER_ELEMENT, at, row, rowBytes, atStep, rowStep, tapsFrom + tapsBytes, tapsBytes);
      for (let n = 0; n < made; n += 1) out[outFrom + n] = result[n] ?? 0;
    }
    for (let at = 0; at < kept; at += 1) line[at] = room[count + at] ?? 0;
    return made;
  }
}

type Run = (
  out: number,
  outEnd: number,
  at: number,
  row: number,
  rowBytes: number,
  atStep: number,
  rowStep: number,
  tapsEnd: number,
  tapsBytes: number,
) => void;

/** The module and its memory, one for the process: a run ends before the next begins. */
class Kernel {
  readonly run: Run;
  readonly #memory: WebAssembly.Memory;
  #end = tapsAt;
  line = new Float64Array();
  out = new Int16Array();

  constructor() {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), {});
    // What the module below exports.
    [this.run, this.#memory] = [exports["run"] as Run, exports["memory"] as WebAssembly.Memory];
    this.#look();
  }

  /** Keeps them for good; their address. */
  keep(taps: Float64Array): number {
    const from = this.#end;
    this.#end += taps.byteLength;
    const missing = this.#end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / pageBytes));
    new Float64Array(this.#memory.buffer, from, taps.length).set(taps);
    this.#look();
    return from;
  }

  /** Memory that grows is another buffer. */
  #look(): void {
    this.line = new Float64Array(this.#memory.buffer, lineAt, lineRoom);
    this.out = new Int16Array(this.#memory.buffer, outAt, outRoom);
  }
}

// The module

/** A number as the format has it: seven bits a byte, the least first. */
function leb(value: number): number[] {
  return value < 0x80 ? [value] : [0x80 | (value & 0x7f), ...leb(value >>> 7)];
}

const double = (value: number): readonly number[] => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)];
const section = (id: number, ...content: readonly number[]): readonly number[] => [id, ...leb(content.length), ...content];
const name = (text: string): readonly number[] => [text.length, ...Buffer.from(text, "latin1")];

/** The function's parameters, then its own variables. */
const [out, outEnd, at, row, rowBytes, atStep, rowStep, tapsEnd, tapsBytes, sample, tap, rowEnd, even, odd] = Array.from(
  { length: 14 },
  (_, index) => index,
) as [number, number, number, number, number, number, number, number, number, number, number, number, number, number]; // As many as asked for.

const get = (variable: number): readonly number[] => [0x20, variable];
const set = (variable: number): readonly number[] => [0x21, variable];
const tee = (variable: number): readonly number[] => [0x22, variable];
const whole = (value: number): readonly number[] => [0x41, value];
const [loop, branchIf, when, end] = [[0x03, 0x40], 0x0d, [0x04, 0x40], 0x0b];
const [plus, minus, differs, notBelow] = [0x6a, 0x6b, 0x47, 0x4f];
/** Two doubles at once; addresses are multiples of eight. */
const pair = (offset: number): readonly number[] => [0xfd, 0x00, 3, offset];
const noPair = [0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0)];
const [addPairs, multiplyPairs] = [
  [0xfd, 0xf0, 0x01],
  [0xfd, 0xf2, 0x01],
];
const ofPair = (lane: number): readonly number[] => [0xfd, 0x21, lane];
const [add, least, most, floor, truncate] = [0xa0, 0xa4, 0xa5, 0x9c, 0xaa];
const store16 = [0x3b, 1, 0];

const addsTo = (sum: number, offset: number): readonly number[] => [
  ...get(sum),
  ...get(tap),
  ...pair(offset),
  ...get(sample),
  ...pair(offset),
  ...multiplyPairs,
  ...addPairs,
  ...set(sum),
];
const sumOf = (pairs: number): readonly number[] => [...get(pairs), ...ofPair(0), ...get(pairs), ...ofPair(1), add];

const body = [
  ...loop,
  ...[...noPair, ...set(even), ...noPair, ...set(odd)],
  ...[...get(at), ...set(sample), ...get(row), ...tee(tap), ...get(rowBytes), plus, ...set(rowEnd)],
  // Four taps a time, in two sums that do not wait for each other.
  ...loop,
  ...[...addsTo(even, 0), ...addsTo(odd, 16)],
  ...[...get(sample), ...whole(32), plus, ...set(sample)],
  ...[...get(tap), ...whole(32), plus, ...tee(tap), ...get(rowEnd), differs, branchIf, 0],
  end,
  // Rounded, and limited to 16 bits.
  ...get(out),
  ...[...sumOf(even), ...sumOf(odd), add, ...double(0.5), add, floor],
  ...[...double(32_767), least, ...double(-32_768), most, truncate],
  ...store16,
  ...[...get(at), ...get(atStep), plus, ...set(at)],
  ...[...get(row), ...get(rowStep), plus, ...tee(row), ...get(tapsEnd), notBelow],
  ...when,
  ...[...get(row), ...get(tapsBytes), minus, ...set(row)],
  ...[...get(at), ...whole(doubleBytes), plus, ...set(at)],
  end,
  ...[...get(out), ...whole(2), plus, ...tee(out), ...get(outEnd), differs, branchIf, 0],
  end,
  end,
];

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const [i32, v128, func] = [0x7f, 0x7b, 0x60];
  const parameters = Array.from({ length: tapsBytes + 1 }, () => i32);
  const variables = [2, 3, i32, 2, v128];
  const code = [...variables, ...body];
  return Uint8Array.of(
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, func, parameters.length, ...parameters, 0),
    ...section(3, 1, 0),
    ...section(5, 1, 0, tapsAt / pageBytes),
    ...section(7, 2, ...name("memory"), 2, 0, ...name("run"), 0, 0),
    ...section(10, 1, ...leb(code.length), ...code),
  );
}

const kernel = new Kernel();
