import { msOf } from "../../audio/encodings.ts";
import { type Fault, toFault } from "../../kernel/fault.ts";
import type { ConversationItem, Link, LinkNotice, OpenRequest, ToolResult } from "../contract.ts";
import { untilAborted, wordsAfter } from "./going-on.ts";
import type { Brain, Ear, EarNotice, Ears, Mind, MindInput, MindPart, Mouth } from "./parts.ts";
import { Playback } from "./playback.ts";
import { Reply } from "./reply.ts";
import { ToolResults } from "./tool-results.ts";

const audio = "pcm16@16000";
/** Longer than this a reply does not run ahead of its playback, so that an endless one fills no memory. */
const aheadLimitMs = 30_000;
const partLimitMs = 20_000;
const waitingLimit = 16;
const textLimit = 4_000;
/** One reply that cannot be spoken may be its words' fault; two in a row are the voice's. */
const failedRepliesLimit = 2;

/** What a call is held with. */
export interface LinkParts {
  readonly ears: Pick<Ears, "open">;
  readonly brain: Pick<Brain, "open">;
  readonly mouth: Pick<Mouth, "speak">;
  /** What usage is reported under. */
  readonly models: { readonly ears: string; readonly mouth: string };
  /** Once, when the link is over. */
  readonly onClose: (link: LocalLink) => void;
}

/** Something to think about; `callerTurnId` when it is what the caller said in that turn. */
interface Waiting {
  readonly input: MindInput;
  readonly callerTurnId: string | undefined;
}

/** Where the caller is; `since`: up to where the turn's audio is accounted for. */
type CallerState =
  | { readonly name: "quiet"; readonly turnId: string; readonly sinceMs: number }
  | { readonly name: "speaking"; readonly turnId: string; readonly sinceMs: number; readonly isOver: PromiseWithResolvers<void> };

/** One call, held on this machine: what the ear hears goes to the mind, what the mind says goes through the mouth. */
export class LocalLink implements Link {
  readonly #request: OpenRequest;
  readonly #parts: LinkParts;
  readonly #ear: Ear;
  readonly #mind: Mind;
  readonly #playback: Playback;
  readonly #tools = new ToolResults();
  readonly #waiting: Waiting[] = [];
  #caller: CallerState = { name: "quiet", turnId: "", sinceMs: 0 };
  #words = "";
  /** What the mind was given of the caller's latest turn, as long as it stands. */
  #given = { turnId: "", text: "" };
  #reply: Reply | undefined;
  #isThinking = false;
  #replies = 0;
  #failedReplies = 0;
  #isOpen = true;

  constructor(request: OpenRequest, parts: LinkParts) {
    this.#request = request;
    this.#parts = parts;
    const { agent, conversation, random, clock, log } = request;
    this.#mind = parts.brain.open({ agent, conversation, random, clock, log });
    this.#ear = parts.ears.open({ report: (notice) => this.#hears(notice), log });
    this.#playback = new Playback(clock, (isPlaying) => this.#ear.agentIsSpeaking(isPlaying));
    this.#tools.expect(conversation);
    request.signal.addEventListener("abort", this.#end, { once: true });
    this.#begin();
  }

  get callId(): string {
    return this.#request.callId;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  hear(frame: Uint8Array): boolean {
    return this.#isOpen && this.#ear.hear(frame);
  }

  /** This one works from its beginning; one that waits is a `WaitingLink`. */
  takeOver(): void {}

  takeText(text: string): void {
    const typed = text.trim().slice(0, textLimit);
    if (!this.#isOpen || typed === "") return;
    this.#dropUnspoken();
    this.#consider({ type: "caller", text: typed });
  }

  /** The ear alone decides where turns end: "manual" is not among the traits. */
  commitTurn(): void {}

  interrupt({ turnId, heardMs }: { readonly turnId: string; readonly heardMs: number }): void {
    const reply = this.#reply;
    if (!this.#isOpen || reply === undefined || reply.turnId !== turnId || reply.state === "cut") return;
    if (reply.state === "ended" && heardMs >= reply.audioMs) return;
    this.#cut(reply, heardMs);
  }

  answerTool(result: ToolResult): void {
    if (!this.#isOpen) return;
    if (!this.#tools.answered(result)) this.#tell({ type: "link.puzzled", what: `a result of ${result.name}, which nobody waits for` });
    this.#next();
  }

  close(): void {
    this.#end();
  }

  #begin(): void {
    const { begin, conversation } = this.#request;
    if (begin === "greet" || begin === "carry-on") return this.#consider({ type: begin });
    if (begin === "answer") this.#consider(unanswered(conversation));
  }

  #hears(notice: EarNotice): void {
    if (!this.#isOpen) return;
    if (notice.type === "ears.failed") return this.#lose(notice.fault);
    // Told first: the session may interrupt at once, and what it says was heard counts more than our estimate.
    this.#tell(notice);
    switch (notice.type) {
      case "caller.transcribed":
        this.#words = notice.text;
        return;
      case "caller.spoke":
        this.#words = "";
        this.#caller = { name: "speaking", turnId: notice.turnId, sinceMs: notice.uplinkMs, isOver: Promise.withResolvers() };
        return;
      case "caller.resumed":
        this.#caller = { name: "speaking", turnId: notice.turnId, sinceMs: this.#caller.sinceMs, isOver: Promise.withResolvers() };
        return this.#takeBack(notice.turnId);
      case "caller.finished":
        return this.#callerFinished(notice.turnId, notice.uplinkMs);
      case "caller.dismissed":
        return this.#callerIsQuiet(this.#caller.sinceMs);
    }
  }

  #callerFinished(turnId: string, uplinkMs: number): void {
    const transcribedMs = Math.max(0, Math.round(uplinkMs - this.#caller.sinceMs));
    this.#tell({ type: "link.used", usage: { model: this.#parts.models.ears, quantities: { transcribed_ms: transcribedMs } } });
    const text = this.#words.trim().slice(0, textLimit);
    const known = this.#given.turnId === turnId ? this.#given.text : "";
    const added = known === "" ? text : wordsAfter(known, text);
    this.#given = { turnId, text };
    this.#dropUnspoken();
    this.#callerIsQuiet(uplinkMs);
    if (known === "" || added !== "") this.#consider({ type: "caller", text: added }, turnId);
    else if (!this.#tools.isWaiting) this.#consider({ type: "carry-on" });
  }

  #callerIsQuiet(sinceMs: number): void {
    const caller = this.#caller;
    this.#caller = { name: "quiet", turnId: caller.turnId, sinceMs };
    if (caller.name === "speaking") caller.isOver.resolve();
    this.#next();
  }

  /** The caller went on: the reply to the first half is taken back, unless a tool has run for it. Then the second half follows it. */
  #takeBack(turnId: string): void {
    const queued = this.#waiting.findIndex((waiting) => waiting.callerTurnId === turnId);
    const reply = this.#reply;
    if (queued >= 0) {
      this.#waiting.splice(queued, 1);
      this.#given = { turnId: "", text: "" };
      return;
    }
    if (reply === undefined) return;
    const isUnheard = reply.isRunning || (reply.state === "ended" && this.#playback.aheadMs > 0);
    if (isUnheard) this.#cut(reply, reply.audioMs - this.#playback.aheadMs);
    if (reply.callerTurnId !== turnId || reply.hasCalls) return;
    this.#mind.withdraw();
    this.#given = { turnId: "", text: "" };
  }

  /** The caller has said more before anything was answered: one answer to all of it is enough. */
  #dropUnspoken(): void {
    if (this.#reply?.state === "thinking") this.#cut(this.#reply, 0);
  }

  #consider(input: MindInput, callerTurnId?: string): void {
    // Full only when a caller floods us with typed turns; the oldest is the least wanted.
    if (this.#waiting.length >= waitingLimit) this.#waiting.shift();
    this.#waiting.push({ input, callerTurnId });
    this.#next();
  }

  #next(): void {
    if (!this.#isOpen || this.#isThinking || this.#caller.name === "speaking") return;
    const results = this.#tools.take();
    const next = results === undefined ? this.#waiting.shift() : { input: { type: "tools" as const, results }, callerTurnId: undefined };
    if (next !== undefined) void this.#answer(next);
  }

  async #answer({ input, callerTurnId }: Waiting): Promise<void> {
    this.#isThinking = true;
    this.#replies += 1;
    const reply = new Reply(`a${this.#replies}`, callerTurnId, this.#request.clock.now());
    this.#reply = reply;
    try {
      const { signal } = reply;
      for await (const part of untilAborted(this.#mind.think(input, signal), signal, this.#partLimit)) await this.#take(part, reply);
      this.#finish(reply, "complete");
      this.#failedReplies = 0;
    } catch (error) {
      if (reply.isRunning) this.#fail(reply, toFault(error, "internal", "answering"));
    }
    this.#tools.thoughtEnded();
    this.#isThinking = false;
    this.#next();
  }

  readonly #partLimit = (miss: () => void): (() => void) => {
    const timer = this.#request.clock.setTimeout(miss, partLimitMs);
    return () => this.#request.clock.clearTimeout(timer);
  };

  async #take(part: MindPart, reply: Reply): Promise<void> {
    if (part.type === "say") return this.#say(part.text.trim(), reply);
    reply.hasCalls = true;
    this.#tools.called(part.toolCallId);
    this.#tell({ type: "tool.called", toolCallId: part.toolCallId, name: part.name, arguments: part.arguments });
  }

  async #say(clause: string, reply: Reply): Promise<void> {
    if (clause === "") return;
    const { clock } = this.#request;
    const wordsMs = clock.now();
    const bytes = await this.#parts.mouth.speak(clause, this.#request.agent.voice, reply.signal);
    const times = reply.timesOf(wordsMs, clock.now());
    while (reply.state === "thinking" && this.#caller.name === "speaking") await this.#caller.isOver.promise;
    if (this.#playback.aheadMs > aheadLimitMs) await this.#pause(this.#playback.aheadMs - aheadLimitMs, reply.signal);
    if (!reply.isRunning) return;
    this.#startSpeaking(reply);
    if (times !== undefined) this.#tell({ type: "link.timed", turnId: reply.turnId, ...times });
    const text = reply.piece(clause);
    const durationMs = msOf(bytes.length, audio);
    this.#tell({ type: "agent.said", turnId: reply.turnId, text, audioMs: reply.audioMs });
    reply.add(text, durationMs);
    if (bytes.length > 0 && this.#isOpen) this.#request.report.audio(bytes, reply.turnId);
    if (this.#isOpen) this.#playback.add(durationMs);
  }

  /** Ends early when aborted. */
  #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#request;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, delayMs);
      signal.addEventListener("abort", () => (clock.clearTimeout(timer), resolve()), { once: true });
    });
  }

  #startSpeaking(reply: Reply): void {
    if (reply.state !== "thinking") return;
    reply.state = "speaking";
    this.#tell({ type: "agent.began", turnId: reply.turnId });
  }

  /** A reply of tool calls alone is no turn: the answer that is owed comes with their results. */
  #finish(reply: Reply, outcome: "complete" | "failed"): void {
    if (!reply.isRunning) return;
    if (!reply.hasCalls || outcome === "failed") this.#startSpeaking(reply);
    const wasSpoken = reply.state === "speaking";
    reply.state = "ended";
    if (wasSpoken) this.#tellEnded(reply, outcome);
  }

  #fail(reply: Reply, fault: Fault): void {
    this.#request.log.warning("local_reply_failed", { code: fault.code, message: fault.message });
    this.#finish(reply, "failed");
    this.#mind.heardOnly(reply.text);
    this.#failedReplies += 1;
    if (this.#failedReplies >= failedRepliesLimit) this.#lose(fault);
  }

  #cut(reply: Reply, heardMs: number): void {
    const wasSpeaking = reply.state === "speaking";
    reply.cut();
    this.#playback.flush();
    this.#mind.heardOnly(reply.heardBy(heardMs));
    if (wasSpeaking) this.#tellEnded(reply, "interrupted");
  }

  #tellEnded(reply: Reply, outcome: "complete" | "interrupted" | "failed"): void {
    this.#tellSpoken(reply);
    this.#tell({ type: "agent.ended", turnId: reply.turnId, outcome });
  }

  #tellSpoken({ text: { length } }: Reply): void {
    if (length > 0)
      this.#tell({ type: "link.used", usage: { model: this.#parts.models.mouth, quantities: { spoken_characters: length } } });
  }

  #tell(notice: LinkNotice): void {
    if (this.#isOpen) this.#request.report.notice(notice);
  }

  #lose(fault: Fault): void {
    this.#tell({ type: "link.lost", fault });
    this.#end();
  }

  readonly #end = (): void => {
    if (!this.#isOpen) return;
    if (this.#reply?.state === "speaking") this.#tellSpoken(this.#reply);
    this.#isOpen = false;
    this.#request.signal.removeEventListener("abort", this.#end);
    this.#waiting.length = 0;
    this.#reply?.cut();
    if (this.#caller.name === "speaking") this.#caller.isOver.resolve();
    this.#playback.flush();
    this.#ear.close();
    this.#parts.onClose(this);
  };
}

/** What is owed at the end of a conversation: an answer to the caller's last words, or to the tools that ran for them. */
function unanswered(conversation: readonly ConversationItem[]): MindInput {
  const at = conversation.findLastIndex(({ type }) => type === "caller");
  const last = conversation[at];
  const results = conversation.slice(at + 1).flatMap((item) => (item.type === "tool" && item.output !== undefined ? [item] : []));
  if (results.length > 0)
    return {
      type: "tools",
      results: results.map(({ id, name, output }) => ({ toolCallId: id, name, output: output ?? "", failed: false })),
    };
  return last?.type === "caller" ? { type: "caller", text: last.text } : { type: "carry-on" };
}
