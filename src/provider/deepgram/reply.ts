import type { Utterance } from "./stages.ts";

/** `hidden`: a draft, or held back while the caller speaks; `told`: the session knows of it; `over`: nothing more is told. */
type ReplyState = "hidden" | "told" | "over";

/** What is told of a reply that is hidden waits; a reply is a few minutes of speech at the very most. */
const heldLimit = 20_000;
/** How voices speak on average. */
const msPerLetter = 65;

/** One turn of the agent in the making: its words, each with its place in the turn's audio, and what of it may be told already. */
export class Reply {
  readonly turnId: string;
  /** The turn of the caller that it drafts an answer to, before that turn is sure to have ended. */
  readonly draftOf: { readonly turnId: string; readonly text: string } | undefined;
  readonly #abort = new AbortController();
  readonly #pieces: { readonly text: string; readonly fromMs: number; toMs: number }[] = [];
  #held: (() => void)[] = [];
  #state: ReplyState = "hidden";
  #isShown = false;
  utterance: Utterance | undefined;
  hasBegun = false;
  /** All its audio was told. */
  isSpoken = false;
  /** It was cut at what was heard, at once or later. */
  isCut = false;

  /** When thinking began, the first words stood, and their first sound came; undefined: not yet, or never for words that need no thinking. */
  #thinkingMs: number | undefined;
  #wordsMs: number | undefined;
  #soundMs: number | undefined;
  #isTimed = false;

  constructor(turnId: string, draftOf: { readonly turnId: string; readonly text: string } | undefined) {
    this.turnId = turnId;
    this.draftOf = draftOf;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get state(): ReplyState {
    return this.#state;
  }

  /** Runs now, or when the reply is shown. */
  tell(run: () => void): void {
    if (this.#state === "over" || this.#held.length >= heldLimit) return;
    if (!this.#isShown) return void this.#held.push(run);
    this.#state = "told";
    run();
  }

  show(): void {
    if (this.#state === "over") return;
    this.#isShown = true;
    for (const run of this.#held.splice(0)) this.tell(run);
  }

  /** The caller speaks: what was not begun is held back. */
  hide(): void {
    if (this.#state === "hidden") this.#isShown = false;
  }

  end(): void {
    this.#state = "over";
    this.#held = [];
  }

  /** Stops thinking and speaking. */
  stop(): void {
    this.end();
    this.#abort.abort();
    this.utterance?.cancel();
  }

  thinks(nowMs: number): void {
    this.#thinkingMs ??= nowMs;
  }

  worded(nowMs: number): void {
    this.#wordsMs ??= nowMs;
  }

  sounded(nowMs: number): void {
    this.#soundMs ??= nowMs;
  }

  /** How long its stages took until its first sound; once, and undefined for words that needed no thinking. */
  takeTimes(): { readonly llmMs: number; readonly ttsMs: number } | undefined {
    const [thinking, words, sound] = [this.#thinkingMs, this.#wordsMs, this.#soundMs];
    if (this.#isTimed || thinking === undefined || words === undefined || sound === undefined) return undefined;
    this.#isTimed = true;
    return { llmMs: words - thinking, ttsMs: sound - words };
  }

  get audioMs(): number {
    return this.#pieces.at(-1)?.toMs ?? 0;
  }

  get text(): string {
    return this.#pieces.map(({ text }) => text).join("");
  }

  /** The clause as it joins the words before it. */
  addClause(clause: string): string {
    const text = this.#pieces.length === 0 ? clause : ` ${clause}`;
    this.#pieces.push({ text, fromMs: this.audioMs, toMs: this.audioMs });
    return text;
  }

  addAudio(durationMs: number): void {
    const last = this.#pieces.at(-1);
    if (last !== undefined) last.toMs += durationMs;
  }

  /** The words that were heard whole after `heardMs` of the turn's audio; inside a clause they are spread evenly by letters. */
  heardBy(heardMs: number): string {
    let heard = "";
    for (const [at, { text, fromMs, toMs }] of this.#pieces.entries()) {
      const isWhole = this.isSpoken || at < this.#pieces.length - 1;
      // The audio of the clause that is being spoken has not all come.
      const lastsMs = Math.max(toMs - fromMs, isWhole ? 0 : text.length * msPerLetter);
      if (fromMs + lastsMs <= heardMs) heard += text;
      else if (fromMs < heardMs) heard += wholeWords(text, (heardMs - fromMs) / lastsMs);
    }
    return heard.trim();
  }
}

function wholeWords(text: string, share: number): string {
  const letters = Math.floor(text.length * share);
  return text[letters] === " " ? text.slice(0, letters) : text.slice(0, Math.max(0, text.lastIndexOf(" ", letters - 1)));
}
