/** What a reply still does; `cut`: the caller hears no more of it. */
type ReplyState = "thinking" | "speaking" | "ended" | "cut";

/** One turn of the agent in the making: its words, each with its place in the turn's audio. */
export class Reply {
  readonly turnId: string;
  /** The caller turn that it answers; undefined for all other replies. */
  readonly callerTurnId: string | undefined;
  readonly #abort = new AbortController();
  readonly #pieces: { readonly text: string; readonly fromMs: number; readonly toMs: number }[] = [];
  /** When thinking about it began. */
  readonly #thinkingMs: number;
  state: ReplyState = "thinking";
  hasCalls = false;

  constructor(turnId: string, callerTurnId: string | undefined, nowMs: number) {
    this.turnId = turnId;
    this.callerTurnId = callerTurnId;
    this.#thinkingMs = nowMs;
  }

  /** How long its stages took until its first sound, whose words stood at `wordsMs`; undefined for what follows. */
  timesOf(wordsMs: number, soundMs: number): { readonly llmMs: number; readonly ttsMs: number } | undefined {
    return this.#pieces.length > 0 ? undefined : { llmMs: wordsMs - this.#thinkingMs, ttsMs: soundMs - wordsMs };
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get isRunning(): boolean {
    return this.state === "thinking" || this.state === "speaking";
  }

  get audioMs(): number {
    return this.#pieces.at(-1)?.toMs ?? 0;
  }

  get text(): string {
    return this.#pieces.map(({ text }) => text).join("");
  }

  /** The clause as it joins the words before it. */
  piece(clause: string): string {
    return this.#pieces.length === 0 ? clause : ` ${clause}`;
  }

  add(text: string, durationMs: number): void {
    this.#pieces.push({ text, fromMs: this.audioMs, toMs: this.audioMs + durationMs });
  }

  cut(): void {
    this.state = "cut";
    this.#abort.abort();
  }

  /** The words that were heard whole after `heardMs` of the turn's audio; inside a clause they are spread evenly by letters. */
  heardBy(heardMs: number): string {
    let heard = "";
    for (const { text, fromMs, toMs } of this.#pieces) {
      if (toMs <= heardMs) heard += text;
      else if (fromMs < heardMs) heard += wholeWords(text, (heardMs - fromMs) / (toMs - fromMs));
    }
    return heard.trim();
  }
}

function wholeWords(text: string, share: number): string {
  const letters = Math.floor(text.length * share);
  const isAtBlank = text[letters] === " ";
  return text.slice(0, isAtBlank ? letters : Math.max(0, text.lastIndexOf(" ", letters - 1)));
}
