import { msOf } from "../../audio/encodings.ts";
import { Fault, toFault } from "../../kernel/fault.ts";
import type { Begin, ConversationItem, LinkNotice, OpenRequest, ToolResult } from "../contract.ts";
import { Clauses, clausesOf, type ClauseLengths } from "../clauses.ts";
import { joined } from "../since.ts";
import { Memory } from "./memory.ts";
import { directiveFor, directives, instructionsOf } from "./prompt.ts";
import { Reply } from "./reply.ts";
import type { HeardNotice, Speaker, Thinker, ThinkPart, ThinkRequest } from "./stages.ts";

export interface PipelineHost {
  readonly request: OpenRequest;
  notice(notice: LinkNotice): void;
  audio(bytes: Uint8Array, turnId: string): void;
  lost(fault: Fault): void;
}

/** Replies that can still be cut: the caller may hear them long after they were told. */
const rememberedReplies = 16;
/** One answer that fails may be the answer's fault; two in a row are the house's. */
const failureLimit = 2;
const typedLimit = 4_000;
/** Each clause costs one of a limited number of flushes, and sounds the better the longer it is. */
const clauseLengths: ClauseLengths = { firstAtComma: 20, laterAtComma: 120, longest: 400 };

type Call = Extract<ThinkPart, { readonly type: "call" }>;

/** Who speaks when: what the caller said is thought about, what is thought is spoken, and nothing is answered twice or heard too early. */
export class Pipeline {
  readonly #host: PipelineHost;
  readonly #thinker: Thinker;
  readonly #speaker: Speaker;
  #memory: Memory;
  readonly #replies: Reply[] = [];
  /** The reply in the making. */
  #reply: Reply | undefined;
  /** Whether the caller is in the middle of a turn. */
  #callerSpeaks = false;
  #words = "";
  /** Something in the conversation waits for an answer. */
  #owed = false;
  #failuresInARow = 0;
  #ids = 0;
  #isOpen = true;

  constructor(host: PipelineHost, thinker: Thinker, speaker: Speaker) {
    [this.#host, this.#thinker, this.#speaker] = [host, thinker, speaker];
    this.#memory = new Memory(host.request.conversation);
  }

  /** With `since`: what joined the conversation while the link waited. */
  begin(begin: Begin, since: readonly ConversationItem[] = []): void {
    const { agent, conversation } = this.#host.request;
    if (since.length > 0) this.#memory = new Memory(joined(conversation, since));
    if (begin === "greet" && agent.greeting !== undefined) this.#recite(agent.greeting);
    else if (begin === "greet") this.#answer(directives.greet);
    else if (begin === "carry-on") this.#answer(directives.carryOn);
    else if (begin === "answer") this.#owe();
  }

  close(): void {
    this.#isOpen = false;
    this.#reply?.stop();
  }

  // What the caller does

  hears(notice: HeardNotice): void {
    if (!this.#isOpen) return;
    if (notice.type === "stage.lost") return this.#host.lost(notice.fault);
    if (notice.type === "caller.paused") return this.#draft(notice.turnId, notice.text);
    if (notice.type === "caller.continued") return this.#dropDraft();
    if (notice.type === "caller.spoke") this.#spoke();
    if (notice.type === "caller.transcribed") this.#words = notice.text;
    this.#host.notice(notice);
    if (notice.type === "caller.finished") this.#finished(notice.turnId);
    else if (notice.type === "caller.dismissed") this.#dismissed();
  }

  #spoke(): void {
    this.#callerSpeaks = true;
    this.#speaker.expect();
    this.#reply?.hide();
  }

  takeText(typed: string): void {
    const text = typed.trim().slice(0, typedLimit);
    if (text === "") return;
    this.#speaker.expect();
    this.#memory.callerSaid(this.#id("t"), text);
    this.#dropUntold();
    this.#owe();
  }

  interrupt(turnId: string, heardMs: number): void {
    const reply = this.#replies.find((one) => one.turnId === turnId);
    if (reply === undefined || reply.isCut) return;
    reply.isCut = true;
    const isRunning = reply.state !== "over";
    const heard = reply.heardBy(heardMs);
    if (isRunning || heard !== reply.text) this.#memory.agentSaid(turnId, heard, true);
    if (!isRunning) return;
    reply.stop();
    this.#over(reply, "interrupted");
  }

  answerTool(result: ToolResult): void {
    this.#speaker.expect();
    if (this.#memory.toolAnswered(result)) this.#owe();
  }

  #finished(turnId: string): void {
    this.#callerSpeaks = false;
    const text = this.#words;
    this.#memory.callerSaid(this.#id("c"), text);
    const { draftOf } = this.#reply ?? {};
    if (draftOf?.turnId === turnId && draftOf.text === text) return this.#reply?.show();
    this.#dropUntold();
    this.#owe();
  }

  #dismissed(): void {
    this.#callerSpeaks = false;
    this.#dropDraft();
    this.#reply?.show();
    this.#next();
  }

  // Answers

  #owe(): void {
    this.#owed = true;
    this.#next();
  }

  #next(): void {
    if (!this.#isOpen || !this.#owed || this.#callerSpeaks || this.#reply !== undefined) return;
    this.#answer(undefined);
  }

  /** The caller has probably ended: what is thought and spoken from now on is hidden until they have. */
  #draft(turnId: string, text: string): void {
    this.#dropUntold();
    if (this.#reply !== undefined || !this.#callerSpeaks) return;
    const reply = this.#newReply({ turnId, text });
    const said = { type: "caller", id: turnId, text } as const;
    void this.#think(reply, this.#thinkRequest(undefined, said));
  }

  #dropDraft(): void {
    if (this.#reply?.draftOf !== undefined) this.#dropUntold();
  }

  /** An answer of which nothing was told is not missed: what it was to answer is answered together with what came since. */
  #dropUntold(): void {
    const reply = this.#reply;
    if (reply === undefined || reply.state !== "hidden") return;
    this.#reply = undefined;
    reply.stop();
    if (reply.draftOf === undefined) this.#owed = true;
  }

  #answer(directive: string | undefined): void {
    this.#owed = false;
    const reply = this.#newReply(undefined);
    if (!this.#callerSpeaks) reply.show();
    void this.#think(reply, this.#thinkRequest(directive));
  }

  /** Words that need no thinking. */
  #recite(text: string): void {
    const reply = this.#newReply(undefined);
    reply.show();
    for (const clause of clausesOf(text, clauseLengths)) this.#say(reply, clause);
    this.#thought(reply, []);
  }

  #newReply(draftOf: Reply["draftOf"]): Reply {
    const reply = new Reply(this.#id("a"), draftOf);
    this.#reply = reply;
    this.#replies.push(reply);
    if (this.#replies.length > rememberedReplies) this.#replies.shift();
    return reply;
  }

  #thinkRequest(directive: string | undefined, said?: ThinkRequest["conversation"][number]): ThinkRequest {
    const { agent, clock, log } = this.#host.request;
    const conversation = said === undefined ? [...this.#memory.items] : [...this.#memory.items, said];
    return {
      instructions: instructionsOf(agent),
      conversation,
      directive: directive ?? directiveFor(conversation),
      tools: agent.tools,
      clock,
      log,
    };
  }

  async #think(reply: Reply, request: ThinkRequest): Promise<void> {
    const clauses = new Clauses(clauseLengths);
    reply.thinks(this.#nowMs);
    const calls: Call[] = [];
    try {
      for await (const part of this.#thinker.think(request, reply.signal)) {
        if (part.type === "usage" && this.#isOpen) this.#host.notice({ type: "link.used", usage: part.usage });
        if (reply.signal.aborted) return;
        if (part.type === "text") for (const clause of clauses.push(part.text)) this.#say(reply, clause);
        else if (part.type === "call") calls.push(part);
      }
      if (reply.signal.aborted) return;
      for (const clause of clauses.flush()) this.#say(reply, clause);
      if (reply.utterance === undefined && calls.length === 0) throw new Fault("provider-malformed", "answering: neither words nor a call");
      this.#thought(reply, calls);
    } catch (error) {
      if (!reply.signal.aborted) this.#fail(reply, toFault(error, "internal", "answering"));
    }
  }

  #say(reply: Reply, clause: string): void {
    reply.worded(this.#nowMs);
    reply.utterance ??= this.#speaker.begin({
      clause: (text) => reply.tell(() => this.#tellClause(reply, text)),
      audio: (bytes) => {
        reply.sounded(this.#nowMs);
        reply.tell(() => this.#tellAudio(reply, bytes));
      },
      ended: (fault) => (fault === undefined ? reply.tell(() => this.#over(reply, "complete")) : this.#fail(reply, fault)),
    });
    reply.utterance.say(clause);
  }

  /** Nothing more is thought; calls are told when nothing can take them back. */
  #thought(reply: Reply, calls: readonly Call[]): void {
    if (calls.length > 0) reply.tell(() => this.#tellCalls(reply, calls));
    reply.utterance?.finish();
  }

  #tellClause(reply: Reply, clause: string): void {
    this.#tellBegun(reply);
    // The session may have ended it on hearing of it.
    if (reply.state === "over") return;
    const { audioMs } = reply;
    const text = reply.addClause(clause);
    this.#memory.agentSaid(reply.turnId, reply.text, false);
    this.#host.notice({ type: "agent.said", turnId: reply.turnId, text, audioMs });
  }

  #tellAudio(reply: Reply, bytes: Uint8Array): void {
    const times = reply.takeTimes();
    if (times !== undefined) this.#host.notice({ type: "link.timed", turnId: reply.turnId, ...times });
    reply.addAudio(msOf(bytes.length, this.#host.request.downlink));
    this.#host.audio(bytes, reply.turnId);
  }

  #tellCalls(reply: Reply, calls: readonly Call[]): void {
    this.#memory.called(calls, reply.utterance === undefined ? undefined : reply.turnId);
    for (const { toolCallId, name, arguments: given } of calls)
      this.#host.notice({ type: "tool.called", toolCallId, name, arguments: given });
    // An answer of calls alone is no turn: the answer that is owed comes with their results.
    if (reply.utterance === undefined) this.#over(reply, "complete");
  }

  #over(reply: Reply, outcome: "complete" | "interrupted" | "failed"): void {
    reply.isSpoken = outcome === "complete";
    reply.end();
    if (this.#reply === reply) this.#reply = undefined;
    if (outcome === "complete") this.#failuresInARow = 0;
    if (reply.hasBegun) this.#host.notice({ type: "agent.ended", turnId: reply.turnId, outcome });
    this.#next();
  }

  #fail(reply: Reply, fault: Fault): void {
    if (!this.#isOpen || reply.state === "over") return;
    this.#host.request.log.warning("reply_failed", { code: fault.code, message: fault.message });
    // Nobody knows of it: what it was to answer is thought about anew when the caller has ended.
    if (reply.state === "hidden" && this.#callerSpeaks) return this.#dropUntold();
    reply.stop();
    this.#failuresInARow += 1;
    if (fault.row.remedy === "other-provider" || this.#failuresInARow >= failureLimit) return this.#host.lost(fault);
    this.#tellBegun(reply);
    this.#over(reply, "failed");
  }

  #tellBegun(reply: Reply): void {
    if (reply.hasBegun) return;
    reply.hasBegun = true;
    this.#host.notice({ type: "agent.began", turnId: reply.turnId });
  }

  get #nowMs(): number {
    return this.#host.request.clock.now();
  }

  #id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}${this.#ids}`;
  }
}
