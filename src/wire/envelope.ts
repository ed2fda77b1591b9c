/** A text that is the same each time but for a piece of base64 in it: how audio goes over wires of text. */
export class Envelope {
  /** What stands before the base64, and after it, in UTF-8: as bytes they are written three times as fast. */
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  readonly #text: readonly [head: string, tail: string];

  constructor(head: string, tail: string) {
    const encoder = new TextEncoder();
    this.head = encoder.encode(head);
    this.tail = encoder.encode(tail);
    this.#text = [head, tail];
  }

  /** The whole text. */
  around(bytes: Uint8Array): string {
    return this.#text.join(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64"));
  }
}
