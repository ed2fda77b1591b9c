const rows = [697, 770, 852, 941];
const columns = [1_209, 1_336, 1_477, 1_633];
const keypad = ["123A", "456B", "789C", "*0#D"];
/** ITU-T Q.24 asks for at least 40 ms each; networks that cut short need more. */
const toneMs = 100;
const gapMs = 80;
const rampMs = 4;
/** Each of the two tones, of full scale: together about -6 dB. */
const amplitude = 0.25;

/**
 * Digits (0-9 * # A-D, as ITU-T Q.23 has them) as sound, each followed by a pause: for wires that have no words for them. Samples of
 * 16 bits; other characters are left out.
 */
export function dtmfTones(digits: string, rateHz: number): Int16Array {
  const pairs = Array.from(digits).flatMap((digit) => pairOf(digit));
  const samplesOf = (ms: number): number => Math.round((ms * rateHz) / 1000);
  const each = samplesOf(toneMs + gapMs);
  const sound = new Int16Array(pairs.length * each);
  const length = samplesOf(toneMs);
  const ramp = samplesOf(rampMs);
  for (const [index, { lowHz, highHz }] of pairs.entries()) {
    for (let at = 0; at < length; at += 1) {
      const envelope = Math.min(1, at / ramp, (length - at) / ramp);
      const wave = Math.sin((2 * Math.PI * lowHz * at) / rateHz) + Math.sin((2 * Math.PI * highHz * at) / rateHz);
      sound[index * each + at] = Math.round(32_767 * amplitude * envelope * wave);
    }
  }
  return sound;
}

function pairOf(digit: string): { readonly lowHz: number; readonly highHz: number }[] {
  const row = keypad.findIndex((keys) => keys.includes(digit));
  const lowHz = rows[row];
  const highHz = columns[keypad[row]?.indexOf(digit) ?? -1];
  return lowHz === undefined || highHz === undefined ? [] : [{ lowHz, highHz }];
}
