const lowHz = [697, 770, 852, 941];
const highHz = [1_209, 1_336, 1_477, 1_633];
const keypad = ["123A", "456B", "789C", "*0#D"];
const blockMs = 20;
/** Of a block's energy, what the two tones must hold between them. */
const purity = 0.6;
const quietestPower = 1e5;

/** The digits that a telephone would hear in this sound (DTMF, ITU-T Q.23), by Goertzel's algorithm. */
export function digitsIn(samples: Int16Array, rateHz: number): string {
  const block = Math.round((blockMs * rateHz) / 1000);
  let digits = "";
  let before = "";
  for (let at = 0; at + block <= samples.length; at += block) {
    const digit = digitOf(samples.subarray(at, at + block), rateHz);
    if (digit !== before) digits += digit;
    before = digit;
  }
  return digits;
}

/** Empty: no digit sounds in this block. */
function digitOf(block: Int16Array, rateHz: number): string {
  const power = block.reduce((sum, sample) => sum + sample * sample, 0) / block.length;
  if (power < quietestPower) return "";
  const low = strongest(block, lowHz, rateHz);
  const high = strongest(block, highHz, rateHz);
  return low.power + high.power < purity * power ? "" : (keypad[low.index]?.[high.index] ?? "");
}

function strongest(block: Int16Array, tonesHz: readonly number[], rateHz: number): { index: number; power: number } {
  const powers = tonesHz.map((toneHz) => goertzel(block, toneHz, rateHz));
  const power = Math.max(...powers);
  return { index: powers.indexOf(power), power };
}

/** Mean power of one tone in the block. */
function goertzel(block: Int16Array, toneHz: number, rateHz: number): number {
  const turn = 2 * Math.cos((2 * Math.PI * toneHz) / rateHz);
  let first = 0;
  let second = 0;
  for (const sample of block) {
    const next = sample + turn * first - second;
    second = first;
    first = next;
  }
  return (2 * (first * first + second * second - turn * first * second)) / (block.length * block.length);
}
