import { bytesOf, encodings, msOf, type Encoding } from "../../src/audio/encodings.ts";
import type { Timer } from "../../src/kernel/clock.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { Begin, ConversationItem, Link, LinkNotice, OpenRequest, ToolResult } from "../../src/provider/contract.ts";
import type { Said, Segment, SimCaller } from "./sim-caller.ts";
import { speech } from "./sim-leg.ts";
import type { SimProvider } from "./sim-provider.ts";

/** Where in a call a link is just now. */
export type Place = "waiting" | "seeding" | "hearing" | "answering" | "tool" | "playing" | "idle";

/** A turn as this link tells of it. */
interface HeardTurn {
  readonly id: string;
  readonly said: Said;
  readonly segments: Segment[];
  state: "open" | "finished";
}

interface Due {
  readonly atMs: number;
  /** Withdrawn when the caller has the word again. */
  readonly isAnswer: boolean;
  readonly run: () => void;
}

const endpointMs = 600;
const thinkMs = 300;
/** Sessions are seeded for about so long. */
const seedingMs = 300;

const isFiller = (frame: Uint8Array, encoding: Encoding): boolean => frame.every((byte) => byte === encodings[encoding].silence);

/** One session of a simulated provider: it hears turns where they lie in what the caller sent, and answers each. */
export class SimLink implements Link {
  readonly request: OpenRequest;
  readonly provider: SimProvider;
  readonly sinceMs: number;
  /** Undefined for a probe. */
  readonly caller: SimCaller | undefined;
  state: "open" | "closed" | "lost" = "open";
  /** Takes no audio just now. */
  isClogged = false;
  /** Takes audio, and nothing of it ever comes to anybody. */
  isHalfOpen = false;
  /** What the provider says while its line is frozen; undefined: it is not. */
  #frozen: (() => void)[] | undefined;
  heardBytes = 0;
  /** Where in what was sent its own time line begins. */
  #origin: number | undefined;
  /** Where in what was sent it began to hear. */
  #first = 0;
  #isActive = false;
  #due: Due[] = [];
  readonly #turns: HeardTurn[] = [];
  readonly #seen = new Set<Segment>();
  #toolsOut = 0;
  #spoken = 0;
  #speaking: string | undefined;
  #dropTimer: Timer | undefined;
  /** How much silence of the session's own making it heard last. */
  #fillerBytes = 0;
  /** The turn whose words are still to come. */
  lateWords: Said | undefined;
  #lateFinal: (() => void) | undefined;

  constructor(provider: SimProvider, request: OpenRequest, caller: SimCaller | undefined) {
    this.provider = provider;
    this.request = request;
    this.caller = caller;
    this.sinceMs = request.clock.now();
    if (request.begin !== "wait" && caller !== undefined) this.#start(request.conversation, request.begin);
  }

  /** It was opened ahead of need. */
  get wasStandby(): boolean {
    return this.request.begin === "wait";
  }

  get isActive(): boolean {
    return this.#isActive && this.state === "open";
  }

  get place(): Place {
    if (!this.#isActive) return "waiting";
    if (this.request.clock.now() - this.sinceMs < seedingMs && this.request.conversation.length > 0) return "seeding";
    if (this.#turns.at(-1)?.state === "open") return "hearing";
    if (this.#toolsOut > 0) return "tool";
    if (this.#due.some(({ isAnswer }) => isAnswer)) return "answering";
    return this.caller?.leg.isPlaying === true ? "playing" : "idle";
  }

  hear(frame: Uint8Array): boolean {
    const { caller } = this;
    if (caller === undefined) return true;
    if (this.state !== "open") return false;
    if (this.isClogged || this.#frozen !== undefined) return false;
    caller.hearing(this);
    const { sent } = caller;
    const from = this.#origin;
    if (from !== undefined && isFiller(frame, sent.encoding) && !sent.isAt(from + this.heardBytes, frame)) return this.#takeFiller(frame);
    this.#fillerBytes = 0;
    if (from === undefined) {
      const place = sent.placeOf(frame);
      if (place === -1) caller.fault(`I3: ${this.provider.name} heard what was never sent`);
      if (place !== undefined) {
        this.#origin = place - this.heardBytes;
        // Silence of the session's own making may be among what came before, and looks the same.
        this.#first = Math.max(this.#origin, sent.silentFrom(place));
        caller.beginsAt(this.#first);
      }
    } else if (!sent.isAt(from + this.heardBytes, frame)) caller.fault(`I3, I4: ${this.provider.name} heard a gap, or something twice`);
    this.heardBytes += frame.length;
    if (this.#origin !== undefined) caller.heardFrom(this.#first, this.#origin + this.heardBytes, this);
    return true;
  }

  /** Silence that the caller did not send, after a replay: its own time line goes on, and the caller's does not. */
  #takeFiller(frame: Uint8Array): boolean {
    this.heardBytes += frame.length;
    this.#fillerBytes += frame.length;
    this.#origin = (this.#origin ?? 0) - frame.length;
    this.provider.meet("silence after a replay");
    return true;
  }

  takeOver(since: readonly ConversationItem[], begin: Begin): void {
    if (this.#isActive || !this.wasStandby) this.caller?.fault("takeOver of a link that has the call");
    this.#start([...this.request.conversation, ...since], begin);
  }

  takeText(text: string): void {
    this.#soon(thinkMs, true, () => this.#says(`answer to ${text}`));
  }

  commitTurn(): void {}

  interrupt({ turnId }: { turnId: string; heardMs: number }): void {
    if (this.#speaking !== turnId) return;
    this.#speaking = undefined;
    this.#due = this.#due.filter(({ isAnswer }) => !isAnswer);
    this.#tell({ type: "agent.ended", turnId, outcome: "interrupted" });
    if (!this.provider.talksOn) return;
    this.#soon(100, false, () => {
      this.provider.meet("answer after cancel");
      this.#audio(speech(0, 400), turnId);
    });
  }

  answerTool(result: ToolResult): void {
    this.#toolsOut = Math.max(0, this.#toolsOut - 1);
    this.#soon(thinkMs, true, () => this.#says(`found ${result.output.length > 0 ? "it" : "nothing"}`));
  }

  close(): void {
    this.#over("closed");
  }

  /** The provider accepted it, and closes it so much later. */
  dropLater(ms: number): void {
    const drop = (): void => {
      this.provider.meet(`accept, then close after ${ms} ms`);
      this.lose(new Fault("provider-dropped", `closed after ${ms} ms`));
    };
    this.#dropTimer = this.request.clock.setTimeout(drop, ms);
  }

  /** The connection is gone. */
  lose(fault: Fault): void {
    if (this.state !== "open") return;
    // Nobody is asked again what the agent was heard answering.
    if (this.lateWords !== undefined && this.caller?.leg.isPlaying === true) this.lateWords.excuse ??= "words that died with their link";
    this.#over("lost");
    this.request.report.notice({ type: "link.lost", fault });
  }

  /** Nothing passes in either direction; once it thaws, all that was held up does, in order. */
  freeze(on: boolean): void {
    const held = this.#frozen ?? [];
    this.#frozen = on ? held : undefined;
    if (!on) for (const tell of held) tell();
  }

  tells(notice: LinkNotice): void {
    this.#tell(notice);
  }

  /** What the provider does by itself, ten times a second. */
  step(): void {
    const nowMs = this.request.clock.now();
    if (this.state !== "open" || !this.#isActive || this.isHalfOpen || this.#frozen !== undefined) return;
    if (this.#due.some(({ atMs }) => atMs <= nowMs)) {
      const due = this.#due.filter(({ atMs }) => atMs <= nowMs);
      this.#due = this.#due.filter(({ atMs }) => atMs > nowMs);
      for (const { run } of due) run();
    }
    if (this.#origin === undefined || this.caller === undefined) return;
    for (const said of this.caller.recent) for (const segment of said.segments) if (this.isActive) this.#hears(said, segment, this.#origin);
  }

  #start(conversation: readonly ConversationItem[], begin: Begin): void {
    this.#isActive = true;
    this.provider.meet(`begins with ${begin}`);
    if (begin === "greet") this.#soon(thinkMs, true, () => this.#says("hello"));
    if (begin === "carry-on") this.#soon(thinkMs, true, () => this.#says("and the rest"));
    if (begin !== "answer") {
      this.#toolsOut = conversation.filter((item) => item.type === "tool" && item.output === undefined).length;
      return;
    }
    const last = conversation.findLastIndex((item) => item.type === "caller");
    const item = conversation[last];
    const words = item?.type === "caller" ? item.text : "nobody";
    const hasTool = conversation.slice(last).some(({ type }) => type === "tool");
    const said = this.caller?.saidAs(words);
    this.#soon(thinkMs, true, () => (said?.kind === "tool" && !hasTool ? this.#calls(said) : this.#says(`answer to ${words}`)));
  }

  #hears(said: Said, segment: Segment, origin: number): void {
    const { encoding } = this.caller?.sent ?? { encoding: this.request.uplink };
    const until = origin + this.heardBytes;
    if (segment.from >= until - bytesOf(100, encoding) && segment.to === undefined) return;
    const endpoint = bytesOf(endpointMs, encoding);
    if (this.#seen.has(segment)) return this.#ends(said, segment, until, origin, endpoint);
    if (segment.to !== undefined && (segment.to <= this.#first || segment.from >= until)) return;
    this.#seen.add(segment);
    if (segment.from < this.#first) {
      // A breath of it is no speech.
      if (segment.to !== undefined && segment.to - this.#first < bytesOf(100, encoding)) return;
      this.caller?.heardInPart(said, segment, this);
    }
    const turn = this.#turns.at(-1);
    this.#due = this.#due.filter(({ isAnswer }) => !isAnswer);
    if (turn?.said === said && turn.state === "finished") {
      this.#lateFinal?.();
      turn.state = "open";
      turn.segments.push(segment);
      this.provider.meet("caller goes on");
      this.#tell({ type: "caller.resumed", turnId: turn.id });
    } else if (turn?.said === said) turn.segments.push(segment);
    else {
      const id = `c${said.number}.${this.#turns.length}`;
      this.#turns.push({ id, said, segments: [segment], state: "open" });
      if (this.#turns.length > 4) this.#turns.shift();
      this.#tell({ type: "caller.spoke", turnId: id, uplinkMs: Math.max(0, msOf(segment.from - origin, encoding)) });
    }
    this.#ends(said, segment, until, origin, endpoint);
  }

  /** The turn is over where the caller fell silent for long enough. */
  #ends(said: Said, segment: Segment, until: number, origin: number, endpoint: number): void {
    const turn = this.#turns.findLast((each) => each.segments.at(-1) === segment && each.state === "open");
    if (turn === undefined || segment.to === undefined || until + this.#fillerBytes < segment.to + endpoint || this.state !== "open")
      return;
    turn.state = "finished";
    if (said.kind === "noise") {
      this.#tell({ type: "caller.dismissed", turnId: turn.id });
      if (this.provider.stutters) this.#tell({ type: "caller.dismissed", turnId: turn.id });
      return;
    }
    const words = turn.segments.map(({ words: each }) => each).join(" ");
    const final = (): void => {
      if (this.provider.traits.callerTranscript !== "none")
        this.#tell({ type: "caller.transcribed", turnId: turn.id, text: words, final: true });
    };
    const isLate = said.number % 4 === 3 && said.kind !== "tool";
    // The words of one turn come at the latest before those of the next.
    this.#lateFinal?.();
    if (!isLate) final();
    this.#tell({ type: "caller.finished", turnId: turn.id, uplinkMs: msOf(segment.to - origin, this.request.uplink) });
    if (isLate) {
      this.provider.meet("words after the end of their turn");
      this.lateWords = said;
      this.#lateFinal = () => {
        this.lateWords = this.#lateFinal = undefined;
        final();
      };
      this.#soon(400, false, () => this.#lateFinal?.());
    }
    this.#soon(thinkMs, true, () => (said.kind === "tool" ? this.#calls(said) : this.#says(`answer to ${words}`)));
  }

  #calls(said: Said): void {
    if (this.provider.isSilent || this.provider.traits.tools === "none") return;
    this.#toolsOut += 1;
    const notice = {
      type: "tool.called",
      toolCallId: `x${said.number}`,
      name: "look_up",
      arguments: JSON.stringify({ call: this.request.callId, turn: said.number }),
    } as const;
    this.#tell(notice);
    if (this.provider.stutters) this.#tell(notice);
  }

  #says(text: string): void {
    if (this.provider.isSilent) return;
    this.#spoken += 1;
    const turnId = `a${this.#spoken}`;
    const ms = 400 + Math.floor(this.provider.random.next() * 46) * 100;
    this.#speaking = turnId;
    this.#tell({ type: "agent.began", turnId });
    if (this.provider.stutters) this.#tell({ type: "agent.began", turnId });
    this.#tell({ type: "agent.said", turnId, text, audioMs: 0 });
    const firstMs = this.provider.random.next() < 0.5 ? ms : Math.round(ms / 200) * 100;
    this.#audio(speech(0, firstMs), turnId);
    this.#soon(400, true, () => {
      if (this.#speaking !== turnId) return;
      this.#audio(speech(firstMs, ms), turnId);
      this.#tell({ type: "agent.ended", turnId, outcome: "complete" });
      if (this.provider.stutters) this.#tell({ type: "agent.ended", turnId, outcome: "complete" });
      const { resumable } = this.provider.traits;
      const uplinkMs = msOf(this.heardBytes, this.request.uplink);
      if (resumable) this.#tell({ type: "link.resumable", handle: `${this.provider.name}.${turnId}`, uplinkMs });
    });
  }

  #over(state: "closed" | "lost"): void {
    if (this.state === "open") this.state = state;
    if (this.#origin === undefined) this.caller?.heardSilence(this.heardBytes);
    this.request.clock.clearTimeout(this.#dropTimer);
    this.provider.forget(this);
  }

  #soon(ms: number, isAnswer: boolean, run: () => void): void {
    this.#due.push({ atMs: this.request.clock.now() + ms, isAnswer, run });
  }

  #tell(notice: LinkNotice): void {
    if (this.#frozen !== undefined) this.#frozen.push(() => this.#tell(notice));
    else if (this.state === "open" && !this.isHalfOpen) this.request.report.notice(notice);
  }

  #audio(bytes: Uint8Array, turnId: string): void {
    if (this.#frozen !== undefined) this.#frozen.push(() => this.#audio(bytes, turnId));
    else if (this.state === "open" && !this.isHalfOpen && bytes.length > 0) this.request.report.audio(bytes, turnId);
  }
}
