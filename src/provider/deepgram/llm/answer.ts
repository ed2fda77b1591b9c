import type { Clock, Timer } from "../../../kernel/clock.ts";
import { Fault } from "../../../kernel/fault.ts";
import type { ThinkPart, ThinkRequest } from "../stages.ts";
import type { ModelClient, ModelEvent, ModelSettings, Tokens } from "./model.ts";

/** Up to the first words or call: a caller takes longer silence for a lost line. A model that may think first gets longer. */
const firstTokenLimitMs = 2_500;
const firstThoughtLimitMs = 8_000;
const chunkGapLimitMs = 3_000;
const answerLimitMs = 30_000;
/** After the terminal marker only the usage is missing. */
const tailLimitMs = 500;

export interface Asked {
  /** The thinker's name. */
  readonly name: string;
  readonly client: ModelClient;
  readonly settings: ModelSettings;
}

/**
 * One answer of one model, with clocks of our own: the clients' guard neither the first token nor a stream that stands still, and
 * take a stream that was cut for a complete one.
 */
export async function* answer(asked: Asked, request: ThinkRequest, signal: AbortSignal): AsyncGenerator<ThinkPart> {
  if (signal.aborted) return;
  const { name, client, settings } = asked;
  const doing = `asking ${name} (${settings.model})`;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort();
  signal.addEventListener("abort", onAbort, { once: true });
  const watch = new Watch(request.clock, stop, doing);
  const reading = new Reading();
  try {
    watch.expect("the first token", settings.effort === "none" ? firstTokenLimitMs : firstThoughtLimitMs);
    for await (const events of client.stream(request, settings, stop.signal)) {
      if (signal.aborted) return;
      for (const event of events) {
        for (const text of reading.take(event)) {
          watch.pause();
          yield { type: "text", text };
          if (signal.aborted) return;
        }
      }
      if (reading.end !== undefined) watch.expect("the end", tailLimitMs);
      else if (reading.begun) watch.expect("the next chunk", chunkGapLimitMs);
    }
  } catch (error) {
    // What was left to come after the terminal marker was not needed.
    if (reading.end === undefined && !signal.aborted) throw watch.missed ?? client.fault(error, doing);
  } finally {
    signal.removeEventListener("abort", onAbort);
    watch.over();
    // Ends the request at the service too, also when the consumer left early: one client would go on listening.
    stop.abort();
  }
  if (signal.aborted) return;
  // An abort by our own clocks may have ended the stream in silence.
  if (reading.end === undefined) throw watch.missed ?? new Fault("provider-dropped", `${doing}: the answer was cut off`);
  yield* concluded(asked, reading, request, doing);
}

/** What the terminal marker means for what was said before it. */
function* concluded({ name, settings }: Asked, { end, said, tokens }: Reading, request: ThinkRequest, doing: string): Generator<ThinkPart> {
  if (end === undefined) return;
  const { how } = end;
  const word = end.word.slice(0, 80);
  // A call may be cut short too, so it counts in an answer that is whole.
  const calls = how === "done" ? end.calls : [];
  if (how === "blocked") throw new Fault("provider-refused", `${doing}: blocked (${word})`);
  if (how === "garbled") throw new Fault("provider-malformed", `${doing}: no proper answer (${word})`);
  if (!said && calls.length === 0) throw new Fault("provider-malformed", `${doing}: an answer without a word (${word})`);
  if (how === "length") {
    request.log.warning("llm_answer_cut", { thinker: name, model: settings.model, max_output_tokens: settings.maxOutputTokens });
  }
  for (const call of calls) {
    const { id, name: tool, arguments: written } = call;
    const keepsake = call.keepsake === undefined ? undefined : { thinker: name, value: call.keepsake };
    yield { type: "call", toolCallId: id, name: tool, arguments: written, keepsake };
  }
  if (tokens === undefined) return;
  yield {
    type: "usage",
    usage: {
      model: settings.model,
      quantities: { input_text_tokens: tokens.input, cached_text_tokens: tokens.cached, output_text_tokens: tokens.output },
    },
  };
}

/** What an answer came to so far. */
class Reading {
  /** Words or a call are under way. */
  begun = false;
  said = false;
  tokens: Tokens | undefined;
  end: Extract<ModelEvent, { type: "ended" }> | undefined;

  /** The text to be spoken, if any: blanks before the first word are none. */
  *take(event: ModelEvent): Generator<string> {
    if (event.type === "used") this.tokens = event.tokens;
    else if (event.type === "writing") this.begun = true;
    else if (event.type === "ended") this.end ??= event;
    else if (this.end === undefined) {
      const text = this.said ? event.text : event.text.trimStart();
      if (text === "") return;
      this.begun = this.said = true;
      yield text;
    }
  }
}

/** The clocks of one request: ends it when the other side is silent for too long. */
class Watch {
  readonly #clock: Clock;
  readonly #stop: AbortController;
  readonly #doing: string;
  readonly #whole: Timer;
  #timer: Timer | undefined;
  missed: Fault | undefined;

  constructor(clock: Clock, stop: AbortController, doing: string) {
    [this.#clock, this.#stop, this.#doing] = [clock, stop, doing];
    this.#whole = clock.setTimeout(() => this.#miss("the whole answer", answerLimitMs), answerLimitMs);
  }

  expect(what: string, limitMs: number): void {
    this.pause();
    this.#timer = this.#clock.setTimeout(() => this.#miss(what, limitMs), limitMs);
  }

  /** While the consumer works, nobody waits for the other side. */
  pause(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  over(): void {
    this.pause();
    this.#clock.clearTimeout(this.#whole);
  }

  #miss(what: string, limitMs: number): void {
    this.missed ??= new Fault("provider-silent", `${this.#doing}: waited ${limitMs} ms for ${what}`);
    this.#stop.abort();
  }
}
