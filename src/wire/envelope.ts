/** A text that is the same each time but for a piece of base64 in it: how audio goes over wires of text. */
export class Envelope {
  /** What stands before the base64, and after it. */
  readonly head: string;
  readonly tail: string;
  /** Of both, in UTF-8. */
  readonly bytes: number;

  constructor(head: string, tail: string) {
    this.head = head;
    this.tail = tail;
    this.bytes = Buffer.byteLength(head) + Buffer.byteLength(tail);
  }

  /** The whole text. */
  around(bytes: Uint8Array): string {
    return `${this.head}${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64")}${this.tail}`;
  }
}
