import type { OnReadOpts, Socket } from "node:net";

/** What came on one connection is read before anything of the next is, so that one buffer serves all. */
const shared = Buffer.allocUnsafeSlow(65_536);

/**
 * How the bytes of a connection that we opened come in: to whoever has begun to read them straight out of that buffer, which costs
 * neither memory of their own nor the stream's machinery; to anybody else through the stream.
 */
export class Intake {
  #stream: Socket | undefined;
  #take: ((chunk: Buffer) => void) | undefined;

  /** For `connect` of `node:net` or `node:tls`. */
  readonly onread: OnReadOpts = {
    buffer: shared,
    callback: (bytes) => {
      // What the stream still holds comes first.
      if (this.#take !== undefined && this.#stream?.readableLength === 0) this.#take(shared.subarray(0, bytes));
      else this.#stream?.push(Buffer.from(shared.subarray(0, bytes)));
      return true;
    },
  };

  /** The connection that was opened with `onread`. */
  serve(stream: Socket): void {
    this.#stream = stream;
  }

  /** From now on `take` is given what comes; a chunk is valid until it returns. */
  begin(take: (chunk: Buffer) => void): void {
    this.#take = take;
  }
}
