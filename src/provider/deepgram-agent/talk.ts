import { encodings } from "../../audio/encodings.ts";
import type { Clock, Timer } from "../../kernel/clock.ts";
import type { LinkNotice, OpenRequest, ToolResult } from "../contract.ts";
import { CallerTurns } from "./caller-turns.ts";
import * as wire from "./wire.ts";

export interface TalkHost {
  readonly request: OpenRequest;
  /** Caller audio given to the service since the link opened, ms. */
  readonly sentMs: number;
  /** Said into the session as if the caller had said it. */
  inject(text: string): void;
  answerCall(id: string, name: string, content: string): void;
  notice(notice: LinkNotice): void;
  audio(bytes: Uint8Array, turnId: string): void;
}

/** The agent's turn that is being spoken. */
interface AgentTurn {
  readonly number: number;
  readonly id: string;
  bytes: number;
  worded: boolean;
  /** Half a sample that waits for its other half. */
  odd: Uint8Array;
}

/**
 * What still comes of a reply that was cut: `no`; `until-next` reply, since the service knows that it was cut and ends it; or
 * `until-done`, since only we have cut it and the service speaks on to its end.
 */
type Stale = "no" | "until-next" | "until-done";

/** A reply of which nothing comes for so long is over: the message that says so may be missing. */
const quietMs = 3_000;
/** Words without any sound have failed after this. */
const voicelessMs = 6_000;
/** Longer than any turn that is kept for a replay; then what seemed speech was none. */
const wordlessMs = 60_000;
/** What was said for the caller and waits for its echo; more than a few at once nobody types. */
const echoLimit = 16;
/** Calls that wait for their results, and as many that were taken back; no agent makes more. */
const callLimit = 64;

/**
 * The conversation on one socket: who speaks, what is stale, which calls wait. The wire has no ids of turns and no end that can be
 * relied on, so the turns are made here, from the order of messages and from silence.
 */
export class Talk {
  readonly #host: TalkHost;
  readonly #clock: Clock;
  readonly #turns: CallerTurns;
  readonly #calls = new Set<string>();
  readonly #cancelled = new Set<string>();
  /** `after`: how many turns the agent had begun; the echo comes before it answers. */
  #echoes: { readonly text: string; readonly after: number }[] = [];
  #agent: AgentTurn | undefined;
  #agentTurns = 0;
  #stale: Stale = "no";
  /** By the clock: when the agent's turn, or what is stale of it, last gave a sign. */
  #lastAt = 0;
  #quiet: Timer | undefined;
  #wordless: Timer | undefined;
  /** Something was said that the agent has not begun to answer. */
  #unanswered = false;

  constructor(host: TalkHost) {
    this.#host = host;
    this.#clock = host.request.clock;
    this.#turns = new CallerTurns((notice) => {
      if (notice.type === "caller.finished") this.#unanswered = true;
      host.notice(notice);
    });
  }

  /** Whether somebody waits for the service just now. */
  get owed(): boolean {
    return this.#unanswered || this.#agent !== undefined || this.#turns.open;
  }

  close(): void {
    this.#clock.clearTimeout(this.#quiet);
    this.#clock.clearTimeout(this.#wordless);
  }

  // From the session

  /** Says what the session begins with, if that is not a greeting, which the service speaks by itself. */
  begin({ greeting, first }: wire.Opening): void {
    if (greeting !== undefined) this.#unanswered = true;
    if (first !== undefined) this.takeText(first);
  }

  takeText(text: string): void {
    this.#echoes = [...this.#echoes.slice(1 - echoLimit), { text: text.trim(), after: this.#agentTurns }];
    this.#unanswered = true;
    if (this.#stale === "until-done") this.#stale = "until-next";
    this.#host.inject(text);
  }

  /** The service stops by what it hears itself; what it sends of this turn from now on is dropped. */
  interrupt(turnId: string): void {
    if (this.#agent?.id !== turnId) return;
    if (this.#stale === "no") this.#stale = "until-done";
    this.#endAgent("interrupted");
  }

  answerTool({ toolCallId, name, output, failed }: ToolResult): void {
    if (this.#cancelled.delete(toolCallId)) return;
    const content = failed ? JSON.stringify({ error: output }) : output;
    if (!this.#calls.delete(toolCallId)) return this.takeText(wire.lateResult(name, content));
    if (this.#calls.size === 0) this.#unanswered = true;
    this.#host.answerCall(toolCallId, name, content);
  }

  // From the service

  take(message: wire.ServerMessage): void {
    switch (message.type) {
      case "caller.spoke":
        return this.#callerSpoke();
      case "said":
        return message.by === "caller" ? this.#callerSaid(message.text) : this.#agentSaid(message.text);
      case "answering":
        if (this.#stale === "until-next") this.#stale = "no";
        return this.#turns.finished(this.#host.sentMs);
      case "audio.done":
        return this.#audioDone();
      case "calls":
        for (const call of message.calls) if (call.ours) this.#called(call);
        return;
      case "calls.cancelled":
        for (const id of message.ids) this.#callCancelled(id);
        return;
      case "warning":
        return this.#warned(message);
      case "welcome":
      case "applied":
      case "error":
      case "ignored":
        return;
    }
  }

  takeAudio(bytes: Uint8Array): void {
    if (this.#stale !== "no") {
      this.#lastAt = this.#clock.now();
      return;
    }
    const turn = this.#agentTurn();
    this.#lastAt = this.#clock.now();
    const { bytesPerSample } = encodings[this.#host.request.downlink];
    const all = turn.odd.length === 0 ? bytes : Buffer.concat([turn.odd, bytes]);
    const whole = all.length - (all.length % bytesPerSample);
    turn.odd = all.subarray(whole);
    if (whole === 0) return;
    turn.bytes += whole;
    this.#host.audio(whole === all.length ? all : all.subarray(0, whole), turn.id);
  }

  // The caller

  #callerSpoke(): void {
    if (this.#turns.open) return;
    // The service has stopped the reply, but part of it may still be on its way.
    this.#stale = "until-next";
    this.#clock.clearTimeout(this.#wordless);
    this.#wordless = this.#clock.setTimeout(() => this.#turns.dismissed(), wordlessMs);
    this.#turns.spoke(this.#host.sentMs);
    this.#endAgent("interrupted");
  }

  #callerSaid(text: string): void {
    this.#stale = "no";
    // Without the caller's speech before it, the service cuts its reply only for what was injected.
    this.#endAgent("interrupted");
    if (this.#isEcho(text)) return;
    this.#clock.clearTimeout(this.#wordless);
    this.#turns.worded(text, this.#host.sentMs);
  }

  /** Injected words come back as the caller's, and may come back in another spelling. */
  #isEcho(text: string): boolean {
    const at = this.#echoes.findIndex((one) => one.text === text);
    if (at < 0 && (this.#echoes.length === 0 || this.#turns.open)) return false;
    this.#echoes.splice(0, Math.max(at, 0) + 1);
    return true;
  }

  // The agent

  #agentSaid(text: string): void {
    const silentMs = this.#clock.now() - this.#lastAt;
    this.#lastAt = this.#clock.now();
    if (this.#stale === "until-done" && silentMs < quietMs) return;
    this.#stale = "no";
    this.#turns.finished(this.#host.sentMs);
    if (text === "") return;
    const turn = this.#agentTurn();
    const words = turn.worded ? ` ${text}` : text;
    turn.worded = true;
    this.#host.notice({ type: "agent.said", turnId: turn.id, text: words, audioMs: undefined });
  }

  /** Not dependable: it can be missing, and can be that of the reply before. */
  #audioDone(): void {
    if (this.#stale === "until-done") this.#stale = "no";
    else if (this.#stale === "no" && this.#agent !== undefined && this.#agent.bytes > 0) this.#endAgent("complete");
  }

  #agentTurn(): AgentTurn {
    if (this.#agent !== undefined) return this.#agent;
    this.#agentTurns += 1;
    const turn = { number: this.#agentTurns, id: `a${this.#agentTurns}`, bytes: 0, worded: false, odd: new Uint8Array(0) };
    this.#agent = turn;
    this.#unanswered = false;
    this.#turns.answered();
    this.#lastAt = this.#clock.now();
    this.#watchQuiet();
    this.#host.notice({ type: "agent.began", turnId: turn.id });
    return turn;
  }

  #endAgent(outcome: "complete" | "interrupted" | "failed"): void {
    const turn = this.#agent;
    if (turn === undefined) return;
    this.#agent = undefined;
    this.#echoes = this.#echoes.filter(({ after }) => after >= turn.number);
    this.#clock.clearTimeout(this.#quiet);
    this.#host.notice({ type: "agent.ended", turnId: turn.id, outcome });
  }

  #watchQuiet(): void {
    const limitMs = this.#agent?.bytes === 0 ? voicelessMs : quietMs;
    const leftMs = this.#lastAt + limitMs - this.#clock.now();
    if (leftMs <= 0) return this.#endAgent(this.#agent?.bytes === 0 ? "failed" : "complete");
    this.#clock.clearTimeout(this.#quiet);
    this.#quiet = this.#clock.setTimeout(() => this.#watchQuiet(), Math.min(leftMs, quietMs));
  }

  // Calls and warnings

  #called({ id, name, arguments: args }: wire.WireCall): void {
    if (this.#calls.has(id)) return;
    if (this.#calls.size >= callLimit) return this.#host.notice({ type: "link.puzzled", what: `more than ${callLimit} calls at once` });
    this.#calls.add(id);
    this.#unanswered = false;
    this.#host.notice({ type: "tool.called", toolCallId: id, name, arguments: args });
  }

  #callCancelled(id: string): void {
    if (!this.#calls.delete(id)) return;
    this.#cancelled.add(id);
    const [oldest = id] = this.#cancelled;
    if (this.#cancelled.size > callLimit) this.#cancelled.delete(oldest);
    this.#host.notice({ type: "tool.cancelled", toolCallId: id });
  }

  #warned({ code, description }: Extract<wire.ServerMessage, { type: "warning" }>): void {
    // The service says that it is slow and still at it.
    if (code.startsWith("SLOW_")) this.#lastAt = this.#clock.now();
    this.#host.request.log.warning("provider_error", { code, message: description, fatal: false });
    this.#host.notice({ type: "link.puzzled", what: `warning ${code}` });
  }
}
