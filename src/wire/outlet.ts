import type { Duplex } from "node:stream";
import { binding, plainHandleOf, type Handle, type WriteRequest } from "./node-handle.ts";

/** Used again after each piece that the system takes at once. */
let request: WriteRequest | undefined;

/**
 * How a connection's bytes go out: on a plain socket straight to the system, past what a stream keeps for each piece. Almost always the
 * system takes it at once; what it does not take waits beneath the stream, in order. On any other stream, such as one under TLS, which
 * takes one piece at a time, through the stream.
 */
export class Outlet {
  readonly #stream: Duplex;
  /** Undefined: through the stream. */
  #handle: Handle | undefined;
  /** What went past the stream, and the system has not taken yet. */
  #heldBytes = 0;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  /** Bytes that wait. */
  get bufferedAmount(): number {
    return this.#handle === undefined ? this.#stream.writableLength : this.#heldBytes;
  }

  /** True: the system has it, and its memory may be used for something else. */
  write(bytes: Uint8Array): boolean {
    const handle = this.#handle ?? this.#pastStream();
    if (handle === undefined || binding === undefined) {
      this.#stream.write(bytes);
      return false;
    }
    const used = (request ??= new binding.WriteWrap());
    // Of a handle that is gone nothing is returned.
    const isBegun = handle.writeBuffer(used, bytes) === 0;
    if (isBegun && binding.streamBaseState[binding.kLastWriteWasAsync] === 0) return true;
    request = undefined;
    if (isBegun) this.#hold(bytes, used);
    else this.#stream.destroy();
    return false;
  }

  /** Once the stream has nothing more to write itself, and ever after. */
  #pastStream(): Handle | undefined {
    return this.#stream.writableLength > 0 ? undefined : (this.#handle = plainHandleOf(this.#stream));
  }

  /** The handle has begun with the request, and keeps it. */
  #hold(bytes: Uint8Array, begun: WriteRequest): void {
    this.#heldBytes += bytes.length;
    begun.bytes = bytes;
    begun.oncomplete = (status) => {
      this.#heldBytes -= bytes.length;
      if (status < 0) this.#stream.destroy();
    };
  }
}
