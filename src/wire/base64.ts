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
