import { encodings, msOf } from "../../audio/encodings.ts";
import type { Clock, Timer } from "../../kernel/clock.ts";
import type { Fault } from "../../kernel/fault.ts";
import type { Begin, ConversationItem, HandOver, LinkNotice, OpenRequest, ToolResult, Usage } from "../contract.ts";
import { CallerTurns } from "./caller-turns.ts";
import * as wire from "./client-events.ts";
import { failingFault, fatalFault, harmless } from "./faults.ts";
import type { ServerEvent, WireError } from "./server-events.ts";
import type { LinkSettings } from "./settings.ts";

export interface TalkHost {
  readonly request: OpenRequest;
  readonly settings: LinkSettings;
  readonly secret: string;
  send(event: wire.ClientEvent): void;
  notice(notice: LinkNotice): void;
  audio(bytes: Uint8Array, turnId: string, nowMs: number): void;
  lost(fault: Fault): void;
}

interface SpokenItem {
  readonly id: string;
  bytes: number;
  worded: boolean;
}

/** One response of the service: one turn of the agent, unless it only calls tools. */
interface Response {
  readonly id: string;
  state: "running" | "done";
  /** What was spoken, in order; a response may hold several messages. */
  readonly items: SpokenItem[];
  /** The last of them: what is spoken now. */
  item: SpokenItem | undefined;
  readonly calls: Set<string>;
  /** Whether the turn was told of, and whether its end was. */
  told: "nothing" | "began" | "ended";
  /** The caller spoke over it: what comes now is stale. */
  cut: boolean;
  /** By the clock's `now`, in whole ms. */
  lastEventAt: number;
}

/** Responses remembered: for late frames of a finished one, and for barge-in after all audio has come. */
const rememberedResponses = 16;
/** A running response that says nothing for so long while another is owed is asked whether it lives. */
const stuckMs = 3_000;

/**
 * The conversation on one socket: which responses run, what is owed, which calls wait, what was heard.
 * Reads server events and writes client events; knows nothing of the socket.
 */
export class Talk {
  readonly #host: TalkHost;
  readonly #clock: Clock;
  readonly #bytesPerSample: number;
  readonly #turns: CallerTurns;
  readonly #responses = new Map<string, Response>();
  /** What waits for an answer, by our id of it, and whether the service has it yet. */
  readonly #unanswered = new Map<string, "sent" | "there">();
  readonly #openCalls = new Map<string, Response>();
  /** Calls of earlier links that the seeded conversation left open. */
  readonly #seededCalls = new Map<string, string>();
  readonly #commits: { readonly eventId: string; readonly uplinkMs: number }[] = [];
  #active: Response | undefined;
  #asking: string | undefined;
  /** Not noted yet. */
  #handOver: HandOver | undefined;
  /** Whether the service gives our metadata back; where it does not, any new response counts as the one asked for. */
  #echoes = false;
  #stuck: Timer | undefined;
  #failuresInARow = 0;
  #ids = 0;

  constructor(host: TalkHost) {
    this.#host = host;
    this.#clock = host.request.clock;
    this.#bytesPerSample = encodings[host.request.downlink].bytesPerSample;
    this.#turns = new CallerTurns((notice) => host.notice(notice));
    this.remember(host.request.conversation);
  }

  /** Whether somebody waits for the service just now. */
  get owed(): boolean {
    return this.#active !== undefined || this.#asking !== undefined || this.#unanswered.size > 0 || this.#turns.open;
  }

  close(): void {
    this.#clock.clearTimeout(this.#stuck);
  }

  /** What is spoken just now, by the service's ids; empty: nothing. */
  get responseId(): string {
    return this.#active?.id ?? "";
  }

  get itemId(): string {
    return this.#active?.item?.id ?? "";
  }

  // From the session

  /** What the service was told of the conversation: results of its open calls may come to this link. */
  remember(items: readonly ConversationItem[]): void {
    for (const item of items) {
      if (item.type !== "tool") continue;
      if (item.output === undefined) this.#seededCalls.set(item.id, wire.seededCallId(item.id));
      else this.#seededCalls.delete(item.id);
    }
  }

  begin(begin: Begin, handOver: HandOver | undefined): void {
    this.#handOver = handOver;
    if (begin !== "listen") this.#ask(wire.openingInstructions(this.#host.request.agent, begin));
  }

  takeText(text: string): void {
    const itemId = this.#id("t");
    this.#host.send(wire.textTurn(itemId, itemId, text));
    this.#owe(itemId);
  }

  commitTurn(uplinkMs: number): void {
    const eventId = this.#id("commit");
    this.#commits.push({ eventId, uplinkMs });
    this.#host.send(wire.commit(eventId));
    this.#owe(eventId);
  }

  answerTool(result: ToolResult): void {
    const itemId = this.#id("o");
    const response = this.#openCalls.get(result.toolCallId);
    const output = result.failed ? JSON.stringify({ error: result.output }) : result.output;
    const callId = response === undefined ? this.#strangeCall(result) : result.toolCallId;
    this.#host.send(wire.toolOutput(itemId, itemId, callId, output));
    this.#openCalls.delete(result.toolCallId);
    response?.calls.delete(result.toolCallId);
    // Calls made together are spoken of together.
    if (response === undefined || response.calls.size === 0) this.#owe(itemId);
  }

  interrupt(turnId: string, heardMs: number): void {
    const response = this.#responses.get(turnId);
    if (response === undefined || response.cut) return;
    response.cut = true;
    const running = response.state === "running";
    if (running) this.#host.send(wire.responseCancel(response.id));
    this.#forgetAfter(response, heardMs, running);
    this.#tellEnd(response, "interrupted");
  }

  // From the service

  take(event: ServerEvent): void {
    switch (event.type) {
      case "created":
      case "updated":
      case "item.done":
      case "ignored":
        return;
      case "item.added":
        if (this.#unanswered.has(event.itemId)) this.#unanswered.set(event.itemId, "there");
        return;
      case "speech.started":
        return this.#turns.spoke(event.itemId, event.atMs);
      case "speech.stopped":
        return this.#turns.finished(event.itemId, event.atMs);
      case "committed":
        return this.#committed(event.itemId);
      case "transcript.delta":
        return this.#turns.heardWords(event.itemId, event.delta);
      case "transcript.done":
        this.#used(this.#host.settings.transcriptionModel, event.used);
        return this.#turns.settled(event.itemId, event.text);
      case "transcript.failed":
        return this.#turns.settled(event.itemId, undefined);
      case "response.created":
        return this.#created(event.responseId, event.askId);
      case "response.item":
        return this.#addItem(event);
      case "response.audio":
        return this.takeAudio(event, this.#clock.now());
      case "response.words":
        return this.#words(event);
      case "response.call":
        return this.#called(event);
      case "response.done":
        return this.#done(event);
      case "limits":
        return this.#host.notice({ type: "link.limited", limits: event.limits });
      case "error":
        return this.#error(event.error);
    }
  }

  // Caller turns

  #committed(itemId: string): void {
    this.#turns.committed(itemId);
    const commit = this.#commits.shift();
    if (commit === undefined) {
      // The service answers a turn that it ended itself, unless another response runs: then it may leave it at that.
      if (this.#active !== undefined) this.#unanswered.set(itemId, "there");
      return this.#askIfOwed();
    }
    if (this.#unanswered.has(commit.eventId)) this.#unanswered.set(commit.eventId, "there");
    this.#turns.finished(itemId, commit.uplinkMs);
  }

  // Responses

  #created(responseId: string, askId: string | undefined): void {
    this.#echoes ||= askId !== undefined;
    if (askId === this.#asking || !this.#echoes) this.#asking = undefined;
    // Whatever the service had when it began is answered by this response.
    for (const [itemId, state] of this.#unanswered) if (state === "there") this.#unanswered.delete(itemId);
    const response: Response = {
      id: responseId,
      state: "running",
      items: [],
      item: undefined,
      calls: new Set(),
      told: "nothing",
      cut: false,
      lastEventAt: Math.trunc(this.#clock.now()),
    };
    this.#active = response;
    this.#responses.set(responseId, response);
    for (const oldest of this.#responses.keys()) {
      if (this.#responses.size <= rememberedResponses) break;
      this.#responses.delete(oldest);
    }
  }

  #addItem({ responseId, itemId, kind }: Extract<ServerEvent, { type: "response.item" }>): void {
    const response = this.#known(responseId);
    if (response === undefined || kind !== "message") return;
    if (response.cut) this.#host.send(wire.remove(itemId));
    else if (!response.items.some((item) => item.id === itemId)) {
      response.item = { id: itemId, bytes: 0, worded: false };
      response.items.push(response.item);
    }
  }

  takeAudio({ responseId, itemId, bytes }: Extract<ServerEvent, { type: "response.audio" }>, nowMs: number): void {
    const response = this.#known(responseId, nowMs);
    if (response === undefined || response.cut || response.state === "done") return;
    // It is the last one, as a rule.
    const item = response.item?.id === itemId ? response.item : response.items.find((one) => one.id === itemId);
    if (item === undefined || bytes.length === 0 || bytes.length % this.#bytesPerSample !== 0)
      return this.#puzzled(`${bytes.length} bytes of audio for item ${itemId}`);
    item.bytes += bytes.length;
    this.#tellBegin(response);
    this.#host.audio(bytes, response.id, nowMs);
  }

  #words({ responseId, itemId, delta }: Extract<ServerEvent, { type: "response.words" }>): void {
    const response = this.#known(responseId);
    if (response === undefined || response.cut || response.state === "done" || delta === "") return;
    this.#tellBegin(response);
    const at = response.items.findIndex((item) => item.id === itemId);
    const item = response.items[at];
    // The words of a second message begin where those of the first ended, without a space of their own.
    const text = at > 0 && item?.worded === false ? ` ${delta}` : delta;
    if (item !== undefined) item.worded = true;
    this.#host.notice({ type: "agent.said", turnId: response.id, text, audioMs: undefined });
  }

  #called({ responseId, callId, name, arguments: args }: Extract<ServerEvent, { type: "response.call" }>): void {
    const response = this.#known(responseId);
    if (response === undefined || response.cut || this.#openCalls.has(callId)) return;
    response.calls.add(callId);
    this.#openCalls.set(callId, response);
    this.#host.notice({ type: "tool.called", toolCallId: callId, name, arguments: args });
  }

  #done({ responseId, status, error, used }: Extract<ServerEvent, { type: "response.done" }>): void {
    this.#used(this.#host.settings.model, used);
    const response = this.#responses.get(responseId);
    // A response that was interrupted before it was announced is done without having been created.
    if (response === undefined || response.state === "done") return;
    response.state = "done";
    if (this.#active === response) this.#active = undefined;
    if (status === "failed") return this.#failed(response, error);
    this.#failuresInARow = 0;
    if (response.told === "began") this.#tellEnd(response, status === "cancelled" ? "interrupted" : "complete");
    if (response.calls.size === 0) this.#askIfOwed();
  }

  /** One failure is the session's to judge; a second in a row, or one for want of money or rights, ends the link. */
  #failed(response: Response, error: WireError | undefined): void {
    this.#failuresInARow += 1;
    const fatal = error === undefined ? undefined : fatalFault(error, "answering", this.#host.secret);
    if (response.told === "nothing") this.#tellBegin(response);
    this.#tellEnd(response, "failed");
    if (fatal !== undefined) this.#host.lost(fatal);
    else if (this.#failuresInARow > 1) this.#host.lost(failingFault(error, this.#host.secret));
    else this.#askIfOwed();
  }

  /** Cuts the item under the play head and takes back the later ones; what the service still sends of them is dropped. */
  #forgetAfter(response: Response, heardMs: number, running: boolean): void {
    let startMs = 0;
    for (const [at, item] of response.items.entries()) {
      const lastsMs = msOf(item.bytes, this.#host.request.downlink);
      const heardOfItMs = Math.floor(Math.min(heardMs - startMs, lastsMs));
      startMs += lastsMs;
      // The last item of a running response is longer on the other side than here.
      const whole = heardOfItMs >= Math.floor(lastsMs) && !(running && at === response.items.length - 1);
      if (whole && item.bytes > 0) continue;
      this.#host.send(heardOfItMs > 0 ? wire.truncate(item.id, heardOfItMs) : wire.remove(item.id));
    }
  }

  #tellBegin(response: Response): void {
    if (response.told !== "nothing") return;
    response.told = "began";
    this.#host.notice({ type: "agent.began", turnId: response.id });
  }

  #tellEnd(response: Response, outcome: "complete" | "interrupted" | "failed"): void {
    if (response.told !== "began") return;
    response.told = "ended";
    this.#host.notice({ type: "agent.ended", turnId: response.id, outcome });
  }

  #known(responseId: string, nowMs = this.#clock.now()): Response | undefined {
    const response = this.#active?.id === responseId ? this.#active : this.#responses.get(responseId);
    if (response === undefined) this.#puzzled(`response ${responseId} was never begun`);
    else response.lastEventAt = Math.trunc(nowMs);
    return response;
  }

  // Asking for responses: one at a time, and once for all that waits

  #owe(itemId: string): void {
    this.#unanswered.set(itemId, "sent");
    this.#askIfOwed();
  }

  #askIfOwed(): void {
    if (this.#unanswered.size === 0) return;
    if (this.#active === undefined && this.#asking === undefined) this.#ask(undefined);
    else this.#watchActive();
  }

  #ask(instructions: string | undefined): void {
    this.#asking = this.#id("ask");
    this.#host.send(wire.responseCreate(this.#asking, instructions, this.#handOver));
    this.#handOver = undefined;
  }

  #watchActive(): void {
    this.#clock.clearTimeout(this.#stuck);
    this.#stuck = this.#clock.setTimeout(() => {
      const active = this.#active;
      if (active === undefined || this.#unanswered.size === 0) return;
      if (this.#clock.now() - active.lastEventAt >= stuckMs) this.#host.send(wire.responseCancel(active.id));
      this.#watchActive();
    }, stuckMs);
  }

  // Errors

  #error(error: WireError): void {
    const fault = fatalFault(error, "talking", this.#host.secret);
    if (fault !== undefined) return this.#host.lost(fault);
    const { eventId } = error;
    if (eventId !== undefined) this.#refused(eventId, error.code);
    if (harmless.has(error.code)) return;
    this.#puzzled(`error ${error.code}${error.param === undefined ? "" : ` at ${error.param}`}`);
  }

  #refused(eventId: string, code: string): void {
    if (eventId === this.#asking) {
      // Another response was faster; when it is done, what it did not answer is asked for again.
      this.#asking = undefined;
    } else if (code === "response_cancel_not_active") {
      if (this.#active === undefined || eventId !== wire.cancelIdOf(this.#active.id)) return;
      this.#active = undefined;
      this.#askIfOwed();
    } else if (this.#unanswered.delete(eventId)) {
      const at = this.#commits.findIndex((commit) => commit.eventId === eventId);
      if (at < 0) return;
      this.#commits.splice(at, 1);
      this.#host.notice({ type: "caller.dismissed", turnId: eventId });
    }
  }

  #puzzled(what: string): void {
    this.#host.notice({ type: "link.puzzled", what });
  }

  #used(model: string, quantities: Usage["quantities"] | undefined): void {
    if (quantities !== undefined) this.#host.notice({ type: "link.used", usage: { model, quantities } });
  }

  /** A call that this session never made: one that the seeded conversation left open, or one of a lost link, told now. */
  #strangeCall(result: ToolResult): string {
    const seeded = this.#seededCalls.get(result.toolCallId);
    if (seeded !== undefined) {
      this.#seededCalls.delete(result.toolCallId);
      return seeded;
    }
    const callId = this.#id("c");
    this.#host.send(wire.toolCall(this.#id("f"), callId, result.name));
    return callId;
  }

  #id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}_${this.#ids}`;
  }
}
