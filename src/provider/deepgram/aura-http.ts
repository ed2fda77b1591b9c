import { DeepgramClient, DeepgramError } from "@deepgram/sdk";
import { encodings } from "../../audio/encodings.ts";
import type { Clock } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";
import type { VoicePlan } from "./aura-socket.ts";
import { httpFault } from "./faults.ts";
import { speakRequest } from "./speak-wire.ts";

const doing = "speaking over HTTP";
/** To the first byte, and between two pieces. */
const gapLimitMs = 3_000;

/**
 * The audio of one text by a request of its own, in whole samples: the way to speak while no socket can be had.
 * @throws {Fault} with a `provider-*` code
 */
export async function* speakByHttp(plan: VoicePlan, text: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { clock, key, address, settings, downlink } = plan;
  const gap = new Gap(clock, signal);
  try {
    const client = new DeepgramClient({ apiKey: key, environment: address, maxRetries: 0 });
    gap.arm();
    const response = await client.speak.v1.audio.generate(speakRequest(text, settings, downlink), {
      abortSignal: gap.signal,
      maxRetries: 0,
    });
    const body = response.stream();
    if (body === null) throw new Fault("provider-malformed", `${doing}: an answer without a body`);
    const { bytesPerSample } = encodings[downlink];
    let half: Uint8Array = new Uint8Array(0);
    gap.arm();
    // A body of fetch gives bytes.
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      gap.arm();
      const all = half.length === 0 ? piece : Buffer.concat([half, piece]);
      const whole = all.length - (all.length % bytesPerSample);
      half = all.subarray(whole);
      if (whole > 0) yield all.subarray(0, whole);
    }
  } catch (error) {
    throw faultOf(error, gap.isOver, key);
  } finally {
    gap.end();
  }
}

function faultOf(error: unknown, tooLate: boolean, key: string): Fault {
  if (error instanceof Fault) return error;
  if (tooLate) return new Fault("provider-silent", `${doing}: nothing for ${gapLimitMs} ms`);
  if (error instanceof DeepgramError && error.statusCode !== undefined) {
    const retryAfter = error.rawResponse?.headers.get("retry-after") ?? undefined;
    return httpFault(error.statusCode, JSON.stringify(error.body ?? ""), retryAfter, doing, key);
  }
  const found = error instanceof Error ? error.message : String(error);
  return new Fault("provider-unreachable", `${doing}: ${found.replaceAll(key, "[key]")}`);
}

/** Ends a request when nothing comes of it for too long, or when nobody wants it any more. */
class Gap {
  readonly #clock: Clock;
  readonly #outer: AbortSignal;
  readonly #inner = new AbortController();
  #timer: unknown;
  isOver = false;

  constructor(clock: Clock, outer: AbortSignal) {
    [this.#clock, this.#outer] = [clock, outer];
    outer.addEventListener("abort", this.#abort);
    if (outer.aborted) this.#abort();
  }

  get signal(): AbortSignal {
    return this.#inner.signal;
  }

  arm(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => {
      this.isOver = true;
      this.#inner.abort();
    }, gapLimitMs);
  }

  /** Also ends what is still running of the request. */
  end(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#abort);
    this.#inner.abort();
  }

  readonly #abort = (): void => this.#inner.abort();
}
