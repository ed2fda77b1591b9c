import type { DeepgramClient } from "@deepgram/sdk";
import { msOf } from "../../audio/encodings.ts";
import type { Timer } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";
import type { Link, LinkNotice, OpenRequest, ToolResult } from "../contract.ts";
import { connectOnce, deepgramClient, type DeepgramAddress } from "../deepgram-sdk/client.ts";
import { WsTransport, type SocketEnd, type SocketReport } from "../deepgram-sdk/transport.ts";
import { Pulse } from "../pulse.ts";
import { endFault, errorFault } from "./faults.ts";
import type { LinkSettings } from "./settings.ts";
import { Talk, type TalkHost } from "./talk.ts";
import { sessionLimitMs } from "./traits.ts";
import * as wire from "./wire.ts";

export interface LinkPlan {
  readonly request: OpenRequest;
  readonly settings: LinkSettings;
  readonly address: DeepgramAddress;
  /** Never told to anybody. */
  readonly key: string;
}

type AgentSocket = Awaited<ReturnType<DeepgramClient["agent"]["v1"]["connect"]>>;

/** `connecting` until `Welcome`, `configuring` until `SettingsApplied`. */
type State = "connecting" | "configuring" | "open" | "closed";

const doing = "opening deepgram-agent";
/** Audio waiting in the socket; eight seconds of the widest. */
const queueLimitBytes = 384 * 1024;
/** The service hangs up on a client that sends nothing; how soon differs from page to page, 10 s at the least. */
const keepAliveMs = 8_000;
/** How long before its end a session is said to be expiring. */
const expiryNoticeMs = 5 * 60_000;
/** A close so near to the end of a session is the end of its time. */
const expirySlackMs = 60_000;
/** How often the time of a session is told as used. */
const meterMs = 10_000;

/** @throws {Fault} see `Provider.open`. */
export async function openLink(plan: LinkPlan): Promise<Link> {
  if (plan.request.begin === "wait") throw new Fault("provider-refused", `${doing}: asked to wait, which this service cannot`);
  if (plan.request.signal.aborted) throw new Fault("provider-dropped", `${doing}: given up before it began`);
  const link = new AgentLink(plan);
  await link.ready;
  return link;
}

/** The socket of one link: what comes in is read and given to the talk, what the talk and the session want goes out. */
class AgentLink implements Link, TalkHost, SocketReport {
  readonly request: OpenRequest;
  readonly ready: Promise<void>;
  readonly #plan: LinkPlan;
  readonly #opening: wire.Opening;
  readonly #transport: WsTransport;
  readonly #talk: Talk;
  readonly #pulse: Pulse;
  readonly #settle: { readonly resolve: () => void; readonly reject: (fault: Fault) => void };
  readonly #limit: Timer;
  #socket: AgentSocket | undefined;
  #state: State = "connecting";
  #sentBytes = 0;
  #openedAt = 0;
  #meteredAt = 0;
  /** When anything last went out. */
  #spokeAt = 0;
  #keepAlive: Timer | undefined;
  #meter: Timer | undefined;
  #expiry: Timer | undefined;

  constructor(plan: LinkPlan) {
    const { request } = plan;
    [this.#plan, this.request] = [plan, request];
    this.#opening = wire.opening(request);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#settle = { resolve, reject };
    this.#transport = new WsTransport(request.clock, this);
    this.#talk = new Talk(this);
    const { clock } = request;
    this.#pulse = new Pulse({ clock, peer: this.#transport, owed: () => this.#talk.owed, dead: (fault) => this.#lost(fault) });
    request.signal.addEventListener("abort", this.#aborted);
    this.#limit = request.clock.setTimeout(
      () => this.#lost(new Fault("provider-silent", `${doing}: still ${this.#state} after ${request.openLimitMs} ms`)),
      request.openLimitMs,
    );
    void this.#dial();
  }

  readonly #aborted = (): void => {
    if (this.#state === "open") this.close();
    else this.#end(new Fault("provider-dropped", `${doing}: given up by the call`));
  };

  async #dial(): Promise<void> {
    const { key, address, request } = this.#plan;
    try {
      const socket = await deepgramClient(key, address, this.#transport).agent.v1.connect(connectOnce(request.openLimitMs));
      if (this.#state === "closed") return;
      this.#socket = socket;
      socket.on("message", (message) => this.#take(message));
      socket.connect();
    } catch (error) {
      const found = error instanceof Error ? error.message.replaceAll(key, "[key]") : "no reason given";
      this.#lost(new Fault("provider-unreachable", `${doing}: ${found}`));
    }
  }

  // What the service sends

  #take(raw: unknown): void {
    this.#pulse.heard();
    if (this.#state === "closed") return;
    const message = wire.readMessage(raw);
    if (typeof message === "string") return this.notice({ type: "link.puzzled", what: message });
    if (message.type === "error") return this.#lost(errorFault(message.code, message.description, this.#doing, this.#plan.key));
    if (this.#state === "open" || message.type === "warning") return this.#talk.take(message);
    if (message.type === "welcome" && this.#state === "connecting") this.#configure();
    else if (message.type === "applied" && this.#state === "configuring") this.#open();
  }

  binary(bytes: Uint8Array): void {
    this.#pulse.heard();
    if (this.#state === "open") this.#talk.takeAudio(bytes);
  }

  pong(): void {
    this.#pulse.heard();
  }

  ended(end: SocketEnd): void {
    const overdue = this.#state === "open" && this.request.clock.now() - this.#openedAt > sessionLimitMs - expirySlackMs;
    this.#lost(endFault(end, overdue, this.#doing, this.#plan.key));
  }

  #configure(): void {
    this.#state = "configuring";
    const { clock } = this.request;
    // The service's clock began with the connection.
    this.#openedAt = this.#meteredAt = this.#spokeAt = clock.now();
    this.#expiry = clock.setTimeout(() => this.notice({ type: "link.expiring", inMs: expiryNoticeMs }), sessionLimitMs - expiryNoticeMs);
    this.#socket?.sendSettings(wire.settingsMessage(this.request, this.#plan.settings, this.#opening));
  }

  #open(): void {
    this.#state = "open";
    this.request.clock.clearTimeout(this.#limit);
    this.#pulse.begin();
    this.#keepAliveIn(keepAliveMs);
    this.#meterOn();
    this.#settle.resolve();
    this.#talk.begin(this.#opening);
  }

  get #doing(): string {
    return this.#state === "open" ? "talking" : doing;
  }

  #keepAliveIn(delayMs: number): void {
    const { clock } = this.request;
    this.#keepAlive = clock.setTimeout(() => {
      const leftMs = this.#spokeAt + keepAliveMs - clock.now();
      if (leftMs > 0) return this.#keepAliveIn(leftMs);
      this.#spokeAt = clock.now();
      // Without its argument the client would send an empty binary frame, which ends the audio.
      if (this.#transport.isOpen()) this.#socket?.sendKeepAlive({ type: "KeepAlive" });
      this.#keepAliveIn(keepAliveMs);
    }, delayMs);
  }

  #meterOn(): void {
    this.#meter = this.request.clock.setTimeout(() => {
      this.#tellUsed();
      if (this.#state === "open") this.#meterOn();
    }, meterMs);
  }

  /** The service bills the time of the session. */
  #tellUsed(): void {
    const now = this.request.clock.now();
    const usedMs = Math.round(now - this.#meteredAt);
    if (usedMs <= 0) return;
    this.#meteredAt += usedMs;
    const model = this.#plan.settings.think[0]?.provider.model ?? "";
    this.notice({ type: "link.used", usage: { model, quantities: { session_ms: usedMs } } });
  }

  // What the session wants

  hear(frame: Uint8Array): boolean {
    if (this.#state !== "open" || !this.#transport.isOpen() || this.#transport.queuedBytes > queueLimitBytes) return false;
    // An empty binary message would end the audio.
    if (frame.length === 0) return true;
    this.#socket?.sendMedia(frame);
    this.#sentBytes += frame.length;
    this.#spokeAt = this.request.clock.now();
    return true;
  }

  /** No link waits here: `traits.standby` says so. */
  takeOver(): void {}

  takeText(text: string): void {
    if (this.#state === "open" && text.trim() !== "") this.#talk.takeText(text);
  }

  /** Turns end by what the service hears: `traits.endpointing` says so. */
  commitTurn(): void {}

  interrupt({ turnId }: { readonly turnId: string }): void {
    if (this.#state === "open") this.#talk.interrupt(turnId);
  }

  answerTool(result: ToolResult): void {
    if (this.#state === "open") this.#talk.answerTool(result);
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#leave();
    this.#transport.close(1000);
    this.#socket?.close();
  }

  // What the talk wants

  get sentMs(): number {
    return msOf(this.#sentBytes, this.request.uplink);
  }

  inject(content: string): void {
    if (this.#transport.isOpen()) this.#socket?.sendInjectUserMessage({ type: "InjectUserMessage", content });
  }

  answerCall(id: string, name: string, content: string): void {
    if (this.#transport.isOpen()) this.#socket?.sendFunctionCallResponse({ type: "FunctionCallResponse", id, name, content });
  }

  notice(notice: LinkNotice): void {
    if (this.#state === "closed") return;
    this.request.report.notice(notice);
    if (notice.type === "agent.ended") this.#tellUsed();
  }

  audio(bytes: Uint8Array, turnId: string): void {
    if (this.#state === "open") this.request.report.audio(bytes, turnId);
  }

  #lost(fault: Fault): void {
    const wasOpen = this.#state === "open";
    // What was used comes first: nothing follows the loss.
    this.#end(fault);
    if (wasOpen) this.request.report.notice({ type: "link.lost", fault });
  }

  #end(fault: Fault): void {
    if (this.#state === "closed") return;
    this.#leave();
    this.#settle.reject(fault);
    this.#transport.terminate();
    this.#socket?.close();
  }

  #leave(): void {
    if (this.#state === "open") this.#tellUsed();
    this.#state = "closed";
    this.#talk.close();
    this.#pulse.end();
    for (const timer of [this.#limit, this.#keepAlive, this.#meter, this.#expiry]) this.request.clock.clearTimeout(timer);
    this.request.signal.removeEventListener("abort", this.#aborted);
  }
}
