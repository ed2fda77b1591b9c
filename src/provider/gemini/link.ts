import type { Timer } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";
import type { Breach } from "../../wire/frame-reader.ts";
import type { SocketListener, WireSocket } from "../../wire/websocket.ts";
import type { Begin, ConversationItem, Link, LinkNotice, OpenRequest, ToolResult } from "../contract.ts";
import { dialProvider } from "../dialling.ts";
import { Pulse } from "../pulse.ts";
import { closedFault, refusedUpgrade } from "./faults.ts";
import { openingOf, takeOverOf, type Opening } from "./opening.ts";
import type { LinkSettings } from "./settings.ts";
import { Talk, type TalkHost } from "./talk.ts";
import { connectionMs } from "./traits.ts";
import { audioInput, readMessage } from "./wire.ts";

export interface LinkPlan {
  readonly url: URL;
  /** Goes into a header: in the address, where the official client puts it, every error and proxy log would tell it. */
  readonly key: string;
  readonly request: OpenRequest;
  readonly settings: LinkSettings;
}

/** `configuring` until `setupComplete`; `waiting` to take over. */
type State = "configuring" | "waiting" | "open" | "closed";

/** JSON waiting in the socket; about twelve seconds of audio. */
const queueLimitBytes = 512 * 1024;
/** How long before its end a connection is said to be expiring; the service itself gives a minute or less, if it says so at all. */
const noticeMs = 2 * 60_000;
/** Pongs were seen to take half a minute: good enough to find out that a link which waits is dead, too slow for one at work. */
const pongLimitMs = 60_000;
const doing = "opening gemini";

/** @throws {Fault} see `Provider.open`. */
export async function openLink(plan: LinkPlan): Promise<Link> {
  const { url, key } = plan;
  const { clock, openLimitMs } = plan.request;
  const sinceMs = clock.now();
  const socket = await dialProvider({
    url,
    headers: { "x-goog-api-key": key },
    request: plan.request,
    doing,
    secret: key,
    refused: ({ status, body, headers }) => refusedUpgrade(status, body, headers["retry-after"], doing),
  });
  // The service lets no two connections have one session, and a link that waits stands beside the one that has it.
  const request = plan.request.begin === "wait" ? { ...plan.request, resumption: undefined } : plan.request;
  const link = new LiveLink({ ...plan, request }, socket, openLimitMs - (clock.now() - sinceMs));
  await link.ready;
  return link;
}

/** The socket of one link: what comes in is read and given to the talk, what the talk and the session want goes out. */
class LiveLink implements Link, TalkHost, SocketListener {
  readonly request: OpenRequest;
  readonly settings: LinkSettings;
  readonly ready: Promise<void>;
  readonly #key: string;
  readonly #socket: WireSocket;
  readonly #opening: Opening;
  readonly #talk: Talk;
  readonly #pulse: Pulse;
  readonly #timers: Timer[] = [];
  readonly #settle: { readonly resolve: () => void; readonly reject: (fault: Fault) => void };
  #state: State = "configuring";
  /** The service has told that the end is near. */
  #leaving = false;

  constructor({ key, request, settings }: LinkPlan, socket: WireSocket, leftMs: number) {
    [this.request, this.settings, this.#key, this.#socket] = [request, settings, key, socket];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#settle = { resolve, reject };
    this.#opening = openingOf(request, settings);
    this.#talk = new Talk(this);
    const peer = { ping: () => socket.ping(), queuedBytes: 0 };
    this.#pulse = new Pulse({ clock: request.clock, peer, owed: () => false, dead: (fault) => this.lost(fault), pongLimitMs });
    socket.listen(this);
    this.#later(() => {
      if (this.#isReady || this.#state === "closed") return;
      this.lost(new Fault("provider-silent", `${doing}: still ${this.#state} after ${request.openLimitMs} ms`));
    }, leftMs);
    socket.sendText(this.#opening.setup);
    if (request.signal.aborted) this.#aborted();
    else request.signal.addEventListener("abort", this.#aborted);
  }

  readonly #aborted = (): void => {
    if (this.#isReady) this.close();
    else this.#end(new Fault("provider-dropped", `${doing}: given up by the call`));
  };

  // What the service sends

  text(text: string): void {
    if (this.#state === "closed") return;
    const { events, puzzle } = readMessage(text);
    if (puzzle !== undefined) this.notice({ type: "link.puzzled", what: puzzle });
    for (const event of events) {
      // A notice may have made the session close the link.
      if (this.#isClosed()) return;
      if (event.type === "ready" && this.#state === "configuring") this.#open();
      else if (event.type === "leaving") this.#leave(event.inMs);
      else if (this.#state === "open") this.#talk.take(event);
    }
  }

  /** The service writes its JSON into either kind of message. */
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
    this.lost(new Fault("provider-dropped", `${this.#isReady ? "talking" : doing}: the WebSocket was broken: ${message}`));
  }

  closed(code: number, reason: string): void {
    const ready = this.#isReady;
    const resumed = this.request.resumption !== undefined;
    const state = { doing: ready ? "talking" : doing, ready, resumed, leaving: this.#leaving };
    this.lost(closedFault(code, this.#safe(reason), state));
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #open(): void {
    const waits = this.request.begin === "wait";
    this.#state = waits ? "waiting" : "open";
    this.#later(() => {
      if (!this.#leaving) this.notice({ type: "link.expiring", inMs: noticeMs });
    }, connectionMs - noticeMs);
    for (const seed of this.#opening.seeds) this.#socket.sendText(seed);
    this.#settle.resolve();
    if (waits) this.#pulse.begin();
    else this.#talk.begin(this.#opening.prompt);
  }

  get #isReady(): boolean {
    return this.#state === "waiting" || this.#state === "open";
  }

  #leave(inMs: number): void {
    this.#leaving = true;
    this.notice({ type: "link.expiring", inMs });
  }

  #safe(text: string): string {
    return text.replaceAll(this.#key, "[key]");
  }

  // What the session wants

  hear(frame: Uint8Array): boolean {
    if (this.#state !== "open" || this.#talk.deaf || this.#socket.bufferedAmount > queueLimitBytes) return false;
    if (frame.length > 0) this.#talk.hear(frame);
    return true;
  }

  takeOver(since: readonly ConversationItem[], begin: Begin): void {
    if (this.#state !== "waiting") return;
    this.#state = "open";
    this.#pulse.end();
    const { seeds, prompt } = takeOverOf(this.request, this.settings, since, begin);
    for (const seed of seeds) this.#socket.sendText(seed);
    this.#talk.begin(prompt);
  }

  takeText(text: string): void {
    if (this.#state === "open") this.#talk.takeText(text);
  }

  commitTurn(): void {
    if (this.#state === "open") this.#talk.commitTurn();
  }

  interrupt({ turnId }: { readonly turnId: string }): void {
    if (this.#state === "open") this.#talk.interrupt(turnId);
  }

  answerTool(result: ToolResult): void {
    if (this.#state === "open") this.#talk.answerTool(result);
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#over();
    this.#socket.close(1000, "");
  }

  // What the talk wants

  send(message: string): void {
    if (this.#state === "open") this.#socket.sendText(message);
  }

  sendAudio(frame: Uint8Array): void {
    if (this.#state === "open") this.#socket.sendEnveloped(audioInput, frame);
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
    this.#over();
    this.#settle.reject(fault);
    this.#socket.terminate();
  }

  #over(): void {
    this.#state = "closed";
    this.#talk.close();
    this.#pulse.end();
    for (const timer of this.#timers.splice(0)) this.request.clock.clearTimeout(timer);
    this.request.signal.removeEventListener("abort", this.#aborted);
  }

  #later(run: () => void, delayMs: number): void {
    this.#timers.push(this.request.clock.setTimeout(run, delayMs));
  }
}
