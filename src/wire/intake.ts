import type { OnReadOpts, Socket } from "node:net";
import type { Duplex } from "node:stream";

/** What came on one connection is read before anything of the next is, so that one buffer serves all. */
const shared = Buffer.allocUnsafeSlow(65_536);
/** Its beginnings by their length, up to the longest that come often: most chunks are as long as one before. */
const beginnings: (Buffer | undefined)[] = [];
const longestKept = 2_048;

const beginning = (bytes: number): Buffer =>
  bytes > longestKept ? shared.subarray(0, bytes) : (beginnings[bytes] ??= shared.subarray(0, bytes));

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
      if (this.#take !== undefined && this.#stream?.readableLength === 0) this.#take(beginning(bytes));
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

/**
 * Gives `take` what comes on a connection that somebody else opened, past what a stream does with each chunk; what it must hold, because
 * something waits in it already or nobody reads, it holds. Where a stream gets its bytes otherwise, `take` hears of none here, and its
 * "data" events tell all.
 */
export function passBy(stream: Duplex, take: (chunk: Buffer) => void): void {
  const hold = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (!Buffer.isBuffer(chunk) || stream.readableFlowing !== true || stream.readableLength > 0) return hold(chunk, encoding);
    take(chunk);
    return true;
  };
}
