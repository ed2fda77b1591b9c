/** Caller audio whose every byte tells its position, as far as a byte can. */
export function marked(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => ((from + at) * 7 + ((from + at) >> 8)) & 0xff);
}
