import { encodings, msOf, type Encoding } from "../audio/encodings.ts";
import { Fault, toFault } from "../kernel/fault.ts";
import type { CallerSignal, Dialect, DialectCodec } from "./dialect.ts";
import type { LegCounts } from "./leg-counts.ts";

const malformedAudioLimit = 3;

/** Reads one caller's messages, and bears with a little bad audio. */
export class MessageReader {
  readonly #dialect: Dialect;
  readonly #codec: DialectCodec;
  readonly #counts: LegCounts;
  #malformedAudio = 0;

  constructor(dialect: Dialect, codec: DialectCodec, counts: LegCounts) {
    this.#dialect = dialect;
    this.#codec = codec;
    this.#counts = counts;
  }

  /**
   * Undefined: bad audio, that is dropped. `bytes`: how long it was on the wire; `uplink`: what the caller speaks, once they have begun.
   * @throws {Fault} caller-oversized, caller-malformed, caller-unsupported
   */
  read(message: string | Uint8Array, bytes: number, uplink: Encoding | undefined): CallerSignal | undefined {
    const isText = typeof message === "string";
    const limit = isText ? this.#dialect.limits.textBytes : this.#dialect.limits.binaryBytes;
    if (bytes > limit) {
      throw new Fault("caller-oversized", `a ${isText ? "text" : "binary"} message of ${bytes} bytes, the limit is ${limit}`);
    }
    try {
      const signal = isText ? this.#codec.decodeText(message) : this.#codec.decodeBinary(message);
      if (signal.type === "audio" && uplink !== undefined) wholeSamples(signal.bytes, uplink);
      return signal;
    } catch (error) {
      const fault = toFault(error, "internal", `reading a ${this.#dialect.name} message`);
      if (fault.row.blame === "caller") this.#counts.malformedMessages += 1;
      const aboutAudio = isText ? fault.code === "caller-unsupported" : fault.row.blame === "caller";
      // Bad text cannot be trusted at all.
      if (uplink === undefined || !aboutAudio) throw fault;
      return this.#forgive(fault);
    }
  }

  /** A message of bad audio is dropped, the third ends the call. */
  #forgive(fault: Fault): undefined {
    this.#malformedAudio += 1;
    if (this.#malformedAudio < malformedAudioLimit) return undefined;
    throw new Fault("caller-unsupported", `${this.#malformedAudio} malformed audio messages; the last: ${fault.message}`, { cause: fault });
  }
}

function wholeSamples(bytes: Uint8Array, encoding: Encoding): void {
  if (bytes.length % encodings[encoding].bytesPerSample === 0) return;
  throw new Fault(
    "caller-unsupported",
    `audio: ${bytes.length} bytes (${msOf(bytes.length, encoding)} ms) end inside a sample of ${encoding}`,
  );
}
