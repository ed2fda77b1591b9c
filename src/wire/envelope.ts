/** A text that is the same each time but for a piece of base64 in it: how audio goes over wires of text. */
export class Envelope {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;

  /** What stands before the base64, and after it. */
  constructor(head: string, tail: string) {
    this.head = Buffer.from(head);
    this.tail = Buffer.from(tail);
  }

  /** The whole text. */
  around(bytes: Uint8Array): string {
    const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
    return `${Buffer.from(this.head).toString()}${base64}${Buffer.from(this.tail).toString()}`;
  }
}
