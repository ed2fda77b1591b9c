/** What came out of a stream: whole messages, keep-alive pings to be answered, or the end of all hope. */
export type Framed =
  | { readonly name: "message"; readonly bytes: Buffer }
  | { readonly name: "ping" }
  /** The boundary of messages is lost; only closing helps. */
  | { readonly name: "broken"; readonly why: string };

/** Longest message, bytes; RFC 3261 section 18.1.1 wants at least this. */
const messageLimitBytes = 65_535;

/** Cuts a TCP or TLS stream into messages by Content-Length (RFC 3261 section 18.3); knows the pings of RFC 5626 section 4.4.1. */
export class Framing {
  #waiting: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): Framed[] {
    this.#waiting = this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes]);
    const framed: Framed[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      framed.push(next);
      if (next.name === "broken") break;
    }
    return framed;
  }

  #next(): Framed | undefined {
    if (this.#waiting.length >= 4 && this.#waiting.readUInt32BE(0) === 0x0d0a0d0a) {
      this.#waiting = this.#waiting.subarray(4);
      return { name: "ping" };
    }
    while (this.#waiting.length > 2 && this.#waiting[0] === 0x0d && this.#waiting[1] === 0x0a && this.#waiting[2] !== 0x0d) {
      this.#waiting = this.#waiting.subarray(2);
    }
    const end = this.#waiting.indexOf("\r\n\r\n");
    if (end < 0)
      return this.#waiting.length > messageLimitBytes ? this.#break(`a header of more than ${messageLimitBytes} bytes`) : undefined;
    const header = this.#waiting.toString("latin1", 0, end);
    const length = /(?:^|\r\n)(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*(?=\r\n|$)/i.exec(header)?.[1];
    if (length === undefined) return this.#break("a message without Content-Length");
    const total = end + 4 + Number(length);
    if (total > messageLimitBytes) return this.#break(`a message of ${total} bytes, the limit is ${messageLimitBytes}`);
    if (this.#waiting.length < total) return undefined;
    const bytes = this.#waiting.subarray(0, total);
    this.#waiting = this.#waiting.subarray(total);
    return { name: "message", bytes };
  }

  #break(why: string): Framed {
    this.#waiting = Buffer.alloc(0);
    return { name: "broken", why };
  }
}
