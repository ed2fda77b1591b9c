import type { OnReadOpts, Socket } from "node:net";

/** What came on one connection is read before anything of the next is, so that one buffer serves all. */
const shared = Buffer.allocUnsafeSlow(65_536);
/** Its beginnings by their length, up to the longest that come often: most chunks are as long as one before. */
const beginnings: (Buffer | undefined)[] = [];
const longestKept = 2_048;

const beginning = (bytes: number): Buffer =>
  bytes > longestKept ? shared.subarray(0, bytes) : (beginnings[bytes] ??= shared.subarray(0, bytes));

/** Who is given what comes on a connection. */
interface Taker {
  /** The chunk is valid until it returns. */
  take(chunk: Buffer): void;
}

/**
 * How the bytes of a connection come in: to whoever has begun to read them straight out of that buffer, which costs neither memory of
 * their own nor the stream's machinery; to anybody else through the stream.
 */
export interface Intake {
  /** For `connect` of `node:net` or `node:tls`. */
  readonly onread: OnReadOpts;
  /** The connection that was opened with `onread`. */
  serve(stream: Socket): void;
  /** From now on `taker` is given what comes; what the stream still holds comes before, by its "data" events. */
  begin(taker: Taker): void;
}

/** For one connection. It is called with each chunk, and its variables lie nearer to it than the fields of an object would. */
export function intake(): Intake {
  let stream: Socket | undefined;
  let waiting: Taker | undefined;
  let taker: Taker | undefined;
  return {
    onread: {
      buffer: shared,
      callback: (bytes) => {
        if (taker === undefined && stream?.readableLength === 0) taker = waiting;
        if (taker === undefined) stream?.push(Buffer.from(shared.subarray(0, bytes)));
        else taker.take(beginning(bytes));
        return true;
      },
    },
    serve: (opened) => void (stream = opened),
    begin: (who) => void (waiting = who),
  };
}
