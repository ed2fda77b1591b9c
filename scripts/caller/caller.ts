import { EventEmitter } from "node:events";
import { WebSocket } from "ws";
import { encodings, type Encoding } from "../../src/audio/encodings.ts";
import { systemClock, type Clock, type Timer } from "../../src/kernel/clock.ts";
import { Microphone } from "./microphone.ts";
import { Playback } from "./playback.ts";
import { readServerMessage, type ServerMessage } from "./wire.ts";

export interface DialOptions {
  readonly uplink?: "pcm16@8000" | "pcm16@16000" | "pcm16@24000" | "pcm16@48000";
  readonly downlink?: Encoding;
  readonly agent?: string;
  readonly language?: string;
  readonly resume?: string;
  /** Sent as a bearer token with the upgrade. */
  readonly key?: string;
  /** The address of this machine to call from; each address of 127.0.0.0/8 is a caller of its own. */
  readonly from?: string;
  readonly clock?: Clock;
}

/** Why a call could not be had: `busy` and `refused` by the server's word, `unreachable` when nobody answered. */
export class CallRefused extends Error {
  override readonly name = "CallRefused";
  readonly kind: "busy" | "refused" | "unreachable";
  constructor(kind: "busy" | "refused" | "unreachable", message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** A turn of either side; times since the call began, ms. */
export interface HeardTurn {
  readonly turnId: string;
  readonly role: "caller" | "agent";
  text: string;
  final: boolean;
  interrupted: boolean;
  startMs: number;
  endMs: number;
  heardMs: number;
}

export interface CallEnd {
  readonly code: number;
  /** The server's error, where it told one. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

const dialLimitMs = 10_000;
const reportEveryMs = 100;
const quietMs = 1_500;
/** What does not fit into the socket's buffer is not sent, and counted: 3 s of the widest audio. */
const backlogBytes = 288_000;
const chunkMs = 100;

/**
 * Calls and waits until the call is on.
 * @throws {CallRefused}
 */
export async function dial(url: string, options: DialOptions = {}): Promise<Caller> {
  const caller = new Caller(url, options);
  await caller.answered;
  return caller;
}

/** A caller on the browser's wire who speaks, listens and reports what it played, all in real time. */
export class Caller implements AsyncDisposable {
  readonly turns: HeardTurn[] = [];
  /** From the end of the caller's speech (or a typed turn) to the first byte of each answer. */
  readonly firstAudioMs: number[] = [];
  readonly lost = { uplinkChunks: 0, downlinkChunks: 0 };
  readonly playback: Playback;
  readonly answered: Promise<void>;
  readonly ended: Promise<CallEnd>;
  phase: "connecting" | "listening" | "thinking" | "speaking" = "connecting";
  callId = "";
  provider = "";
  resumeToken = "";
  readonly #clock: Clock;
  readonly #socket: WebSocket;
  readonly #microphone: Microphone;
  readonly #news = new EventEmitter<{ message: [ServerMessage, number]; beat: [] }>();
  readonly #startedAt: number;
  #timer: Timer | undefined;
  #turnId = "";
  #error: { code: string; message: string } | undefined;
  #lastSoundMs = 0;
  /** The speech that the next answer is owed to; undefined once answered. */
  #askedAtMs: number | undefined;
  #answeredUpTo = 0;
  #unsentMs = 0;

  constructor(url: string, options: DialOptions) {
    const uplink = options.uplink ?? "pcm16@16000";
    this.#clock = options.clock ?? systemClock;
    this.#startedAt = this.#clock.now();
    this.playback = new Playback(options.downlink ?? "pcm16@24000");
    this.#microphone = new Microphone(encodings[uplink].rateHz, this.#clock, (frame) => this.#sendFrame(frame));
    const headers = options.key === undefined ? {} : { authorization: `Bearer ${options.key}` };
    this.#socket = new WebSocket(socketUrl(url), {
      perMessageDeflate: false,
      handshakeTimeout: dialLimitMs,
      headers,
      localAddress: options.from,
    });
    this.#news.setMaxListeners(50);
    const outcome = Promise.withResolvers<void>();
    this.answered = outcome.promise;
    this.ended = new Promise((resolve) => this.#socket.once("close", (code) => resolve({ code, error: this.#error })));
    this.#socket.once("open", () => this.#begin(uplink, options));
    this.#socket.on("message", (data, isBinary) => this.#received(data as Buffer, isBinary)); // binaryType is left as it is.
    this.#socket.once("unexpected-response", (_request, response) => {
      outcome.reject(
        response.statusCode === 503
          ? new CallRefused("busy", "the server is busy; try again in a moment")
          : new CallRefused("refused", `the server answered ${response.statusCode} ${response.statusMessage ?? ""}`.trim()),
      );
      this.#socket.terminate();
    });
    this.#socket.on("error", (cause) => outcome.reject(new CallRefused("unreachable", `${url}: ${causeOf(cause)}`, { cause })));
    this.#socket.once("close", (code) => {
      this.#stop(code);
      outcome.reject(this.#refusal(code));
    });
    void this.until((message) => message.type === "started", dialLimitMs).then(
      () => outcome.resolve(),
      () => {
        outcome.reject(new CallRefused("unreachable", `${url}: no answer within ${dialLimitMs / 1000} s`));
        this.#socket.terminate();
      },
    );
  }

  /** Since the call was placed. */
  get nowMs(): number {
    return this.#clock.now() - this.#startedAt;
  }

  /** Speaks in real time; resolves when the last of it was sent. */
  says(samples: Int16Array): Promise<void> {
    return this.#microphone.say(samples);
  }

  types(text: string): void {
    this.#askedAtMs = this.nowMs;
    this.#send({ type: "text", text });
  }

  presses(digit: string): void {
    this.#send({ type: "dtmf", digit });
  }

  /** Any message of the server, raw, with its time. */
  on(listener: (message: ServerMessage, atMs: number) => void): void {
    this.#news.on("message", listener);
  }

  /** The next agent turn that is final and was played to its end or cut. */
  async hears(limitMs = 30_000): Promise<HeardTurn> {
    const known = new Set(this.turns.filter(({ role, final }) => role === "agent" && final).map(({ turnId }) => turnId));
    const fresh = (): HeardTurn | undefined => this.turns.find((turn) => turn.role === "agent" && turn.final && !known.has(turn.turnId));
    await this.#fact(() => fresh() !== undefined && !this.isPlaying, limitMs, "an answer");
    const turn = fresh();
    if (turn === undefined) throw new Error("the answer was withdrawn");
    return turn;
  }

  /** Until an answer that is owed has come, nothing plays or is thought about, and it has been quiet for 1.5 s. False: the limit was over first. */
  async quiet(limitMs: number): Promise<boolean> {
    const isQuiet = (): boolean => {
      const lastMs = Math.max(this.#lastSoundMs, this.playback.turns.at(-1)?.endMs ?? 0);
      return this.phase === "listening" && this.#askedAtMs === undefined && !this.isPlaying && this.nowMs - lastMs >= quietMs;
    };
    return this.#fact(isQuiet, limitMs, "quiet").then(
      () => true,
      () => false,
    );
  }

  get isPlaying(): boolean {
    return this.playback.isPlaying(this.nowMs);
  }

  /** The first message from now on that fits. */
  until(fits: (message: ServerMessage) => boolean, limitMs = 30_000): Promise<ServerMessage> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(() => settle(() => reject(new Error(`no such message within ${limitMs} ms`))), limitMs);
      const listen = (message: ServerMessage): void => {
        if (fits(message)) settle(() => resolve(message));
      };
      const settle = (finish: () => void): void => {
        this.#clock.clearTimeout(timer);
        this.#news.off("message", listen);
        this.#socket.off("close", over);
        finish();
      };
      const over = (): void => settle(() => reject(new Error("the call is over")));
      this.#news.on("message", listen);
      this.#socket.once("close", over);
    });
  }

  /** Says goodbye and waits for the end, at most 3 s. */
  async hangsUp(): Promise<CallEnd> {
    this.#send({ type: "bye" });
    // What the microphone hears after the goodbye is nobody's.
    this.#unsentMs += this.#microphone.unsaidMs;
    this.#microphone.stop();
    const timer = this.#clock.setTimeout(() => this.#socket.terminate(), 3_000);
    const end = await this.ended;
    this.#clock.clearTimeout(timer);
    return end;
  }

  /** The line is cut without a word. */
  isCutOff(): void {
    this.#socket.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.readyState !== WebSocket.CLOSED) await this.hangsUp();
  }

  #begin(uplink: Encoding, { agent, language, resume }: DialOptions): void {
    this.#send({ type: "start", version: 1, audio: { up: uplink, down: this.playback.encoding }, agent, language, resume });
    this.#microphone.start();
    this.#arm();
  }

  #arm(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#report();
      this.#news.emit("beat");
      this.#arm();
    }, reportEveryMs);
  }

  #report(): void {
    for (const played of this.playback.advance(this.nowMs)) this.#send({ type: "played", ...played });
  }

  #stop(code: number): void {
    // A call that the agent ended in order owes nobody the rest of the recording.
    if (code !== 1000) this.#unsentMs += this.#microphone.unsaidMs;
    this.lost.uplinkChunks = Math.ceil(this.#unsentMs / chunkMs);
    this.#microphone.stop();
    this.#clock.clearTimeout(this.#timer);
    this.playback.flush(this.nowMs);
    this.#news.emit("beat");
  }

  #sendFrame(frame: Int16Array): void {
    const spokenAtMs = this.#microphone.speechEndMs;
    if (spokenAtMs !== undefined && spokenAtMs - this.#startedAt > (this.#askedAtMs ?? this.#answeredUpTo))
      this.#askedAtMs = spokenAtMs - this.#startedAt;
    if (this.#socket.readyState !== WebSocket.OPEN || this.#socket.bufferedAmount > backlogBytes) this.#unsentMs += 20;
    else this.#socket.send(new Uint8Array(frame.buffer));
  }

  #received(data: Buffer, isBinary: boolean): void {
    const atMs = this.nowMs;
    if (isBinary) return this.#hear(data, atMs);
    const message = readServerMessage(data.toString("utf8"));
    this.#note(message, atMs);
    this.#news.emit("message", message, atMs);
  }

  #hear(bytes: Buffer, atMs: number): void {
    if (bytes.length % encodings[this.playback.encoding].bytesPerSample !== 0) {
      this.lost.downlinkChunks += 1;
      return;
    }
    const isNew = this.playback.turns.at(-1)?.turnId !== this.#turnId;
    this.playback.take(this.#turnId, bytes, atMs);
    this.#lastSoundMs = atMs;
    if (!isNew || this.#askedAtMs === undefined) return;
    this.firstAudioMs.push(Math.round(atMs - this.#askedAtMs));
    this.#answeredUpTo = this.#askedAtMs;
    this.#askedAtMs = undefined;
  }

  #note(message: ServerMessage, atMs: number): void {
    if (message.type === "started") {
      this.callId = message.callId;
      this.provider = message.provider;
      this.resumeToken = message.resumeToken;
    } else if (message.type === "turn") {
      this.#turnId = message.turnId;
    } else if (message.type === "phase") {
      this.phase = message.phase;
      this.#lastSoundMs = atMs;
    } else if (message.type === "flush") {
      const last = this.playback.flush(atMs);
      if (last !== undefined) this.#send({ type: "played", ...last });
    } else if (message.type === "caption") {
      this.#caption(message, atMs);
    } else if (message.type === "caption.withdrawn") {
      const at = this.turns.findIndex(({ turnId }) => turnId === message.turnId);
      if (at >= 0) this.turns.splice(at, 1);
      this.#askedAtMs = undefined;
    } else if (message.type === "handed-over") {
      this.provider = message.provider;
    } else if (message.type === "error") {
      this.#error = message;
    }
  }

  #caption({ turnId, role, text, final, interrupted }: ServerMessage & { type: "caption" }, atMs: number): void {
    this.#lastSoundMs = atMs;
    let turn = this.turns.find((each) => each.turnId === turnId);
    if (turn === undefined) {
      const startMs = role === "caller" ? this.#sinceStart(this.#microphone.speechStartMs, atMs) : atMs;
      turn = { turnId, role, text, final, interrupted, startMs, endMs: startMs, heardMs: 0 };
      this.turns.push(turn);
    }
    Object.assign(turn, { text, final, interrupted });
    if (role === "caller" && !final) turn.endMs = this.#sinceStart(this.#microphone.speechEndMs, atMs);
    if (role === "caller" && final && turn.endMs === turn.startMs) turn.endMs = this.#sinceStart(this.#microphone.speechEndMs, atMs);
    if (role === "caller") turn.heardMs = Math.max(0, turn.endMs - turn.startMs);
  }

  #sinceStart(clockMs: number | undefined, otherwise: number): number {
    return clockMs === undefined ? otherwise : clockMs - this.#startedAt;
  }

  #send(message: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #fact(holds: () => boolean, limitMs: number, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const untilMs = this.nowMs + limitMs;
      const look = (): void => {
        const over = this.#socket.readyState === WebSocket.CLOSED;
        if (!holds() && !over && this.nowMs < untilMs) return;
        this.#news.off("beat", look);
        if (holds()) resolve();
        else reject(new Error(over ? `the call ended before ${what}` : `${what}: not within ${limitMs} ms`));
      };
      this.#news.on("beat", look);
      look();
    });
  }

  #refusal(code: number): CallRefused {
    if (this.#error?.code === "busy" || code === 1013) return new CallRefused("busy", this.#error?.message ?? "the server is busy");
    return new CallRefused("refused", this.#error?.message ?? `the server closed the call (code ${code})`);
  }
}

function socketUrl(url: string): URL {
  const socket = new URL(url);
  socket.protocol = socket.protocol.replace(/^http/, "ws");
  if (socket.pathname === "/") socket.pathname = "/browser";
  return socket;
}

/** Node wraps the refusals of several addresses into one error without words. */
function causeOf(error: Error & { code?: string; errors?: readonly Error[] }): string {
  return error.message !== "" ? error.message : (error.errors?.[0]?.message ?? error.code ?? "no connection");
}
