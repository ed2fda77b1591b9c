import type { OpenAIRealtimeWS } from "openai/realtime/ws";
import type { RawData } from "ws";
import { msOf } from "../../audio/encodings.ts";
import type { Timer } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";
import type { Begin, ConversationItem, Link, LinkNotice, OpenRequest, ToolResult } from "../contract.ts";
import { Pulse } from "../pulse.ts";
import { newsOf } from "../since.ts";
import { readAudioDelta } from "./audio-delta.ts";
import { closedFault, fatalFault, refusedFault, refusedUpgrade } from "./faults.ts";
import type { LinkSettings } from "./settings.ts";
import { Talk, type TalkHost } from "./talk.ts";
import * as wire from "./wire.ts";

export interface LinkPlan {
  readonly provider: string;
  readonly request: OpenRequest;
  readonly settings: LinkSettings;
  /** Where the session is to end when the service does not say, ms. */
  readonly sessionLimitMs: number;
  /** Never told to anybody. */
  readonly secret: string;
  /** Makes the official client's socket; nothing of it may have happened yet when this returns. */
  readonly connect: () => OpenAIRealtimeWS | Promise<OpenAIRealtimeWS>;
}

/** `connecting` until `session.created`, `configuring` until `session.updated`, `seeding` until the last item stands; `waiting` to take over. */
type State = "connecting" | "configuring" | "seeding" | "waiting" | "open" | "closed";

/** JSON waiting in the socket; about eight seconds of the widest audio. */
const queueLimitBytes = 512 * 1024;
/** How long before its end a session is said to be expiring. */
const noticeMs = 5 * 60_000;
const closeLimitMs = 2_000;
const setupId = "setup";
/** Bytes of a text go to the socket in one piece, a string in two. */
const asText = { binary: false };

/** @throws {Fault} see `Provider.open`. */
export async function openLink(plan: LinkPlan): Promise<Link> {
  const { request, provider, secret } = plan;
  const doing = `opening ${provider} with ${plan.settings.model}`;
  if (request.signal.aborted) throw new Fault("provider-dropped", `${doing}: given up before it began`);
  let realtime: OpenAIRealtimeWS;
  try {
    const made = plan.connect();
    // Listeners must be there before anything can happen, so there is no waiting where there is nothing to wait for.
    realtime = made instanceof Promise ? await made : made;
  } catch (error) {
    const found = error instanceof Error ? error.message.replaceAll(secret, "[key]") : "no reason given";
    throw new Fault("provider-unreachable", `${doing}: ${found}`);
  }
  const link = new RealtimeLink(plan, realtime, doing);
  await link.ready;
  return link;
}

/** The socket of one link: what comes in is read and given to the talk, what the talk and the session want goes out. */
class RealtimeLink implements Link, TalkHost {
  readonly request: OpenRequest;
  readonly settings: LinkSettings;
  readonly secret: string;
  readonly ready: Promise<void>;
  readonly #plan: LinkPlan;
  readonly #realtime: OpenAIRealtimeWS;
  readonly #doing: string;
  readonly #talk: Talk;
  readonly #pulse: Pulse;
  readonly #timers: Timer[] = [];
  readonly #settle: { readonly resolve: () => void; readonly reject: (fault: Fault) => void };
  readonly #seeds = new Set<string>();
  #state: State = "connecting";
  #hearsBytes = 0;
  #trouble = "";

  constructor(plan: LinkPlan, realtime: OpenAIRealtimeWS, doing: string) {
    [this.#plan, this.#realtime, this.#doing] = [plan, realtime, doing];
    const { request } = plan;
    [this.request, this.settings, this.secret] = [request, plan.settings, plan.secret];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#settle = { resolve, reject };
    this.#talk = new Talk(this);
    const { socket } = realtime;
    const peer = {
      ping: () => socket.ping(),
      get queuedBytes() {
        return socket.bufferedAmount;
      },
    };
    this.#pulse = new Pulse({ clock: request.clock, peer, owed: () => this.#talk.owed, dead: (fault) => this.lost(fault) });
    this.#listen();
    this.#timers.push(
      request.clock.setTimeout(() => {
        if (this.#isReady || this.#state === "closed") return;
        this.lost(new Fault("provider-silent", `${doing}: still ${this.#state} after ${request.openLimitMs} ms`));
      }, request.openLimitMs),
    );
  }

  #listen(): void {
    const { socket } = this.#realtime;
    // The client's own reader parses each message whole and tells it twice; of audio that is a third of what a frame costs.
    socket.removeAllListeners("message");
    socket.on("message", (data) => this.#received(data));
    // The client repeats what its socket tells; with nobody to hear it that would end the process.
    this.#realtime.on("error", () => {});
    socket.on("pong", () => this.#pulse.heard());
    socket.on("error", (error) => (this.#trouble = error.message));
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      const refused = (): void => {
        const { statusCode = 0, headers } = response;
        this.lost(refusedUpgrade(statusCode, body, headers["retry-after"], this.#doing, this.secret));
      };
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        if (body.length < 4_096) body += piece;
      });
      response.on("end", refused);
      response.on("error", refused);
    });
    socket.on("close", (code, reason) => this.#closed(code, reason.toString()));
    this.request.signal.addEventListener("abort", this.#aborted);
  }

  readonly #aborted = (): void => {
    if (this.#isReady) this.close();
    else this.#end(new Fault("provider-dropped", `${this.#doing}: given up by the call`));
  };

  // What the service sends

  #received(data: RawData): void {
    this.#pulse.heard();
    if (this.#state === "closed") return;
    const text = data.toString();
    const audio = readAudioDelta(text);
    if (audio === undefined) this.#take(wire.readMessage(text));
    else if (this.#state === "open") this.#talk.take(audio);
  }

  #take(event: wire.ServerEvent | string): void {
    if (typeof event === "string") return this.notice({ type: "link.puzzled", what: event });
    if (event.type === "error" && wire.isSeed(event.error.eventId)) return this.#refused(event.error);
    // Nobody has asked the service for anything yet.
    if (this.#state === "waiting" && event.type !== "limits" && event.type !== "error") return;
    if (this.#isReady) return this.#talk.take(event);
    if (event.type === "created" && this.#state === "connecting") this.#configure(event.expiresAt);
    else if (event.type === "updated" && this.#state === "configuring") this.#seed();
    else if (event.type === "item.done" || event.type === "item.added") this.#seeded(event.itemId);
    else if (event.type === "error") this.#refused(event.error);
  }

  #configure(expiresAt: number | undefined): void {
    this.#state = "configuring";
    this.send(wire.sessionUpdate(setupId, this.request, this.settings));
    const { clock } = this.request;
    const leftMs = expiresAt === undefined ? this.#plan.sessionLimitMs : expiresAt * 1_000 - clock.wallNow();
    const endMs = clock.now() + leftMs;
    const tell = (): void => this.notice({ type: "link.expiring", inMs: Math.max(0, Math.round(endMs - clock.now())) });
    this.#timers.push(clock.setTimeout(tell, Math.max(0, leftMs - noticeMs)));
  }

  #seed(): void {
    this.#state = "seeding";
    const events = this.request.conversation.flatMap((item, at) => wire.seedEvents(item, at));
    for (const event of events) {
      this.#seeds.add(wire.seedItemId(event));
      this.send(event);
    }
    if (events.length === 0) this.#open();
  }

  #seeded(itemId: string): void {
    if (this.#state === "seeding" && this.#seeds.delete(itemId) && this.#seeds.size === 0) this.#open();
  }

  #open(): void {
    const { begin } = this.request;
    this.#state = begin === "wait" ? "waiting" : "open";
    this.#pulse.begin();
    this.#settle.resolve();
    if (begin !== "wait") this.#talk.begin(begin);
  }

  get #isReady(): boolean {
    return this.#state === "waiting" || this.#state === "open";
  }

  /** A refused update leaves the session with defaults, a refused item leaves it without memory: neither is what was asked for. */
  #refused(error: wire.WireError): void {
    const ours = error.eventId === undefined ? this.#state === "configuring" : error.eventId === setupId || wire.isSeed(error.eventId);
    const fault = ours ? refusedFault(error, this.#doing, this.secret) : fatalFault(error, this.#doing, this.secret);
    if (fault !== undefined) this.lost(fault);
    else this.notice({ type: "link.puzzled", what: `error ${error.code}` });
  }

  #closed(code: number, reason: string): void {
    for (const timer of this.#timers) this.request.clock.clearTimeout(timer);
    const doing = this.#isReady ? "talking" : this.#doing;
    if (code === 1006 && this.#state === "connecting" && this.#trouble !== "") {
      this.lost(new Fault("provider-unreachable", `${doing}: ${this.#trouble.replaceAll(this.secret, "[key]")}`));
    } else this.lost(closedFault(code, reason, doing, this.secret));
  }

  // What the session wants

  hear(frame: Uint8Array): boolean {
    if (this.#state !== "open" || this.#realtime.socket.bufferedAmount > queueLimitBytes) return false;
    if (frame.length === 0) return true;
    this.#realtime.socket.send(wire.audioAppend(frame), asText);
    this.#hearsBytes += frame.length;
    return true;
  }

  takeOver(since: readonly ConversationItem[], begin: Begin): void {
    if (this.#state !== "waiting") return;
    this.#state = "open";
    const { conversation } = this.request;
    // The service takes events in their order, so nothing waits until these items stand.
    for (const [at, { item, outputOnly }] of newsOf(conversation, since).entries())
      for (const event of wire.seedEvents(item, conversation.length + at, outputOnly)) this.send(event);
    this.#talk.remember(since);
    this.#talk.begin(begin);
  }

  takeText(text: string): void {
    if (this.#state === "open") this.#talk.takeText(text);
  }

  commitTurn(): void {
    if (this.#state === "open") this.#talk.commitTurn(msOf(this.#hearsBytes, this.request.uplink));
  }

  interrupt({ turnId, heardMs }: { readonly turnId: string; readonly heardMs: number }): void {
    if (this.#state === "open") this.#talk.interrupt(turnId, heardMs);
  }

  answerTool(result: ToolResult): void {
    if (this.#state === "open") this.#talk.answerTool(result);
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#leave();
    this.#realtime.close();
    // A peer that does not answer the close frame is not waited for.
    this.#timers.push(this.request.clock.setTimeout(() => this.#realtime.socket.terminate(), closeLimitMs));
  }

  // What the talk wants

  send(event: wire.ClientEvent): void {
    this.#realtime.socket.send(JSON.stringify(event));
  }

  notice(notice: LinkNotice): void {
    if (this.#state !== "closed") this.request.report.notice(notice);
  }

  audio(bytes: Uint8Array, turnId: string): void {
    if (this.#state !== "closed") this.request.report.audio(bytes, turnId);
  }

  lost(fault: Fault): void {
    if (this.#isReady) this.notice({ type: "link.lost", fault });
    this.#end(fault);
  }

  #end(fault: Fault): void {
    if (this.#state === "closed") return;
    this.#leave();
    this.#settle.reject(fault);
    this.#realtime.socket.terminate();
  }

  #leave(): void {
    this.#state = "closed";
    this.#talk.close();
    this.#pulse.end();
    for (const timer of this.#timers.splice(0)) this.request.clock.clearTimeout(timer);
    this.request.signal.removeEventListener("abort", this.#aborted);
  }
}
