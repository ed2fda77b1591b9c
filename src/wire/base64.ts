// Base64 as RFC 4648, section 4, writes it, without a string in between: audio comes and goes so fifty times a second and call.

const letters = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "latin1");
/** What is added to the six bits of each letter where it is none. */
const wrong = 0x80;
const sixBitsOf = new Uint8Array(256).fill(wrong);
for (const [bits, letter] of letters.entries()) sixBitsOf[letter] = bits;
const pad = 0x3d;

/** Longer audio than anybody sends in one message gets memory of its own. */
const sharedBytes = 16_384;
const shared = Buffer.allocUnsafeSlow(sharedBytes);
/** Its beginnings by their length: most pieces are as long as the one before. */
const beginnings: (Uint8Array | undefined)[] = [];

/**
 * The bytes of a text in base64; undefined where it is none, or of none. They are valid until the next text is decoded: whoever hands
 * them on does so at once, and who wants to keep them copies them.
 */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const length = (text.length * 3) / 4 - padding;
  if (length > sharedBytes) return wholeOrNone(Buffer.from(text, "base64"), length);
  // Node skips what is no base64, so a text that gives any less than it should was none.
  return shared.write(text, "base64") === length && length > 0 ? (beginnings[length] ??= shared.subarray(0, length)) : undefined;
}

const wholeOrNone = (bytes: Uint8Array, length: number): Uint8Array | undefined => (bytes.length === length ? bytes : undefined);

/** The same of letters that stand from `from` to `end`; undefined also where there are more than are ever sent at once. */
export function readBase64(text: Uint8Array, from: number, end: number): Uint8Array | undefined {
  if ((end - from) % 4 !== 0 || end <= from) return undefined;
  const padding = text[end - 1] !== pad ? 0 : text[end - 2] !== pad ? 1 : 2;
  const length = ((end - from) / 4) * 3 - padding;
  if (length > sharedBytes) return undefined;
  const whole = padding === 0 ? end : end - 4;
  let seen = 0;
  let to = 0;
  for (let at = from; at < whole; at += 4) {
    const one = sixBitsOf[text[at] ?? 0] ?? 0;
    const two = sixBitsOf[text[at + 1] ?? 0] ?? 0;
    const three = sixBitsOf[text[at + 2] ?? 0] ?? 0;
    const four = sixBitsOf[text[at + 3] ?? 0] ?? 0;
    seen |= one | two | three | four;
    shared[to] = (one << 2) | (two >> 4);
    shared[to + 1] = (two << 4) | (three >> 2);
    shared[to + 2] = (three << 6) | four;
    to += 3;
  }
  if (padding > 0) {
    const one = sixBitsOf[text[whole] ?? 0] ?? 0;
    const two = sixBitsOf[text[whole + 1] ?? 0] ?? 0;
    const three = padding === 1 ? (sixBitsOf[text[whole + 2] ?? 0] ?? 0) : 0;
    seen |= one | two | three;
    shared[to] = (one << 2) | (two >> 4);
    if (padding === 1) shared[to + 1] = (two << 4) | (three >> 2);
  }
  return (seen & wrong) === 0 ? (beginnings[length] ??= shared.subarray(0, length)) : undefined;
}

/** How many letters so many bytes become. */
export const base64LengthOf = (bytes: number): number => Math.ceil(bytes / 3) * 4;

/** Writes `bytes` in base64 from `at` on, where there must be room. */
export function writeBase64(bytes: Uint8Array, into: Uint8Array, at: number): void {
  const whole = bytes.length - (bytes.length % 3);
  let to = at;
  for (let from = 0; from < whole; from += 3) {
    const three = ((bytes[from] ?? 0) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
    into[to] = letters[three >> 18] ?? 0;
    into[to + 1] = letters[(three >> 12) & 63] ?? 0;
    into[to + 2] = letters[(three >> 6) & 63] ?? 0;
    into[to + 3] = letters[three & 63] ?? 0;
    to += 4;
  }
  if (whole === bytes.length) return;
  const [one = 0, two] = [bytes[whole], bytes[whole + 1]];
  into[to] = letters[one >> 2] ?? 0;
  into[to + 1] = letters[((one & 3) << 4) | ((two ?? 0) >> 4)] ?? 0;
  into[to + 2] = two === undefined ? pad : (letters[(two & 15) << 2] ?? 0);
  into[to + 3] = pad;
}
