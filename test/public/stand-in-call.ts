import type { WebSocket } from "ws";

/** What the agent says: its words, and the sound of them at 24 kHz (a 440 Hz tone of half a second without). */
export interface Line {
  readonly text: string;
  readonly sound?: Float32Array;
}

export interface Script {
  /** Refuses every call with this. */
  readonly refuse?: { readonly code: string; readonly message: string; readonly closeCode: number };
  readonly greeting?: Line;
  /** What the caller's turns are taken for, in order; "…" when it has no more. */
  readonly hears?: readonly string[];
  /** In order; the last again and again. */
  readonly answers?: readonly Line[];
  /** Messages sent just before the answer of that place. */
  readonly asides?: Readonly<Record<number, readonly object[]>>;
}

interface Start {
  readonly type: "start";
  readonly version: 1;
  readonly audio: { readonly up: "pcm16@16000"; readonly down: "pcm16@24000" };
}

const frameMs = 20;
const aheadMs = 300;
/** Energy endpointing, good enough for clean recordings. */
const loudRms = 0.012;
const silenceMs = 500;

/** One call of the stand-in: hears by energy, answers in order, and keeps all that came. */
export class StandInCall {
  readonly #socket: WebSocket;
  readonly #script: Script;
  /** Everything the caller said, -1 to 1, 16 kHz. */
  readonly heard: number[] = [];
  readonly typed: string[] = [];
  readonly played: { turnId: string; ms: number }[] = [];
  readonly complaints: string[] = [];
  /** Agent audio that was sent, ms, by turn. */
  readonly sentMs = new Map<string, number>();
  /** The first message, as it came. */
  start: Record<string, unknown> = {};
  started = false;
  saidBye = false;
  #turns = 0;
  #answers = 0;
  #callerTurns = 0;
  #callerTurnId: string | undefined;
  #quietMs = 0;
  #speech: { turnId: string; line: Line; sound: Float32Array; sent: number; beganAt: number; timer: NodeJS.Timeout } | undefined;

  constructor(socket: WebSocket, script: Script) {
    this.#socket = socket;
    this.#script = script;
  }

  send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** Goes away without a word, as a crashed server does. */
  vanish(): void {
    this.#socket.terminate();
  }

  end(): void {
    if (this.#speech !== undefined) clearTimeout(this.#speech.timer);
    this.#speech = undefined;
  }

  take(data: Buffer, binary: boolean): void {
    if (binary) this.#hear(data);
    else this.#read(JSON.parse(data.toString()) as Record<string, unknown>); // every field is checked where it is read
  }

  #read(message: Record<string, unknown>): void {
    if (!this.started) this.#begin(message);
    else if (message["type"] === "played") this.#notePlayed(String(message["turnId"]), Number(message["ms"]));
    else if (message["type"] === "ping") this.send({ type: "pong", id: message["id"] });
    else if (message["type"] === "text") this.#takeText(String(message["text"]));
    else if (message["type"] === "bye") {
      this.saidBye = true;
      this.end();
      this.#socket.close(1000);
    } else this.#complain(`unexpected ${JSON.stringify(message)}`);
  }

  #begin(message: Record<string, unknown>): void {
    if (!isStart(message)) {
      this.#complain(`bad start ${JSON.stringify(message)}`);
      return;
    }
    this.start = message;
    const { refuse, greeting } = this.#script;
    if (refuse !== undefined) {
      this.send({ type: "error", code: refuse.code, message: refuse.message });
      this.#socket.close(refuse.closeCode);
      return;
    }
    this.started = true;
    this.send({ type: "started", callId: "call-1", resumeToken: "resume-1", agent: "front-desk", provider: "local", receivedMs: 0 });
    this.send({ type: "phase", phase: "listening" });
    if (greeting !== undefined) this.say(greeting);
  }

  #hear(bytes: Buffer): void {
    if (!this.started) this.#complain("audio before start");
    if (bytes.length % 2 !== 0) this.#complain(`${bytes.length} bytes are no whole samples`);
    let sum = 0;
    for (let at = 0; at + 1 < bytes.length; at += 2) {
      const sample = bytes.readInt16LE(at) / 0x8000;
      this.heard.push(sample);
      sum += sample * sample;
    }
    this.#endpoint(Math.sqrt(sum / Math.max(1, bytes.length / 2)), bytes.length / 32);
  }

  #endpoint(rms: number, ms: number): void {
    if (rms >= loudRms) {
      this.#quietMs = 0;
      if (this.#callerTurnId === undefined) this.#callerBegins();
      return;
    }
    this.#quietMs += ms;
    if (this.#callerTurnId !== undefined && this.#quietMs >= silenceMs) this.#callerEnds(this.#callerTurnId);
  }

  #callerBegins(): void {
    this.bargeIn();
    this.#turns += 1;
    this.#callerTurnId = `t${this.#turns}`;
    const words = this.#words().split(" ");
    this.#caption("caller", this.#callerTurnId, words.slice(0, Math.ceil(words.length / 2)).join(" "), false);
  }

  #callerEnds(turnId: string): void {
    this.#callerTurnId = undefined;
    this.#caption("caller", turnId, this.#words(), true);
    this.#callerTurns += 1;
    this.answer(silenceMs + 140);
  }

  #words(): string {
    return this.#script.hears?.[this.#callerTurns] ?? "…";
  }

  #takeText(text: string): void {
    this.typed.push(text);
    this.#turns += 1;
    this.bargeIn();
    this.#caption("caller", `t${this.#turns}`, text, true);
    this.answer(120);
  }

  answer(firstAudioMs: number): void {
    const answers = this.#script.answers ?? [{ text: "Very well." }];
    for (const aside of this.#script.asides?.[this.#answers] ?? []) this.send(aside);
    const line = answers[Math.min(this.#answers, answers.length - 1)];
    this.#answers += 1;
    if (line === undefined) return;
    this.send({ type: "phase", phase: "thinking" });
    this.say(line);
    this.send({ type: "latency", turnId: `t${this.#turns}`, firstAudioMs });
  }

  say(line: Line): void {
    this.#turns += 1;
    const turnId = `t${this.#turns}`;
    this.send({ type: "turn", turnId });
    this.send({ type: "phase", phase: "speaking" });
    this.#caption("agent", turnId, line.text.split(" ").slice(0, 3).join(" "), false);
    const sound = line.sound ?? tone(440, 500, 24_000);
    this.#speech = { turnId, line, sound, sent: 0, beganAt: performance.now(), timer: setTimeout(() => this.#pace(), 0) };
  }

  bargeIn(): void {
    const speech = this.#speech;
    if (speech === undefined) return;
    this.end();
    this.send({ type: "flush" });
    const words = speech.line.text.split(" ");
    const heard = Math.max(1, Math.round((words.length * (performance.now() - speech.beganAt)) / ((speech.sound.length * 1000) / 24_000)));
    this.send({
      type: "caption",
      turnId: speech.turnId,
      role: "agent",
      text: words.slice(0, heard).join(" "),
      final: true,
      interrupted: true,
    });
    this.send({ type: "phase", phase: "listening" });
  }

  #pace(): void {
    const speech = this.#speech;
    if (speech === undefined) return;
    const due = performance.now() - speech.beganAt + aheadMs;
    while ((speech.sent * 1000) / 24_000 < due && speech.sent < speech.sound.length) {
      const frame = speech.sound.subarray(speech.sent, speech.sent + (frameMs * 24_000) / 1000);
      this.#socket.send(pcm16(frame));
      speech.sent += frame.length;
    }
    this.sentMs.set(speech.turnId, (speech.sent * 1000) / 24_000);
    if (speech.sent < speech.sound.length || due - aheadMs < (speech.sound.length * 1000) / 24_000) {
      speech.timer = setTimeout(() => this.#pace(), frameMs);
      return;
    }
    this.#speech = undefined;
    this.#caption("agent", speech.turnId, speech.line.text, true);
    this.send({ type: "phase", phase: "listening" });
  }

  #notePlayed(turnId: string, ms: number): void {
    const before = this.played.findLast((report) => report.turnId === turnId);
    if (before !== undefined && ms < before.ms) this.#complain(`played of ${turnId} falls from ${before.ms} to ${ms}`);
    this.played.push({ turnId, ms });
  }

  #caption(role: "caller" | "agent", turnId: string, text: string, final: boolean): void {
    this.send({ type: "caption", turnId, role, text, final, interrupted: false });
  }

  #complain(what: string): void {
    this.complaints.push(what);
    this.#socket.close(1007);
  }
}

const isStart = (message: Record<string, unknown>): message is Record<string, unknown> & Start => {
  const audio = message["audio"];
  if (message["type"] !== "start" || message["version"] !== 1 || typeof audio !== "object" || audio === null) return false;
  return "up" in audio && audio.up === "pcm16@16000" && "down" in audio && audio.down === "pcm16@24000";
};

export const tone = (hz: number, ms: number, rateHz: number): Float32Array =>
  Float32Array.from({ length: Math.round((ms * rateHz) / 1000) }, (_, i) => 0.4 * Math.sin((2 * Math.PI * hz * i) / rateHz));

function pcm16(samples: Float32Array): Buffer {
  const bytes = Buffer.alloc(samples.length * 2);
  for (const [i, sample] of samples.entries()) bytes.writeInt16LE(Math.round(Math.max(-1, Math.min(1, sample)) * 0x7fff), i * 2);
  return bytes;
}
