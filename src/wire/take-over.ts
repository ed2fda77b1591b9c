import { Socket, type SocketConstructorOpts } from "node:net";
import type { Duplex } from "node:stream";
import { intake, type Intake } from "./intake.ts";

/**
 * What a socket of Node's stands on. Its documentation does not name it: of all this only so much is used, and only where it is there;
 * `test/wire/take-over.test.ts` says whether it does what is expected of it.
 */
interface Handle {
  reading: boolean;
  readStop(): unknown;
  useUserBuffer(buffer: Uint8Array): void;
}

export interface Taken {
  readonly stream: Duplex;
  /** Undefined: its bytes come as any stream's do. */
  readonly intake: Intake | undefined;
}

/**
 * The same connection, which somebody else has opened, as a stream whose bytes come in through an intake: Node lets only those choose that
 * who open a socket themselves. The stream that was given has no connection any more, and closes with the other. One that is no plain
 * socket, or on which something still waits to go out, is given back as it is.
 */
export function takenOver(stream: Duplex): Taken {
  const handle = stream instanceof Socket && stream.constructor === Socket ? handleOf(stream) : undefined;
  if (handle === undefined || stream.destroyed || stream.writableLength > 0) return { stream, intake: undefined };
  // An end that has come is told again to whoever reads anew.
  handle.readStop();
  handle.reading = false;
  Object.assign(stream, { _handle: null });
  const own = intake();
  // It knows `handle`, whatever its types say: so are made all that a server accepts.
  const options: Omit<SocketConstructorOpts, "handle"> & { readonly handle: unknown } = { handle, onread: own.onread, allowHalfOpen: true };
  const taken = new Socket(options as SocketConstructorOpts);
  for (let held: unknown = stream.read(); held !== null; held = stream.read()) taken.push(held);
  own.serve(taken);
  taken.once("close", () => stream.destroy());
  stream.once("close", () => taken.destroy());
  return { stream: taken, intake: own };
}

function handleOf(stream: Duplex): Handle | undefined {
  const handle: unknown = "_handle" in stream ? stream._handle : undefined;
  return isHandle(handle) ? handle : undefined;
}

const isHandle = (handle: unknown): handle is Handle =>
  typeof handle === "object" &&
  handle !== null &&
  "reading" in handle &&
  "readStop" in handle &&
  "useUserBuffer" in handle &&
  typeof handle.readStop === "function" &&
  typeof handle.useUserBuffer === "function";
