import type { Duplex } from "node:stream";
import { binding, handleOf, type Handle } from "./node-handle.ts";

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
 * From now on `taker` is given what comes: straight out of that buffer where the stream is a socket of Node's, which costs neither memory
 * of its own nor the stream's machinery; else, and all that the stream holds already, by its "data" events. Ends and errors the stream tells.
 */
export function takeIn(stream: Duplex, taker: Taker): void {
  stream.on("data", (chunk: Buffer) => taker.take(chunk));
  const handle = handleOf(stream);
  if (handle === undefined || binding === undefined) return;
  const { streamBaseState: state, kReadBytesOrError: readAt } = binding;
  const nodes = handle.onread;
  handle.useUserBuffer(shared);
  const direct: Handle["onread"] = function (told) {
    const bytes = state[readAt] ?? 0;
    if (bytes > 0) taker.take(beginning(bytes));
    else Reflect.apply(nodes, this, [told]);
  };
  handle.onread = function (told) {
    const bytes = state[readAt] ?? 0;
    if (bytes <= 0) return Reflect.apply(nodes, this, [told]);
    if (stream.readableLength > 0) return void stream.push(Buffer.from(shared.subarray(0, bytes)));
    // The stream holds nothing, and will hold nothing.
    this.onread = direct;
    taker.take(beginning(bytes));
  };
}
