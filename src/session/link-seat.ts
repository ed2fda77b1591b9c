import { isDeepStrictEqual } from "node:util";
import { encodings, msOf, type Encoding } from "../audio/encodings.ts";
import type { CutTurn } from "../audio/downlink.ts";
import { transcoder, whole, type Transcoder } from "../audio/transcode.ts";
import type { Attachment } from "../audio/uplink.ts";
import { Fault, toFault, type FaultCode } from "../kernel/fault.ts";
import type { Begin, ConversationItem, Link, LinkNotice, LinkReport, Provider } from "../provider/contract.ts";
import { nearestVoice } from "../provider/voices.ts";
import { AgentTurns } from "./agent-turns.ts";
import type { MoveCause } from "./board.ts";
import type { Call } from "./call.ts";
import { CallerTurns } from "./caller-turns.ts";
import { LinkTools } from "./link-tools.ts";

/** A link that has lived so long works, whether or not it had something to answer. */
const provenMs = 5_000;
/** The provider keeps its own limit; this one is for a provider that does not. */
const openGraceMs = 1_000;
/** So much is kept of what a link reports before it has the call; one that says more has run away. */
const longestEarly = 2_000;

/** Whose seat it is. */
export interface SeatHost {
  /** Its link is ready: to `sit`, or to wait. */
  opened(seat: LinkSeat): void;
  /** Its link has the call, and has lived long enough or has answered a turn. */
  proven(seat: LinkSeat): void;
  /** Its link waits, and its session ends soon. */
  expiring(seat: LinkSeat): void;
  /** Its link could not be had, or is gone; told once, unless the seat was left. */
  failed(seat: LinkSeat, fault: Fault): void;
}

export interface SeatOrder {
  /** Dials of this provider since a link of it last worked, this one included. */
  readonly attempt: number;
  /** Opened ahead of need. */
  readonly waits: boolean;
}

type State =
  | { readonly name: "opening" }
  | { readonly name: "ready"; readonly link: Link; readonly sinceMs: number }
  | { readonly name: "open"; readonly link: Link; readonly feed: Attachment; readonly sinceMs: number }
  | { readonly name: "over" };

/**
 * The place of one link in a call: opens it, and once it has the call feeds it and writes what it reports into the conversation, the
 * cursors and the chart. Until then nothing that it says is for the caller.
 */
export class LinkSeat implements Disposable, LinkReport {
  readonly provider: string;
  readonly #call: Call;
  readonly #provider: Provider;
  readonly #order: SeatOrder;
  readonly #host: SeatHost;
  readonly #encodings: { readonly up: Encoding; readonly down: Encoding };
  /** Undefined: the link speaks what the caller hears. */
  readonly #toLeg: Transcoder | undefined;
  readonly #abort = new AbortController();
  readonly #startedMs: number;
  #state: State = { name: "opening" };
  readonly #heard: CallerTurns;
  readonly #said: AgentTurns;
  readonly #tools: LinkTools;
  /** What came for the link while it was still opening. */
  readonly #waiting: ((link: Link) => void)[] = [];
  /** What the link reported before it had the call. */
  readonly #early: (() => void)[] = [];
  /** What the link knows of the conversation, and what it was told to begin with. */
  readonly #told: readonly ConversationItem[];
  readonly #begin: Begin;
  #model: string | undefined;
  /** What the link has heard, once it had the call, and what was told of it. */
  #fed: Attachment | undefined;
  #sentBytes = 0;
  #receivedBytes = 0;

  constructor(call: Call, provider: Provider, order: SeatOrder, host: SeatHost) {
    this.provider = provider.name;
    this.#call = call;
    this.#provider = provider;
    this.#order = order;
    this.#host = host;
    this.#startedMs = call.house.clock.now();
    this.#encodings = {
      up: nearest(call.uplink.encoding, provider.traits.hears),
      down: nearest(call.downlinkEncoding, provider.traits.speaks),
    };
    const { down } = this.#encodings;
    this.#toLeg = down === call.downlinkEncoding ? undefined : transcoder(down, call.downlinkEncoding);
    this.#heard = new CallerTurns(
      call,
      (uplinkMs) => (this.#state.name === "open" ? this.#state.feed.positionOf(uplinkMs) : call.uplink.end),
      () => this.#said.answers,
    );
    this.#said = new AgentTurns(() => {
      const id = call.nextTurnId();
      return { id, account: call.conversation.openAgentTurn(id) };
    });
    this.#tools = new LinkTools(call, () =>
      this.#lose(new Fault("provider-malformed", `${this.provider} calls one tool after the other and never answers`)),
    );
    const conversation = order.waits ? call.conversation.settledItems() : call.conversation.items();
    this.#told = conversation;
    this.#begin = beginFor(call.conversation.owed());
    const { clock } = call.house;
    const limit = clock.setTimeout(
      () => this.giveUp("opening", "no session in time"),
      call.house.pace.openLimitMs(this.provider) + openGraceMs,
    );
    this.#abort.signal.addEventListener("abort", () => clock.clearTimeout(limit), { once: true });
    this.#open().then(
      () => clock.clearTimeout(limit),
      (error: unknown) => call.broke(error),
    );
  }

  get isReady(): boolean {
    return this.#state.name === "ready";
  }

  /** Nothing was said that it was not told, or cannot be told when it takes over. */
  get knowsAll(): boolean {
    if (this.#order.waits) return true;
    const { conversation } = this.#call;
    return this.#begin === beginFor(conversation.owed()) && isDeepStrictEqual(this.#told, conversation.items());
  }

  /** The call is this link's from now on: it hears what is not settled, then the caller. Only when ready. */
  sit(): void {
    if (this.#state.name !== "ready") return;
    const { link, sinceMs } = this.#state;
    const call = this.#call;
    if (this.#order.waits) {
      const told = new Set(this.#told.map(({ id }) => id));
      const since = call.conversation.items().filter(({ id }) => !told.has(id));
      link.takeOver(since, beginFor(call.conversation.owed()), call.links.handOverTo(this.provider));
    }
    if (!this.isReady) return;
    call.sits(this);
    this.#feed(link, sinceMs);
    for (const report of this.#early.splice(0)) report();
  }

  /** Another link takes the call over. */
  leave(cause: MoveCause): void {
    this.#over(cause);
    this.#abort.abort();
  }

  /** The caller has the word: `cuts` are the agent turns that were playing, by our ids, with what was heard of them. */
  interrupt(cuts: readonly CutTurn[]): void {
    for (const { linkTurnId, id, heardMs } of this.#said.interrupt(cuts)) {
      if (heardMs === undefined) this.#call.conversation.cut(id, 0, "caller", this.#call.ageMs);
      this.#toLeg?.flush();
      this.#give((link) => link.interrupt({ turnId: linkTurnId, heardMs: heardMs ?? 0 }));
    }
  }

  takeText(text: string): void {
    this.#give((link) => link.takeText(text));
  }

  /** `id` is ours. */
  answerTool(id: string, name: string, output: string, failed: boolean): void {
    this.#give((link) => link.answerTool({ toolCallId: this.#tools.idOf(id), name, output, failed }));
  }

  /** The provider owes something that did not come while the link was `when`. */
  giveUp(when: "opening" | "open", why: string): void {
    if (this.#state.name === when) this.#lose(new Fault("provider-silent", why));
  }

  /** Another link was there first. Who kept the caller waiting for so long has failed them; whoever had less time has not. */
  outrun(patienceMs: number): void {
    const waitedMs = this.#call.house.clock.now() - this.#startedMs;
    if (this.#state.name !== "opening" || waitedMs < patienceMs) return this[Symbol.dispose]();
    this.#end(new Fault("provider-silent", `opening ${this.provider}: no session in ${Math.round(waitedMs)} ms, another was there first`));
  }

  /** The caller hears an answer: the provider works. */
  answered(): void {
    this.#prove();
  }

  /** What the call would keep of its caller's turns if this link were over now. */
  wouldSettle(): { readonly turnIds: readonly string[]; readonly end: number } {
    return this.#heard.wouldSettle(this.#isAnswering());
  }

  /** The answer was heard to its end: the turns that it answers are settled. Earlier the caller might still go on. */
  heardOut(): void {
    this.#heard.settle(!this.#call.tools.isBusy && !this.#call.downlink.speaking);
  }

  audio(bytes: Uint8Array, turnId: string, nowMs?: number): void {
    if (this.#state.name === "over") return;
    if (this.#state.name !== "open") return this.#keepEarlyAudio(new Uint8Array(bytes), turnId);
    try {
      this.#say(bytes, turnId, nowMs);
    } catch (error) {
      this.#failed(error);
    }
  }

  notice(notice: LinkNotice): void {
    // What the link is and costs does not wait for the call, and what it has cost is owed when it is over.
    if (notice.type === "link.used") return this.#call.tell({ type: "link.used", provider: this.provider, usage: notice.usage });
    if (this.#state.name === "over") return;
    if (notice.type === "link.named") return void (this.#model = notice.model);
    if (this.#order.waits && this.#state.name === "ready" && notice.type === "link.expiring") return this.#host.expiring(this);
    if (this.#state.name !== "open" && notice.type !== "link.lost") return this.#keepEarly(() => this.notice(notice));
    try {
      this.#note(notice);
    } catch (error) {
      this.#failed(error);
    }
  }

  #keepEarlyAudio(bytes: Uint8Array, turnId: string): void {
    this.#keepEarly(() => this.audio(bytes, turnId));
  }

  #keepEarly(report: () => void): void {
    if (this.#early.length < longestEarly) this.#early.push(report);
    else this.#lose(new Fault("provider-malformed", `${this.provider} said more than ${longestEarly} things before it was asked anything`));
  }

  [Symbol.dispose](): void {
    try {
      this.#over("asked");
    } finally {
      this.#abort.abort();
    }
  }

  #say(bytes: Uint8Array, turnId: string, nowMs = this.#call.house.clock.now()): void {
    const turn = this.#said.of(turnId);
    if (turn.state !== "open") return;
    // Who is on hold hears nothing of it, so it was not said.
    if (this.#call.isUnspoken) return this.interrupt([]);
    this.#receivedBytes += bytes.length;
    this.#call.answer.timer.audioCame(nowMs);
    const { downlink } = this.#call;
    const out = this.#toLeg === undefined ? whole(bytes, downlink.encoding) : this.#toLeg.push(bytes);
    this.#said.audioCame(turn, nowMs, msOf(out.length, downlink.encoding));
    downlink.write(out, turn.id, nowMs);
  }

  #note(notice: LinkNotice): void {
    const call = this.#call;
    switch (notice.type) {
      case "caller.spoke":
        return this.#heard.spoke(notice.turnId, notice.uplinkMs);
      case "caller.transcribed":
        return this.#heard.transcribed(notice.turnId, notice.text, notice.final);
      case "caller.finished":
        return this.#heard.finished(notice.turnId, notice.uplinkMs);
      case "caller.resumed":
        return this.#heard.resumed(notice.turnId);
      case "caller.dismissed":
        return this.#heard.dismissed(notice.turnId);
      case "agent.began":
        this.#said.of(notice.turnId);
        return;
      case "agent.said": {
        const turn = this.#said.of(notice.turnId);
        if (turn.state !== "open") return;
        call.conversation.say(turn.id, notice.text, notice.audioMs);
        return call.caption(turn.id, "agent", false);
      }
      case "agent.ended":
        return this.#agentEnded(notice.turnId, notice.outcome);
      case "tool.called":
        this.#tools.run(notice.toolCallId, notice.name, notice.arguments).catch((error: unknown) => call.broke(error));
        return;
      case "tool.cancelled":
        return this.#tools.cancel(notice.toolCallId);
      case "link.puzzled":
        return call.tell({ type: "link.puzzled", provider: this.provider, what: notice.what });
      case "link.expiring":
        return call.send({ type: "link.expiring", provider: this.provider, inMs: notice.inMs });
      case "link.resumable":
        return call.links.keepHandle(this.provider, notice.handle);
      case "link.timed":
        return call.answer.timer.partsTold(notice.llmMs, notice.ttsMs);
      case "link.named":
      case "link.used":
      case "link.limited":
        // Taken before, by `notice` or by the provider's wrapper.
        return;
      case "link.lost":
        return this.#lose(notice.fault);
    }
  }

  async #open(): Promise<void> {
    const call = this.#call;
    const { clock, pace } = call.house;
    const { traits } = this.#provider;
    try {
      const link = await this.#provider.open({
        callId: call.id,
        agent: { ...call.agent, voice: nearestVoice(call.agent, traits) },
        uplink: this.#encodings.up,
        downlink: this.#encodings.down,
        endpointing: traits.endpointing.includes("provider") ? "provider" : "manual",
        conversation: this.#told,
        begin: this.#order.waits ? "wait" : this.#begin,
        resumption: traits.resumable && !this.#order.waits ? call.links.handleFor(this.provider) : undefined,
        handOver: this.#order.waits ? undefined : call.links.handOverTo(this.provider),
        openLimitMs: pace.openLimitMs(this.provider),
        urgent: call.isUrgent,
        report: this,
        signal: this.#abort.signal,
        clock,
        random: call.random,
        log: call.log.with({ provider: this.provider }),
      });
      if (this.#state.name === "over") return link.close();
      const sinceMs = clock.now();
      this.#state = { name: "ready", link, sinceMs };
      call.tell({
        type: "link.opened",
        provider: this.provider,
        setupMs: sinceMs - this.#startedMs,
        attempt: this.#order.attempt,
        model: this.#model,
        path: {
          up: pathOf(call.uplink.encoding, this.#encodings.up),
          down: pathOf(this.#encodings.down, call.downlinkEncoding),
        },
      });
      this.#host.opened(this);
    } catch (error) {
      if (this.#state.name === "over") return;
      this.#lose(toFault(error, "internal", `opening ${this.provider}`));
    }
  }

  #feed(link: Link, sinceMs: number): void {
    const call = this.#call;
    const { replayPace, trailingSilenceMs } = this.#provider.traits;
    const feed = call.uplink.attach({ encoding: this.#encodings.up, replayPace, trailingSilenceMs }, link);
    this.#fed = feed;
    this.#state = { name: "open", link, feed, sinceMs };
    if (feed.replayedChunks > 0)
      call.tell({ type: "audio.replayed", provider: this.provider, chunks: feed.replayedChunks, buffered: call.uplink.unsettledChunks });
    for (const give of this.#waiting.splice(0)) give(link);
    call.links.opened(this.provider, this.#order.attempt, feed.replayedChunks);
    const timer = call.house.clock.setTimeout(() => this.#prove(), provenMs);
    this.#abort.signal.addEventListener("abort", () => call.house.clock.clearTimeout(timer), { once: true });
  }

  #prove(): void {
    if (this.#state.name === "open") this.#host.proven(this);
  }

  #agentEnded(linkTurnId: string, outcome: "complete" | "interrupted" | "failed"): void {
    const call = this.#call;
    const turn = this.#said.of(linkTurnId);
    if (turn.state === "ended") return;
    const wasCut = turn.state === "cut";
    // It is owed still, and whoever is next gives it.
    if (outcome === "failed" && !wasCut) return this.#lose(new Fault("provider-overloaded", `${this.provider} failed to answer a turn`));
    call.tell({
      type: "turn.ended",
      provider: this.provider,
      turnId: turn.id,
      outcome: outcome === "complete" && !wasCut ? "complete" : "interrupted",
      kind: call.answer.kind,
      gapMs: turn.gapMs < 0 ? undefined : turn.gapMs,
      stop: call.tools.isExhausted ? "max_tool_calls" : undefined,
    });
    this.#tellFlow();
    turn.state = "ended";
    if (wasCut) return;
    const tail = this.#toLeg?.flush();
    if (tail !== undefined && tail.length > 0) call.downlink.write(tail, turn.id);
    call.conversation.audioEnded(turn.id);
    if (call.downlink.endTurn(turn.id)) return;
    if (call.conversation.textOf(turn.id) === "") call.conversation.withdraw(turn.id);
    this.#heard.settle();
    if (!call.downlink.speaking) call.send({ type: "agent.wasHeard" });
  }

  #give(what: (link: Link) => void): void {
    if (this.#state.name === "open") what(this.#state.link);
    else if (this.#state.name === "opening") this.#waiting.push(what);
  }

  /** What the link reported cannot be, or met a defect of ours: another provider may do better. */
  #failed(error: unknown): void {
    this.#call.log.error("link_report_failed", { provider: this.provider, code: "internal", err: error });
    this.#lose(toFault(error, "internal", `taking what ${this.provider} reported`));
  }

  #lose(fault: Fault): void {
    if (this.#state.name === "over") return;
    const hadTheCall = this.#state.name === "open";
    this.#end(fault);
    if (hadTheCall) this.#call.answer.keptAway();
    this.#host.failed(this, fault);
  }

  /** Tells what became of it. */
  #end(fault: Fault): void {
    if (this.#state.name === "over") return;
    const call = this.#call;
    const nowMs = call.house.clock.now();
    const told = { provider: this.provider, code: fault.code, message: fault.message, retryAfterMs: fault.retryAfterMs };
    if (this.#state.name === "opening")
      call.tell({ type: "link.failed", ...told, attempt: this.#order.attempt, durationMs: nowMs - this.#startedMs });
    else call.tell({ type: "link.lost", ...told, livedMs: nowMs - this.#state.sinceMs });
    for (const { id } of this.#said.open)
      call.tell({ type: "turn.broken", provider: this.provider, turnId: id, kind: call.answer.kind, cause: fault.code });
    // With the reason, and before the link is closed: a close alone would pass for a hang-up.
    this.#abort.abort(fault);
    this.#over(fault.code, fault.foundAfterMs);
  }

  /** What this link knew and did not finish is left as the next one needs it. Idempotent. */
  #over(cause: FaultCode | MoveCause, foundAfterMs = 0): void {
    const state = this.#state;
    if (state.name === "over") return;
    const call = this.#call;
    this.#state = { name: "over" };
    this.#early.length = 0;
    if (state.name === "open") {
      call.links.gone(this.provider, cause, foundAfterMs);
      state.feed[Symbol.dispose]();
    }
    if (state.name !== "opening") {
      state.link.close();
      this.#tellFlow();
      call.tell({ type: "link.closed", provider: this.provider, livedMs: call.house.clock.now() - state.sinceMs });
    }
    // Who never had the call has left nothing behind.
    if (state.name !== "open") return;
    this.#leaveTurns();
  }

  #isAnswering(): boolean {
    return this.#said.open.some(({ id }) => this.#call.downlink.holds(id));
  }

  #leaveTurns(): void {
    const call = this.#call;
    const replayed = this.#heard.leave(this.#isAnswering());
    for (const turn of this.#said.open) {
      // What came of it still plays; the rest is owed by the next link, unless that hears the question again and answers anew.
      call.conversation.breakOff(turn.id, replayed ? "caller" : "fault");
      if (!call.downlink.endTurn(turn.id)) call.conversation.withdraw(turn.id);
    }
  }

  #tellFlow(): void {
    const { chunkMs } = this.#call.house.limits;
    const chunks = (bytes: number, encoding: Encoding): number => Math.round(msOf(bytes, encoding) / chunkMs);
    const sentBytes = this.#fed?.takenBytes ?? 0;
    const sentChunks = chunks(sentBytes - this.#sentBytes, this.#encodings.up);
    const receivedChunks = chunks(this.#receivedBytes, this.#encodings.down);
    this.#sentBytes = sentBytes;
    this.#receivedBytes = 0;
    this.#call.tell({ type: "audio.flowed", provider: this.provider, sentChunks, receivedChunks });
  }
}

function beginFor(owed: "greeting" | "answer" | "rest" | "nothing"): Begin {
  return ({ greeting: "greet", answer: "answer", rest: "carry-on", nothing: "listen" } as const)[owed];
}

const pathOf = (from: Encoding, to: Encoding): readonly Encoding[] => (from === to ? [from] : [from, to]);

/** The same encoding where the provider has it (nothing is decoded then), else the one whose rate is the least above, else its best. */
function nearest(wanted: Encoding, offered: readonly Encoding[]): Encoding {
  if (offered.includes(wanted)) return wanted;
  const rate = (encoding: Encoding): number => encodings[encoding].rateHz;
  const enough = offered.filter((encoding) => rate(encoding) >= rate(wanted)).sort((a, b) => rate(a) - rate(b));
  const best = enough[0] ?? offered[0];
  if (best === undefined) throw new Fault("internal", "a provider without encodings");
  return best;
}
