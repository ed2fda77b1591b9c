import { encodings, type EncodingRow } from "../audio/encodings.ts";
import type { Ticked, Ticker } from "../audio/ticker.ts";
import type { Clock } from "../kernel/clock.ts";
import { Fault, toFault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import type { Envelope } from "../wire/envelope.ts";
import type { Breach } from "../wire/frame-reader.ts";
import type { SocketListener } from "../wire/websocket.ts";
import type { Allowance } from "./allowance.ts";
import { Arrivals } from "./arrivals.ts";
import { Backlog, overflowBytes } from "./backlog.ts";
import { CallerAllowances } from "./caller-allowances.ts";
import { plainLine, type Admitted, type CarrierLine, type TransferOutcome } from "./carrier.ts";
import type { CallerAudio, CallerCommand, CallerSignal, Dialect, DialectCodec, Knock, WireMessage } from "./dialect.ts";
import type { LegCounts } from "./leg-counts.ts";
import type { CallStart, LegEnd, LegListener, LegQuality, Reception } from "./leg.ts";
import { MediaClock } from "./media-clock.ts";
import { MessageReader } from "./message-reader.ts";
import { SocketLeg, type LegWorks } from "./socket-leg.ts";
import { muteLimitMs, VitalSigns } from "./vital-signs.ts";

/** What carries one caller's messages: a WebSocket, or what frames them on another connection. */
export interface LegSocket {
  readonly isOpen: boolean;
  /** Bytes that wait for the peer to read. */
  readonly bufferedAmount: number;
  /** Once; nothing is read before. */
  listen(listener: SocketListener): void;
  sendText(text: string): void;
  sendEnveloped(envelope: Envelope, audio: Uint8Array): void;
  sendBinary(bytes: Uint8Array): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

export interface LegParts {
  readonly reception: Reception;
  readonly clock: Clock;
  /** One beat for all sockets; about a quarter of a second is fine enough for every limit here. */
  readonly beat: Ticker;
  readonly log: Log;
  readonly counts: LegCounts;
}

const startLimitMs = 5_000;
/** A peer that was asked to end the stream and does not is cut off. */
const leavingLimitMs = 2_000;
/** So long a carrier may take to say what came of a transfer: it rings, and a person looks for the telephone. */
const transferLimitMs = 120_000;
/** Close codes of a socket that was closed in order; any other is a line that was lost. */
const orderlyCodes: ReadonlySet<number> = new Set([1000, 1005]);

type State =
  | { readonly name: "waiting"; readonly sinceMs: number }
  | {
      readonly name: "talking";
      readonly leg: SocketLeg;
      readonly uplink: EncodingRow;
      readonly listener: LegListener;
      readonly media: MediaClock;
    }
  /** The socket is closed, the carrier sends the caller on. */
  | { readonly name: "sent-on"; readonly sinceMs: number; readonly listener: LegListener }
  /** The peer was asked to end the stream. */
  | { readonly name: "leaving"; readonly sinceMs: number; readonly code: number; readonly reason: string }
  | { readonly name: "over" };

/** How a caller came, and who decides whether it may stay. */
export interface Visit {
  readonly knock: Knock;
  /** @throws {Fault} caller-refused */
  admit(start: CallStart): Admitted;
}

/**
 * Serves one caller on an open socket, whatever the dialect: waits for its start, brings it to the reception, carries audio and
 * signals, keeps the limits.
 */
export function serveSocket(socket: LegSocket, dialect: Dialect, parts: LegParts, visit: Visit): void {
  new SocketShell(socket, dialect, parts, visit).open();
}

class SocketShell implements Ticked, SocketListener, LegWorks {
  readonly #socket: LegSocket;
  readonly #dialect: Dialect;
  readonly #parts: LegParts;
  readonly #visit: Visit;
  readonly #codec: DialectCodec;
  readonly #reader: MessageReader;
  readonly #allowances: CallerAllowances;
  readonly #signs: VitalSigns;
  readonly #backlog = new Backlog();
  readonly #arrivals = new Arrivals();
  #state: State;
  #line: CarrierLine = plainLine;
  /** What agent audio goes out in, where the dialect has it so. */
  #envelope: Envelope | undefined;
  /** What the codec keeps outside of the heap. */
  #held: Disposable | undefined;

  constructor(socket: LegSocket, dialect: Dialect, parts: LegParts, visit: Visit) {
    const now = parts.clock.now();
    this.#socket = socket;
    this.#dialect = dialect;
    this.#parts = parts;
    this.#visit = visit;
    this.#codec = dialect.open(visit.knock);
    this.#reader = new MessageReader(dialect, this.#codec, parts.counts);
    this.#allowances = new CallerAllowances(now);
    this.#signs = new VitalSigns(now);
    this.#state = { name: "waiting", sinceMs: now };
  }

  open(): void {
    this.#socket.listen(this);
    this.#parts.beat.wake(this);
  }

  // What the socket tells

  /** Almost all that comes is audio, in texts as this wire's peers usually write them; whatever else it is comes again as `text`. */
  scan(bytes: Buffer, from: number, end: number): boolean {
    const state = this.#state;
    if (state.name !== "talking" || end - from > this.#dialect.limits.textBytes) return false;
    const audio = this.#dialect.scanText?.(bytes, from, end);
    if (audio === undefined || audio.bytes.length % state.uplink.bytesPerSample !== 0) return false;
    const nowMs = this.#parts.clock.now();
    this.#signs.heard(nowMs);
    if (!this.#take(this.#allowances.bytes, end - from, "bytes", nowMs) || !this.#takeMedia(nowMs)) return true;
    try {
      this.#audio(state, audio, nowMs);
    } catch (error) {
      this.#fail(toFault(error, "internal", "taking a caller's message"));
    }
    return true;
  }

  text(text: string, bytes: number): void {
    this.#received(text, bytes);
  }

  binary(bytes: Uint8Array): void {
    this.#received(bytes, bytes.length);
  }

  pinged(): void {
    this.#take(this.#allowances.control, 1, "pings", this.#parts.clock.now());
  }

  ponged(): void {
    if (!this.#take(this.#allowances.control, 1, "pongs", this.#parts.clock.now())) return;
    this.#signs.heard(this.#parts.clock.now());
  }

  /** The socket has sent the close code by now. */
  broke(breach: Breach): void {
    if (this.#state.name === "sent-on") return;
    this.#parts.counts.malformedMessages += 1;
    this.#lost(new Fault(breach.code === 1009 ? "caller-oversized" : "caller-malformed", breach.message, { cause: breach }));
  }

  closed(code: number): void {
    if (this.#over || this.#state.name === "sent-on") return;
    const hungUp = this.#dialect.silentClose === "hung-up" && orderlyCodes.has(code);
    if (this.#state.name !== "talking" || !hungUp) return this.#lost(undefined);
    const { listener } = this.#state;
    this.#rest();
    this.#guarded(() => listener.signal({ type: "hung-up" }));
  }

  // What the session and the beat want

  tick(nowMs: number): boolean {
    const state = this.#state;
    if (state.name === "over") return false;
    if (state.name === "sent-on") this.#watchTransfer(state, nowMs);
    else if (state.name === "leaving") this.#watchLeaving(state, nowMs);
    else if (state.name === "waiting" && nowMs - state.sinceMs >= startLimitMs) {
      this.#fail(new Fault("caller-silent", `no start within ${startLimitMs} ms`));
    } else {
      this.#allowances.refill(nowMs);
      this.#watchReader(nowMs);
      this.#watchPeer(nowMs);
      this.#watchCaller(nowMs);
    }
    return !this.#over;
  }

  /** False: the peer reads too slowly. */
  play(frame: Uint8Array): boolean {
    const { isPeerFull, highWaterBytes } = this.#backlog;
    const socket = this.#socket;
    if (isPeerFull || socket.bufferedAmount > highWaterBytes) {
      this.#parts.counts.droppedFrames += 1;
      return false;
    }
    const envelope = this.#envelope;
    if (envelope === undefined) return this.send({ type: "audio", bytes: frame });
    if (!this.#speaks || !socket.isOpen) return false;
    socket.sendEnveloped(envelope, frame);
    return true;
  }

  /** False: nobody is there to take it. */
  send(command: CallerCommand): boolean {
    if (!this.#speaks || !this.#socket.isOpen) return false;
    if (command.type === "notice") this.#line.notice(command.notice);
    const messages = this.#codec.encode(command);
    if (messages === undefined) return true;
    this.#write(messages);
    if (this.#socket.bufferedAmount > overflowBytes) this.#tooSlow(`more than ${overflowBytes} bytes wait to be read`);
    return true;
  }

  /** By the carrier where it can, else in the wire's own words. */
  transfer(target: string, briefing: string): void {
    const state = this.#state;
    if (state.name !== "talking") return;
    const taken = this.#line.transfer(target, (outcome) => this.#sentOn(outcome), briefing);
    if (taken !== "briefed" && briefing !== "") state.listener.signal({ type: "unbriefed", target, briefing });
    if (taken === "left") {
      const words = this.#codec.encode({ type: "transfer", target });
      if (words !== undefined) return this.#write(words);
      return state.listener.signal({ type: "transfer-failed", why: `${this.#dialect.name} brought this call without a way to send it on` });
    }
    this.#state = { name: "sent-on", sinceMs: this.#parts.clock.now(), listener: state.listener };
    this.#socket.close(1000, "transfer");
  }

  quality(): LegQuality {
    return this.#arrivals.quality();
  }

  /** The far end's own buffer is unknown to us; what waits here goes after the audio that was already written. */
  end(end: LegEnd): void {
    if (this.#state.name === "leaving" || this.#over) return;
    this.send({ type: "end", end });
    this.#line.ended(end);
    const code = end.reason === "fault" ? end.fault.row.closeCode : end.reason === "drained" ? 1012 : 1000;
    const reason = codeOf(end);
    if (this.#dialect.ending === "close" || this.#state.name !== "talking") return this.#finish(code, reason);
    this.#state = { name: "leaving", sinceMs: this.#parts.clock.now(), code, reason };
  }

  #write(messages: WireMessage | readonly WireMessage[]): void {
    if (typeof messages === "string") this.#socket.sendText(messages);
    else if (messages instanceof Uint8Array) this.#socket.sendBinary(messages);
    else for (const message of messages) this.#write(message);
  }

  #sentOn(outcome: TransferOutcome): void {
    const state = this.#state;
    if (state.name !== "sent-on") return;
    this.#guarded(() => state.listener.signal(outcome));
    // The caller is still there, but not on this socket: who could not be sent on is brought back on another.
    if (outcome.type === "transfer-failed") this.#lost(undefined);
    else this.#rest();
  }

  #watchTransfer({ sinceMs }: State & { name: "sent-on" }, nowMs: number): void {
    if (nowMs - sinceMs < transferLimitMs) return;
    this.#sentOn({ type: "transfer-failed", why: `no word of what came of it within ${transferLimitMs / 1000} s` });
  }

  #watchLeaving({ sinceMs, code, reason }: State & { name: "leaving" }, nowMs: number): void {
    if (nowMs - sinceMs >= leavingLimitMs) this.#finish(code, reason);
  }

  #received(message: string | Uint8Array, bytes: number): void {
    const state = this.#state;
    if (state.name === "over" || state.name === "sent-on") return;
    const nowMs = this.#parts.clock.now();
    this.#signs.heard(nowMs);
    if (!this.#take(this.#allowances.bytes, bytes, "bytes", nowMs)) return;
    try {
      const signal = this.#reader.read(message, bytes, state.name === "talking" ? state.leg.uplink : undefined);
      if (signal === undefined) return;
      if (signal.type === "start") this.#held = signal.held;
      this.#act(signal, nowMs);
    } catch (error) {
      this.#fail(toFault(error, "internal", "taking a caller's message"));
    }
  }

  #act(signal: CallerSignal, nowMs: number): void {
    const ofMedia = signal.type === "audio" || signal.type === "played" || signal.type === "mark";
    if (!(ofMedia ? this.#takeMedia(nowMs) : this.#take(this.#allowances.control, 1, "control messages", nowMs))) return;
    if (signal.type === "ignored") {
      this.#parts.counts.ignoredMessages += 1;
    } else if (signal.type === "ping") {
      this.#signs.activeMs = this.#signs.heardMs;
      this.#write(signal.message);
    } else if (this.#state.name === "leaving") {
      if (signal.type === "stop") this.#finishStopped(this.#state, signal);
    } else if (signal.type === "start") {
      this.#start(signal);
    } else if (this.#state.name === "talking") {
      if (signal.type === "audio") return this.#audio(this.#state, signal, nowMs);
      this.#signs.activeMs = this.#signs.heardMs;
      this.#tell(this.#state, signal);
    } else if (signal.type === "stop") {
      this.#finishStopped({ code: 1000, reason: "done" }, signal);
    } else {
      throw new Fault("caller-malformed", `${signal.type} came before start`);
    }
  }

  #start(signal: CallerSignal & { type: "start" }): void {
    if (this.#state.name !== "waiting") throw new Fault("caller-malformed", "start came twice");
    const { start, line } = this.#visit.admit(signal.start);
    this.#line = line;
    if (signal.answer !== undefined) this.#write(signal.answer);
    const leg = new SocketLeg(this, this.#dialect, signal.uplink, signal.downlink);
    this.#envelope = signal.envelope;
    this.#backlog.carry(signal.downlink);
    const listener = this.#parts.reception.receive(leg, start);
    // The reception may have ended the leg in the same breath.
    const uplink = encodings[signal.uplink];
    if (!this.#over) this.#state = { name: "talking", leg, uplink, listener, media: new MediaClock(signal.uplink) };
    this.#signs.activeMs = this.#signs.heardMs;
  }

  #audio({ uplink, listener, media }: State & { name: "talking" }, { bytes, atMs }: CallerAudio, nowMs: number): void {
    this.#signs.activeMs = this.#signs.heardMs;
    if (atMs !== undefined) this.#fillGap(media, atMs, bytes.length, listener, nowMs);
    this.#arrivals.took(nowMs, bytes.length / uplink.bytesPerMs, atMs !== undefined);
    listener.audio(bytes, nowMs);
  }

  #tell({ listener }: State & { name: "talking" }, signal: Exclude<CallerSignal, { type: "start" | "ping" | "ignored" | "audio" }>): void {
    if (signal.type === "stop") {
      listener.signal({ type: "hung-up" });
      this.#finishStopped({ code: 1000, reason: "done" }, signal);
    } else if (signal.type === "pressure") {
      this.#backlog.isPeerFull = signal.on;
    } else {
      listener.signal(signal);
    }
  }

  /** Who said stop needs no farewell, only the answer that its protocol asks for. */
  #finishStopped({ code, reason }: { code: number; reason: string }, signal: CallerSignal & { type: "stop" }): void {
    if (this.#over) return;
    if (signal.answer !== undefined) this.#write(signal.answer);
    this.#finish(code, reason);
  }

  #fillGap(media: MediaClock, atMs: number, bytes: number, listener: LegListener, nowMs: number): void {
    const missingMs = media.advance(atMs, bytes);
    if (missingMs === 0) return;
    for (const silence of media.silence(missingMs)) listener.audio(silence, nowMs);
    this.#parts.counts.filledGapMs += missingMs;
    this.#arrivals.filled(missingMs);
  }

  #takeMedia(nowMs: number): boolean {
    return this.#take(this.#allowances.media, 1, "media messages", nowMs);
  }

  /** False: too much; the caller was refused. */
  #take(allowance: Allowance, amount: number, what: string, nowMs: number): boolean {
    if (this.#over) return false;
    if (allowance.takeOften(amount, nowMs)) return true;
    this.#parts.counts.floods += 1;
    this.#parts.log.warning("limit_hit", { scope: "call", reason: what });
    this.#fail(new Fault("caller-flooding", `too many ${what} at once`));
    return false;
  }

  #watchReader(nowMs: number): void {
    const verdict = this.#backlog.verdict(this.#socket.bufferedAmount, nowMs);
    if (verdict !== undefined) this.#tooSlow(verdict);
  }

  #tooSlow(why: string): void {
    this.#parts.counts.slowReaders += 1;
    this.#fail(new Fault("caller-slow", why));
  }

  #watchPeer(nowMs: number): void {
    if (this.#over) return;
    const due = this.#signs.due(nowMs);
    if (due === "ping") this.#socket.ping();
    if (due !== "give-up") return;
    this.#parts.counts.silentPeers += 1;
    this.#socket.terminate();
    this.#lost(undefined);
  }

  #watchCaller(nowMs: number): void {
    const state = this.#state;
    if (state.name !== "talking" || !this.#signs.isMute(nowMs)) return;
    this.#parts.counts.muteLegs += 1;
    this.#parts.log.info("leg_mute", { dialect: this.#dialect.name, message: `nothing was sent for ${muteLimitMs / 1_000} s` });
    this.#finish(1000, "idle");
    this.#tellLost(state.listener, undefined);
  }

  /** The caller's words for it, the close code, and `lost` for who listened. */
  #fail(fault: Fault): void {
    if (this.#over) return;
    const { log } = this.#parts;
    const fields = { dialect: this.#dialect.name, code: fault.code, message: fault.message };
    if (fault.code === "internal") log.error("leg_failed", { ...fields, err: fault.cause });
    else log.info("leg_refused", fields);
    const end: LegEnd = { reason: "fault", fault };
    const farewell = this.#codec.encode({ type: "end", end });
    if (farewell !== undefined) this.#write(farewell);
    if (this.#speaks) this.#line.ended(end);
    const state = this.#state;
    this.#finish(fault.row.closeCode, fault.code);
    if (state.name === "talking") this.#tellLost(state.listener, fault);
  }

  #lost(fault: Fault | undefined): void {
    const state = this.#state;
    this.#rest();
    if (state.name === "talking" || state.name === "sent-on") this.#tellLost(state.listener, fault);
  }

  #tellLost(listener: LegListener, fault: Fault | undefined): void {
    this.#guarded(() => listener.signal({ type: "lost", fault }));
  }

  /** A listener that fails on a last word must not take the other calls with it. */
  #guarded(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#parts.log.error("leg_failed", { dialect: this.#dialect.name, code: "internal", err: error });
    }
  }

  /** From here on nothing more is said either way; a peer that does not answer the close is cut off by the server's limit. */
  #finish(code: number, reason: string): void {
    this.#rest();
    this.#socket.close(code, reason);
  }

  #rest(): void {
    this.#state = { name: "over" };
    this.#held?.[Symbol.dispose]();
    this.#held = undefined;
    this.#parts.beat.forget(this);
  }

  /** Something may still be said to the far end. */
  get #speaks(): boolean {
    return this.#state.name === "waiting" || this.#state.name === "talking";
  }

  get #over(): boolean {
    return this.#state.name === "over";
  }
}

const codeOf = (end: LegEnd): string => (end.reason === "fault" ? end.fault.code : end.reason);
