import { msOf } from "../../audio/encodings.ts";
import type { Clock, Timer } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";
import type { UpgradeRefused } from "../../wire/dial.ts";
import type { Breach } from "../../wire/frame-reader.ts";
import type { SocketListener, WireSocket } from "../../wire/websocket.ts";
import type { Begin, ConversationItem, HandOver, Link, LinkNotice, LinkReport, OpenRequest, ToolResult } from "../contract.ts";
import { dialProvider } from "../dialling.ts";
import { LaterTexts } from "../later-texts.ts";
import { Pulse } from "../pulse.ts";
import { newsOf } from "../since.ts";
import { readAudioDelta } from "./audio-delta.ts";
import * as wire from "./client-events.ts";
import type { Address } from "./dial.ts";
import { closedFault, fatalFault, refusedFault, refusedUpgrade } from "./faults.ts";
import { readMessage, type ServerEvent, type WireError } from "./server-events.ts";
import type { LinkSettings } from "./settings.ts";
import { Talk, type TalkHost } from "./talk.ts";

export interface LinkPlan {
  readonly provider: string;
  readonly request: OpenRequest;
  readonly settings: LinkSettings;
  /** Where the session is to end when the service does not say, ms. */
  readonly sessionLimitMs: number;
  /** Never told to anybody. */
  readonly secret: string;
  readonly address: Address;
}

/** `connecting` until `session.created`, `configuring` until `session.updated`, `seeding` until the last item stands; `waiting` to take over. */
type State = "connecting" | "configuring" | "seeding" | "waiting" | "open" | "closed";

/** JSON waiting in the socket; about eight seconds of the widest audio. */
const queueLimitBytes = 512 * 1024;
/** How long before its end a session is said to be expiring. */
const noticeMs = 5 * 60_000;
const setupId = "setup";
/** The one event that cannot wait for anything: the agent is to be silent at once. */
const begunSpeaking = "input_audio_buffer.speech_started";

/** @throws {Fault} see `Provider.open`. */
export async function openLink(plan: LinkPlan): Promise<Link> {
  const { request, provider, secret } = plan;
  const doing = `opening ${provider} with ${plan.settings.model}`;
  const sinceMs = request.clock.now();
  const refused = ({ status, body, headers }: UpgradeRefused): Fault => refusedUpgrade(status, body, headers["retry-after"], doing, secret);
  const socket = await dialProvider({ ...plan.address, request, doing, secret, refused });
  const link = new RealtimeLink(plan, socket, doing, request.openLimitMs - (request.clock.now() - sinceMs));
  await link.ready;
  return link;
}

/** The socket of one link: what comes in is read and given to the talk, what the talk and the session want goes out. */
class RealtimeLink implements Link, TalkHost, SocketListener {
  readonly request: OpenRequest;
  readonly settings: LinkSettings;
  readonly secret: string;
  readonly ready: Promise<void>;
  readonly #plan: LinkPlan;
  readonly #socket: WireSocket;
  readonly #doing: string;
  readonly #clock: Clock;
  readonly #report: LinkReport;
  readonly #talk: Talk;
  readonly #pulse: Pulse;
  readonly #timers: Timer[] = [];
  readonly #settle: { readonly resolve: () => void; readonly reject: (fault: Fault) => void };
  readonly #seeds = new Set<string>();
  readonly #later = new LaterTexts((text) => this.#take(readMessage(text)));
  #state: State = "connecting";
  #hearsBytes = 0;

  constructor(plan: LinkPlan, socket: WireSocket, doing: string, leftMs: number) {
    [this.#plan, this.#socket, this.#doing] = [plan, socket, doing];
    const { request } = plan;
    [this.#clock, this.#report] = [request.clock, request.report];
    [this.request, this.settings, this.secret] = [request, plan.settings, plan.secret];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#settle = { resolve, reject };
    this.#talk = new Talk(this);
    const peer = {
      ping: () => socket.ping(),
      get queuedBytes() {
        return socket.bufferedAmount;
      },
    };
    this.#pulse = new Pulse({ clock: request.clock, peer, owed: () => this.#talk.owed, dead: (fault) => this.lost(fault) });
    socket.listen(this);
    this.#timers.push(
      request.clock.setTimeout(() => {
        if (this.#isReady || this.#state === "closed") return;
        this.lost(new Fault("provider-silent", `${doing}: still ${this.#state} after ${request.openLimitMs} ms`));
      }, leftMs),
    );
    if (request.signal.aborted) this.#aborted();
    else request.signal.addEventListener("abort", this.#aborted);
  }

  readonly #aborted = (): void => {
    if (this.#isReady) this.close();
    else this.#end(new Fault("provider-dropped", `${this.#doing}: given up by the call`));
  };

  // What the service sends

  scan(bytes: Buffer, from: number, end: number): boolean {
    const talk = this.#talk;
    const audio = readAudioDelta(bytes, from, end, talk.responseId, talk.itemId);
    if (audio === undefined) return false;
    this.#later.catchUp();
    // Only now: what was caught up with has moments of its own, and came before.
    const nowMs = this.#clock.now();
    this.#pulse.heard(nowMs);
    if (this.#state === "open") talk.takeAudio(audio, nowMs);
    return true;
  }

  text(text: string): void {
    this.#pulse.heard();
    if (this.#state === "closed") return;
    if (this.#state !== "open" || text.includes(begunSpeaking)) {
      this.#later.catchUp();
      this.#take(readMessage(text));
    } else this.#later.add(text);
  }

  binary(bytes: Uint8Array): void {
    this.text(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  }

  pinged(): void {
    this.#pulse.heard();
  }

  ponged(): void {
    this.#pulse.heard();
  }

  broke({ message }: Breach): void {
    this.#later.catchUp();
    this.lost(new Fault("provider-dropped", `${this.#isReady ? "talking" : this.#doing}: the WebSocket was broken: ${message}`));
  }

  closed(code: number, reason: string): void {
    this.#later.catchUp();
    for (const timer of this.#timers) this.request.clock.clearTimeout(timer);
    this.lost(closedFault(code, reason, this.#isReady ? "talking" : this.#doing, this.secret));
  }

  #take(event: ServerEvent | string): void {
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
      this.#seeds.add(event.item.id);
      this.send(event);
    }
    if (events.length === 0) this.#open();
  }

  #seeded(itemId: string): void {
    if (this.#state === "seeding" && this.#seeds.delete(itemId) && this.#seeds.size === 0) this.#open();
  }

  #open(): void {
    const { begin, handOver } = this.request;
    this.#state = begin === "wait" ? "waiting" : "open";
    this.#pulse.begin();
    this.#settle.resolve();
    if (begin !== "wait") this.#talk.begin(begin, handOver);
  }

  get #isReady(): boolean {
    return this.#state === "waiting" || this.#state === "open";
  }

  /** A refused update leaves the session with defaults, a refused item leaves it without memory: neither is what was asked for. */
  #refused(error: WireError): void {
    const ours = error.eventId === undefined ? this.#state === "configuring" : error.eventId === setupId || wire.isSeed(error.eventId);
    const fault = ours ? refusedFault(error, this.#doing, this.secret) : fatalFault(error, this.#doing, this.secret);
    if (fault !== undefined) this.lost(fault);
    else this.notice({ type: "link.puzzled", what: `error ${error.code}` });
  }

  // What the session wants

  hear(frame: Uint8Array): boolean {
    if (this.#state !== "open" || this.#socket.bufferedAmount > queueLimitBytes) return false;
    if (frame.length === 0) return true;
    this.#socket.sendEnveloped(wire.audioAppend, frame);
    this.#hearsBytes += frame.length;
    return true;
  }

  takeOver(since: readonly ConversationItem[], begin: Begin, handOver: HandOver | undefined): void {
    if (this.#state !== "waiting") return;
    this.#state = "open";
    const { conversation } = this.request;
    // The service takes events in their order, so nothing waits until these items stand.
    for (const [at, { item, outputOnly }] of newsOf(conversation, since).entries())
      for (const event of wire.seedEvents(item, conversation.length + at, outputOnly)) this.send(event);
    this.#talk.remember(since);
    this.#talk.begin(begin, handOver);
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
    // What it said of its costs counts to the end.
    this.#later.catchUp();
    if (this.#state === "closed") return;
    this.#leave();
    this.#socket.close(1000, "OK");
  }

  // What the talk wants

  send(event: wire.ClientEvent): void {
    this.#socket.sendText(JSON.stringify(event));
  }

  notice(notice: LinkNotice): void {
    if (this.#state !== "closed") this.request.report.notice(notice);
  }

  audio(bytes: Uint8Array, turnId: string, nowMs: number): void {
    if (this.#state !== "closed") this.#report.audio(bytes, turnId, nowMs);
  }

  lost(fault: Fault): void {
    if (this.#isReady) this.notice({ type: "link.lost", fault });
    this.#end(fault);
  }

  #end(fault: Fault): void {
    if (this.#state === "closed") return;
    this.#leave();
    this.#settle.reject(fault);
    this.#socket.terminate();
  }

  #leave(): void {
    this.#state = "closed";
    this.#later.close();
    this.#talk.close();
    this.#pulse.end();
    for (const timer of this.#timers.splice(0)) this.request.clock.clearTimeout(timer);
    this.request.signal.removeEventListener("abort", this.#aborted);
  }
}
