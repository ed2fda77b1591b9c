import { encodings, msOf, type Encoding } from "../audio/encodings.ts";
import type { Ticked, Ticker } from "../audio/ticker.ts";
import type { Clock } from "../kernel/clock.ts";
import { Fault, toFault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import type { Breach } from "../wire/frame-reader.ts";
import type { SocketListener } from "../wire/websocket.ts";
import { Allowance } from "./allowance.ts";
import { Arrivals } from "./arrivals.ts";
import { plainLine, type Admitted, type CarrierLine, type TransferOutcome } from "./carrier.ts";
import type { CallerCommand, CallerSignal, Dialect, DialectCodec, Knock, WireMessage } from "./dialect.ts";
import type { CallerNotice, CallStart, Leg, LegEnd, LegListener, LegQuality, LegTraits, Reception } from "./leg.ts";
import { MediaClock } from "./media-clock.ts";

/** What happened at the callers' sockets, summed up over all of them. */
export interface LegCounts {
  /** Agent audio that was not sent because the peer reads too slowly. */
  droppedFrames: number;
  malformedMessages: number;
  ignoredMessages: number;
  /** Silence put in where the caller's media clock had gaps. */
  filledGapMs: number;
  floods: number;
  slowReaders: number;
  silentPeers: number;
  /** Peers whose socket lived and who sent neither audio nor anything else a caller does. */
  muteLegs: number;
}

export const newLegCounts = (): LegCounts => ({
  droppedFrames: 0,
  malformedMessages: 0,
  ignoredMessages: 0,
  filledGapMs: 0,
  floods: 0,
  slowReaders: 0,
  silentPeers: 0,
  muteLegs: 0,
});

/** What carries one caller's messages: a WebSocket, or what frames them on another connection. */
export interface LegSocket {
  readonly isOpen: boolean;
  /** Bytes that wait for the peer to read. */
  readonly bufferedAmount: number;
  /** Once; nothing is read before. */
  listen(listener: SocketListener): void;
  sendText(text: string): void;
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
const pingEveryMs = 15_000;
const pingsMissedLimit = 2;
/** A leg over which a caller sends nothing at all for so long is gone, whatever its socket says: silence comes as frames, too. */
const muteLimitMs = 60_000;
/** Above this nothing new is sent; at the second figure, or after so long above the first, the caller is given up. */
const highWaterBytes = 256 * 1024;
const highWaterMs = 2_000;
const overflowBytes = 1024 * 1024;
const slowLimitMs = 10_000;
/** Text dialects wrap their audio in base64 and JSON. */
const wireOverhead = 1.5;
const malformedAudioLimit = 3;
/** A peer that was asked to end the stream and does not is cut off. */
const leavingLimitMs = 2_000;
/** So long a carrier may take to say what came of a transfer: it rings, and a person looks for the telephone. */
const transferLimitMs = 120_000;
/**
 * Sustained rates stop a flood. The bursts are what a connection gives at once after it stalled for 30 s (media at 50 messages a
 * second and pcm16@48000, the widest): a bad line is no attack.
 */
const mediaPerSecond = 120;
const mediaBurst = 1_500;
const bytesPerSecond = 128 * 1024;
const bytesBurst = 3 * 1024 * 1024;
const controlPerSecond = 20;
const controlBurst = 40;

/** Close codes of a socket that was closed in order; any other is a line that was lost. */
const orderlyCodes: ReadonlySet<number> = new Set([1000, 1005]);

type State =
  | { readonly name: "waiting"; readonly sinceMs: number }
  | { readonly name: "talking"; readonly leg: SocketLeg; readonly listener: LegListener; readonly media: MediaClock }
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

class SocketShell implements Ticked, SocketListener {
  readonly #socket: LegSocket;
  readonly #dialect: Dialect;
  readonly #parts: LegParts;
  readonly #visit: Visit;
  readonly #codec: DialectCodec;
  readonly #mediaAllowance: Allowance;
  readonly #bytesAllowance: Allowance;
  readonly #controlAllowance: Allowance;
  readonly #arrivals = new Arrivals();
  #state: State;
  #line: CarrierLine = plainLine;
  #heardMs: number;
  #pingedMs: number;
  /** When the caller last sent audio, a key, words. */
  #activeMs: number;
  #pingsMissed = 0;
  #slowSinceMs: number | undefined;
  #highWater = highWaterBytes;
  /** The peer has said that its own buffer is full. */
  #peerFull = false;
  #malformedAudio = 0;
  /** What the codec keeps outside of the heap. */
  #held: Disposable | undefined;

  constructor(socket: LegSocket, dialect: Dialect, parts: LegParts, visit: Visit) {
    const now = parts.clock.now();
    this.#socket = socket;
    this.#dialect = dialect;
    this.#parts = parts;
    this.#visit = visit;
    this.#codec = dialect.open(visit.knock);
    this.#mediaAllowance = new Allowance(mediaPerSecond, mediaBurst, now);
    this.#bytesAllowance = new Allowance(bytesPerSecond, bytesBurst, now);
    this.#controlAllowance = new Allowance(controlPerSecond, controlBurst, now);
    this.#state = { name: "waiting", sinceMs: now };
    this.#heardMs = now;
    this.#pingedMs = now;
    this.#activeMs = now;
  }

  open(): void {
    this.#socket.listen(this);
    this.#parts.beat.wake(this);
  }

  // What the socket tells

  text(text: string, bytes: number): void {
    this.#received(text, bytes);
  }

  binary(bytes: Uint8Array): void {
    this.#received(bytes, bytes.length);
  }

  pinged(): void {
    this.#take(this.#controlAllowance, 1, "pings", this.#parts.clock.now());
  }

  ponged(): void {
    this.#alive();
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
      this.#watchReader(nowMs);
      this.#watchPeer(nowMs);
      this.#watchCaller(nowMs);
    }
    return !this.#over;
  }

  /** False: the peer reads too slowly. */
  play(frame: Uint8Array): boolean {
    if (!this.#peerFull && this.#socket.bufferedAmount <= this.#highWater) return this.send({ type: "audio", bytes: frame });
    this.#parts.counts.droppedFrames += 1;
    return false;
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
    if (this.#over || this.#state.name === "sent-on") return;
    this.#alive();
    try {
      const signal = this.#decode(message, bytes);
      if (signal !== undefined) this.#act(signal);
    } catch (error) {
      this.#fail(toFault(error, "internal", "taking a caller's message"));
    }
  }

  #decode(message: string | Uint8Array, bytes: number): CallerSignal | undefined {
    const { textBytes, binaryBytes } = this.#dialect.limits;
    const isText = typeof message === "string";
    const limit = isText ? textBytes : binaryBytes;
    if (bytes > limit) {
      throw new Fault("caller-oversized", `a ${isText ? "text" : "binary"} message of ${bytes} bytes, the limit is ${limit}`);
    }
    if (!this.#take(this.#bytesAllowance, bytes, "bytes", this.#heardMs)) return undefined;
    try {
      const signal = isText ? this.#codec.decodeText(message) : this.#codec.decodeBinary(message);
      if (signal.type === "start") this.#held = signal.held;
      if (signal.type === "audio" && this.#state.name === "talking") wholeSamples(signal.bytes, this.#state.leg.uplink);
      return signal;
    } catch (error) {
      const fault = toFault(error, "internal", `reading a ${this.#dialect.name} message`);
      if (fault.row.blame === "caller") this.#parts.counts.malformedMessages += 1;
      return this.#forgive(fault, !isText);
    }
  }

  /** A frame of bad audio is dropped, the third ends the call; bad text cannot be trusted at all. */
  #forgive(fault: Fault, isBinary: boolean): undefined {
    const aboutAudio = isBinary ? fault.row.blame === "caller" : fault.code === "caller-unsupported";
    if (this.#state.name !== "talking" || !aboutAudio) throw fault;
    this.#malformedAudio += 1;
    if (this.#malformedAudio < malformedAudioLimit) return undefined;
    throw new Fault("caller-unsupported", `${this.#malformedAudio} malformed audio messages; the last: ${fault.message}`, { cause: fault });
  }

  #act(signal: CallerSignal): void {
    const ofMedia = signal.type === "audio" || signal.type === "played" || signal.type === "mark";
    if (
      !this.#take(
        ofMedia ? this.#mediaAllowance : this.#controlAllowance,
        1,
        ofMedia ? "media messages" : "control messages",
        this.#heardMs,
      )
    )
      return;
    if (signal.type === "ignored") {
      this.#parts.counts.ignoredMessages += 1;
    } else if (signal.type === "ping") {
      this.#activeMs = this.#heardMs;
      this.#write(signal.message);
    } else if (this.#state.name === "leaving") {
      if (signal.type === "stop") this.#finishStopped(this.#state, signal);
    } else if (signal.type === "start") {
      this.#start(signal);
    } else if (this.#state.name === "talking") {
      this.#activeMs = this.#heardMs;
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
    this.#highWater = Math.min(highWaterBytes, highWaterMs * encodings[signal.downlink].bytesPerMs * wireOverhead);
    const listener = this.#parts.reception.receive(leg, start);
    // The reception may have ended the leg in the same breath.
    if (!this.#over) this.#state = { name: "talking", leg, listener, media: new MediaClock(signal.uplink) };
    this.#activeMs = this.#heardMs;
  }

  #tell(
    { leg, listener, media }: State & { name: "talking" },
    signal: Exclude<CallerSignal, { type: "start" | "ping" | "ignored" }>,
  ): void {
    if (signal.type === "audio") {
      if (signal.atMs !== undefined) this.#fillGap(media, signal.atMs, signal.bytes.length, listener);
      this.#arrivals.took(this.#heardMs, msOf(signal.bytes.length, leg.uplink), signal.atMs !== undefined);
      listener.audio(signal.bytes);
    } else if (signal.type === "stop") {
      listener.signal({ type: "hung-up" });
      this.#finishStopped({ code: 1000, reason: "done" }, signal);
    } else if (signal.type === "pressure") {
      this.#peerFull = signal.on;
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

  #fillGap(media: MediaClock, atMs: number, bytes: number, listener: LegListener): void {
    const before = media.filledMs;
    media.advance(atMs, bytes, (silence) => listener.audio(silence));
    this.#parts.counts.filledGapMs += media.filledMs - before;
    this.#arrivals.filled(media.filledMs - before);
  }

  /** False: too much; the caller was refused. */
  #take(allowance: Allowance, amount: number, what: string, nowMs: number): boolean {
    if (this.#over) return false;
    if (allowance.take(amount, nowMs)) return true;
    this.#parts.counts.floods += 1;
    this.#fail(new Fault("caller-flooding", `too many ${what} at once`));
    return false;
  }

  #watchReader(nowMs: number): void {
    if (this.#socket.bufferedAmount <= this.#highWater) this.#slowSinceMs = undefined;
    else if (this.#slowSinceMs === undefined) this.#slowSinceMs = nowMs;
    else if (nowMs - this.#slowSinceMs >= slowLimitMs) this.#tooSlow(`nothing was read for ${slowLimitMs} ms`);
  }

  #tooSlow(why: string): void {
    this.#parts.counts.slowReaders += 1;
    this.#fail(new Fault("caller-slow", why));
  }

  #watchPeer(nowMs: number): void {
    if (this.#over || nowMs - Math.max(this.#pingedMs, this.#heardMs) < pingEveryMs) return;
    if (this.#pingsMissed >= pingsMissedLimit) {
      this.#parts.counts.silentPeers += 1;
      this.#socket.terminate();
      this.#lost(undefined);
      return;
    }
    this.#pingsMissed += 1;
    this.#pingedMs = nowMs;
    this.#socket.ping();
  }

  #watchCaller(nowMs: number): void {
    const state = this.#state;
    if (state.name !== "talking" || nowMs - this.#activeMs < muteLimitMs) return;
    this.#parts.counts.muteLegs += 1;
    this.#parts.log.info("leg_mute", { dialect: this.#dialect.name, message: `nothing was sent for ${muteLimitMs / 1_000} s` });
    this.#finish(1000, "idle");
    this.#tellLost(state.listener, undefined);
  }

  #alive(): void {
    this.#heardMs = this.#parts.clock.now();
    this.#pingsMissed = 0;
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

/** What the session holds of it. */
class SocketLeg implements Leg {
  readonly dialect: string;
  readonly traits: LegTraits;
  readonly uplink: Encoding;
  readonly downlink: Encoding;
  readonly #shell: SocketShell;

  constructor(shell: SocketShell, dialect: Dialect, uplink: Encoding, downlink: Encoding) {
    this.#shell = shell;
    this.dialect = dialect.name;
    this.traits = dialect.traits;
    this.uplink = uplink;
    this.downlink = downlink;
  }

  play(frame: Uint8Array): boolean {
    return this.#shell.play(frame);
  }

  beginTurn(turnId: string, fromMs = 0): void {
    this.#shell.send({ type: "turn", turnId, fromMs });
  }

  mark(name: string): void {
    this.#shell.send({ type: "mark", name });
  }

  flush(): void {
    this.#shell.send({ type: "flush" });
  }

  notify(notice: CallerNotice): void {
    this.#shell.send({ type: "notice", notice });
  }

  sendDtmf(digits: string): void {
    this.#shell.send({ type: "dtmf", digits });
  }

  transfer(target: string, briefing: string): void {
    this.#shell.transfer(target, briefing);
  }

  quality(): LegQuality {
    return this.#shell.quality();
  }

  close(end: LegEnd): void {
    this.#shell.end(end);
  }
}

function wholeSamples(bytes: Uint8Array, encoding: Encoding): void {
  if (bytes.length % encodings[encoding].bytesPerSample === 0) return;
  throw new Fault(
    "caller-unsupported",
    `audio: ${bytes.length} bytes (${msOf(bytes.length, encoding)} ms) end inside a sample of ${encoding}`,
  );
}

const codeOf = (end: LegEnd): string => (end.reason === "fault" ? end.fault.code : end.reason);
