import type { AnswerTimes } from "./words.ts";

interface Owed {
  /** The caller fell silent, and their turn was over. */
  readonly speechEndMs: number;
  readonly committedMs: number;
  /** The last words of that turn had come. */
  readonly wordsMs: number;
  firstAudioMs: number | undefined;
  sentMs: number | undefined;
  /** How long tools were waited for, those that still run apart. */
  toolMs: number;
  tools: { readonly running: number; readonly sinceMs: number };
  /** What a pipeline told of its own stages. */
  parts: { readonly llmMs: number; readonly ttsMs: number } | undefined;
}

/** Where the time of an answer goes, from the caller's own end of speech to their ear. Fed with what happens; moments in ms on one clock. */
export class AnswerTimer {
  #wordsMs = 0;
  #owed: Owed | undefined;

  /** Words of the caller came, or changed. */
  worded(nowMs: number): void {
    this.#wordsMs = nowMs;
  }

  /** The caller's turn is over: an answer is owed. */
  owe(speechEndMs: number, nowMs: number): void {
    this.#owed = {
      speechEndMs: Math.min(speechEndMs, nowMs),
      committedMs: nowMs,
      wordsMs: this.#wordsMs,
      firstAudioMs: undefined,
      sentMs: undefined,
      toolMs: 0,
      tools: { running: 0, sinceMs: nowMs },
      parts: undefined,
    };
  }

  /** No answer comes, or the caller has the word again. */
  drop(): void {
    this.#owed = undefined;
  }

  /** An answer is owed, and nothing of it has gone out. */
  get isOwed(): boolean {
    return this.owedSinceMs !== undefined;
  }

  /** When the caller fell silent who waits for an answer; undefined: nobody does. */
  get owedSinceMs(): number | undefined {
    return this.#owed?.sentMs === undefined ? this.#owed?.speechEndMs : undefined;
  }

  partsTold(llmMs: number, ttsMs: number): void {
    if (this.#owed !== undefined && this.isOwed) this.#owed.parts = { llmMs, ttsMs };
  }

  /** A tool of ours runs. Several may at once: together they keep the answer waiting. */
  toolBegan(nowMs: number): void {
    const owed = this.#owed;
    if (owed === undefined) return;
    owed.tools = { running: owed.tools.running + 1, sinceMs: owed.tools.running === 0 ? nowMs : owed.tools.sinceMs };
  }

  toolEnded(nowMs: number): void {
    const owed = this.#owed;
    // Of an earlier answer.
    if (owed === undefined || owed.tools.running === 0) return;
    const { running, sinceMs } = owed.tools;
    owed.tools = { running: running - 1, sinceMs };
    if (running === 1) owed.toolMs += Math.max(0, Math.min(nowMs, owed.firstAudioMs ?? nowMs) - sinceMs);
  }

  /** Audio came from the provider; not before the turn was over, also where that was only known by this audio. */
  audioCame(nowMs: number): void {
    const owed = this.#owed;
    if (owed !== undefined) owed.firstAudioMs ??= Math.max(owed.committedMs, nowMs);
  }

  /** The first audio of the answer goes out. Undefined: none was owed. */
  sent(nowMs: number): { readonly responseStartMs: number; readonly latencyMs: number; readonly oursMs: number } | undefined {
    const owed = this.#owed;
    if (owed === undefined || owed.sentMs !== undefined) return undefined;
    owed.sentMs = nowMs;
    owed.firstAudioMs ??= nowMs;
    return { responseStartMs: nowMs - owed.committedMs, latencyMs: nowMs - owed.speechEndMs, oursMs: nowMs - owed.firstAudioMs };
  }

  /** All of it, once; `heardFromMs`: when the caller began to hear it, undefined: nobody can tell, and playout is no part of it. */
  times(heardFromMs: number | undefined): AnswerTimes | undefined {
    const owed = this.#owed;
    if (owed?.sentMs === undefined || owed.firstAudioMs === undefined) return undefined;
    this.#owed = undefined;
    const { speechEndMs, committedMs, wordsMs, firstAudioMs, sentMs, parts, tools } = owed;
    const endpointing = committedMs - speechEndMs;
    const provider = firstAudioMs - committedMs;
    const playout = heardFromMs === undefined ? undefined : Math.max(0, heardFromMs - sentMs);
    // What was done before the turn was over cost the caller nothing: each part is at most what is left, from the answer backwards.
    const tts = Math.min(parts?.ttsMs ?? 0, provider);
    const llm = Math.min(parts?.llmMs ?? 0, provider - tts);
    const stt = Math.min(Math.max(0, wordsMs - speechEndMs), endpointing);
    const toolMs = owed.toolMs + (tools.running > 0 ? Math.max(0, firstAudioMs - tools.sinceMs) : 0);
    const tool = Math.min(toolMs, provider - llm - tts);
    const stages = {
      ...(parts === undefined ? { endpointing } : { stt, endpointing: endpointing - stt, llm, tts }),
      ...(tool > 0 && { tool }),
      provider: provider - llm - tts - tool,
      ours: sentMs - firstAudioMs,
      ...(playout === undefined ? {} : { playout }),
    };
    return { totalMs: sentMs - speechEndMs + (playout ?? 0), stages };
  }
}
