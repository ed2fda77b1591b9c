import { bytesOf, msOf } from "../../audio/encodings.ts";
import type { Random } from "../../kernel/random.ts";
import type { ConnectionRecord, ScriptedReply } from "../panel.ts";
import { babble } from "../voice.ts";
import type { Json } from "./json.ts";

/** What an answer needs of its session. */
export interface AnswerHost {
  readonly record: ConnectionRecord;
  readonly random: Random;
  readonly staleAudio: () => boolean;
  /** Whether the caller was promised the agent's words. */
  readonly transcribes: boolean;
  readonly interactionStatus: boolean;
  /** How many times faster than real time the assumed playback is. */
  readonly playbackPace: number;
  /** Messages of one instant; on some families they may share a frame. */
  emit(...messages: readonly Json[]): void;
  /** Makes the calls; "wait" when the turn stands still until they are answered. */
  call(calls: readonly { readonly name: string; readonly args: Json }[]): "wait" | "go-on";
  /** Withdraws the calls that stand still. */
  withdrawCalls(): void;
  /** The audio of half a second is out: faults may strike. */
  halfway(): boolean;
  answered(answer: Answer): void;
}

type State = "generating" | "waiting" | "playing" | "over";
const encoding = "pcm16@24000";
const pieceMs = 200;
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One turn of the model as the wire has it: what it says until `generationComplete`, and the playback it assumes until `turnComplete`. */
export class Answer {
  readonly #host: AnswerHost;
  #state: State = "generating";
  #audio: Uint8Array = new Uint8Array(0);
  #sentBytes = 0;
  /** Of all that was said in this turn. */
  #spokenMs = 0;
  #spokenLetters = 0;
  #startedAt: number | undefined;
  #release: (() => void) | undefined;
  #held = true;
  #playback: NodeJS.Timeout | undefined;

  constructor(host: AnswerHost) {
    this.#host = host;
  }

  get waiting(): boolean {
    return this.#state === "waiting";
  }

  /** Says everything; also used to go on once blocking calls were answered. */
  async run(reply: ScriptedReply): Promise<void> {
    const { record, random } = this.#host;
    this.#state = "generating";
    record.answers += 1;
    await soon();
    if (this.#over()) return;
    if (reply.fails === true) return this.#fail("RESPONSE_REJECTED");
    if (random.next() < 0.3) this.#emitTurn([{ text: "The caller wants something. I should be brief.", thought: true }]);
    const calls = reply.toolCalls ?? [];
    if (calls.length > 0) {
      const parsed = calls.map((call) => ({ name: call.name, args: parse(call.arguments) }));
      const whole = parsed.flatMap(({ name, args }) => (args === undefined ? [] : [{ name, args }]));
      if (whole.length < calls.length) return this.#fail("MALFORMED_FUNCTION_CALL");
      const then = this.#host.call(whole);
      if (this.#over()) return;
      if (then === "wait") {
        this.#state = "waiting";
        return;
      }
    }
    for (const text of [reply.text, ...(reply.more ?? [])]) {
      if (text !== "") await this.#speak(text, reply);
      if (this.#over()) return;
    }
    this.#host.emit({ serverContent: { generationComplete: true } });
    this.#play();
  }

  /** The caller or a text has the word: ends at once, as the server does. */
  interrupt(): void {
    if (this.#over()) return;
    this.#end();
    this.#host.withdrawCalls();
    this.#host.emit({ serverContent: { interrupted: true } });
    if (this.#host.staleAudio()) this.#piece([]);
    // Whether an interrupted turn is told of in tokens is not certain, so both happen.
    const used = this.#host.random.next() < 0.5 ? [this.#usage()] : [];
    this.#host.emit({ serverContent: { turnComplete: true } }, ...used);
    this.#host.answered(this);
  }

  release(): void {
    this.#held = false;
    this.#release?.();
  }

  /** Ends without a word: the connection is gone. */
  abandon(): void {
    this.#end();
  }

  #over(): boolean {
    return this.#state === "over";
  }

  #end(): void {
    this.#state = "over";
    clearTimeout(this.#playback);
    this.release();
  }

  #fail(turnCompleteReason: string): void {
    this.#end();
    this.#host.emit({ serverContent: { turnComplete: true, turnCompleteReason } });
    this.#host.answered(this);
  }

  async #speak(text: string, reply: ScriptedReply): Promise<void> {
    this.#audio = babble(text, encoding, reply.ms);
    this.#sentBytes = 0;
    this.#spokenLetters += text.length;
    const words = this.#host.transcribes ? (text.match(/\s*\S+/g) ?? []) : [];
    // Transcripts run ahead of the audio, beside it, or behind it.
    const wordsAPiece = [words.length, 2, 1][Math.floor(this.#host.random.next() * 3)] ?? 1;
    while (this.#sentBytes < this.#audio.length) {
      this.#piece(words.splice(0, wordsAPiece));
      await soon();
      if (this.#over()) return;
      if (this.#sentMs >= 500 && this.#host.halfway()) return this.#end();
      if (reply.holdAtMs !== undefined && this.#sentMs >= reply.holdAtMs && this.#held) {
        await new Promise<void>((resolve) => (this.#release = resolve));
        if (this.#over()) return;
      }
    }
    if (words.length > 0) this.#host.emit({ serverContent: { outputTranscription: { text: words.join("") } } });
  }

  get #sentMs(): number {
    return msOf(this.#sentBytes, encoding);
  }

  #piece(words: readonly string[]): void {
    const bytes = this.#audio.subarray(this.#sentBytes, this.#sentBytes + bytesOf(pieceMs, encoding));
    this.#startedAt ??= performance.now();
    this.#sentBytes += bytes.length;
    this.#spokenMs += msOf(bytes.length, encoding);
    this.#host.record.spoken.keep(bytes);
    const said = words.length === 0 ? [] : [{ serverContent: { outputTranscription: { text: words.join("") } } }];
    // Audio may come in several parts of one message.
    const half = this.#host.random.next() < 0.5 ? 0 : bytesOf(pieceMs / 2, encoding);
    const parts = [bytes.subarray(0, half), bytes.subarray(half)].filter((part) => part.length > 0).map(inlineData);
    if (parts.length > 0) this.#host.emit(...said, { serverContent: { modelTurn: { role: "model", parts } } });
  }

  #emitTurn(parts: readonly Json[]): void {
    this.#host.emit({ serverContent: { modelTurn: { role: "model", parts } } });
  }

  /** The server assumes that the client plays in real time, and waits for it. */
  #play(): void {
    this.#state = "playing";
    const elapsedMs = this.#startedAt === undefined ? 0 : performance.now() - this.#startedAt;
    const complete = (): void => {
      this.#end();
      const status = this.#host.interactionStatus ? { interactionStatus: "IDLE" } : {};
      this.#host.emit({ serverContent: { turnComplete: true, ...status } }, this.#usage());
      this.#host.answered(this);
    };
    this.#playback = setTimeout(complete, Math.max(0, this.#spokenMs / this.#host.playbackPace - elapsedMs));
  }

  #usage(): Json {
    const audioIn = Math.ceil(msOf(this.#host.record.heard.bytes, "pcm16@16000") / 40);
    const textIn = 40 + Math.ceil(this.#host.record.texts.join(" ").length / 4);
    const audioOut = Math.ceil(this.#spokenMs / 40);
    const thoughts = Math.ceil(this.#spokenLetters / 2);
    const cached = this.#host.record.answers > 1 ? Math.floor(textIn / 2) : 0;
    return {
      usageMetadata: {
        // More than the modalities add up to, as was seen.
        promptTokenCount: audioIn + textIn + 3,
        responseTokenCount: audioOut,
        thoughtsTokenCount: thoughts,
        totalTokenCount: audioIn + textIn + 3 + audioOut + thoughts,
        promptTokensDetails: [
          { modality: "TEXT", tokenCount: textIn },
          { modality: "AUDIO", tokenCount: audioIn },
        ],
        responseTokensDetails: [{ modality: "AUDIO", tokenCount: audioOut }],
        cachedContentTokenCount: cached,
        cacheTokensDetails: [{ modality: "TEXT", tokenCount: cached }],
        toolUsePromptTokenCount: 0,
      },
    };
  }
}

const inlineData = (bytes: Uint8Array): Json => ({
  inlineData: { mimeType: "audio/pcm;rate=24000", data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64") },
});

function parse(args: string): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(args);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}
