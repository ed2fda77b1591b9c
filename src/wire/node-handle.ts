import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/**
 * What a socket of Node's stands on. Neither it nor the binding is in Node's documentation: of both only so much is used, and only where it
 * is there; `test/wire/past-streams.test.ts` says whether it does what is expected of it.
 */
export interface Handle {
  /** Called with each piece that comes, with the connection's end and with what went wrong with it. */
  onread: (this: Handle, told: unknown) => void;
  /** From now on what comes is put there, before `onread` is called. */
  useUserBuffer(buffer: Uint8Array): void;
  /** Not 0: it was not taken, and the number is the system's error. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
}

/** One piece on its way out. A handle keeps those, with their bytes, that the system did not take at once. */
export interface WriteRequest {
  bytes?: Uint8Array;
  /** The system has all of it, or (less than 0) never will. */
  oncomplete?: (status: number) => void;
}

/** What all handles of a thread share. */
interface Binding {
  readonly WriteWrap: new () => WriteRequest;
  /** What the last reading or writing came to, at these places. */
  readonly streamBaseState: Int32Array;
  /** Bytes; 0 or less where none came. */
  readonly kReadBytesOrError: number;
  /** Not 0: the handle keeps what was written. */
  readonly kLastWriteWasAsync: number;
}

/** Undefined: it is no socket of Node's, or not as we know them. */
export function handleOf(stream: Duplex): Handle | undefined {
  if (binding === undefined || stream.destroyed || !(stream instanceof Socket)) return undefined;
  const handle: unknown = "_handle" in stream ? stream._handle : undefined;
  return isHandle(handle) ? handle : undefined;
}

/** The same of a plain socket: it takes whatever it is given, in its order. Those under TLS take one piece at a time, and end the process at a second. */
export const plainHandleOf = (stream: Duplex): Handle | undefined => (stream.constructor === Socket ? handleOf(stream) : undefined);

const isBinding = (found: unknown): found is Binding =>
  typeof found === "object" &&
  found !== null &&
  "WriteWrap" in found &&
  "streamBaseState" in found &&
  "kReadBytesOrError" in found &&
  "kLastWriteWasAsync" in found &&
  typeof found.WriteWrap === "function" &&
  found.streamBaseState instanceof Int32Array &&
  typeof found.kReadBytesOrError === "number" &&
  typeof found.kLastWriteWasAsync === "number";

const isHandle = (handle: unknown): handle is Handle =>
  typeof handle === "object" &&
  handle !== null &&
  "onread" in handle &&
  "useUserBuffer" in handle &&
  "writeBuffer" in handle &&
  typeof handle.onread === "function" &&
  typeof handle.useUserBuffer === "function" &&
  typeof handle.writeBuffer === "function";

/** Undefined: Node has none, or was told to permit none. */
function found(): unknown {
  const ask: unknown = "binding" in process ? process.binding : undefined;
  try {
    return typeof ask === "function" ? Reflect.apply(ask, process, ["stream_wrap"]) : undefined;
  } catch {
    return undefined;
  }
}

const nodes = found();
export const binding = isBinding(nodes) ? nodes : undefined;
