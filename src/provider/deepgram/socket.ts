import type { DeepgramClient } from "@deepgram/sdk";
import type { Clock, Timer } from "../../kernel/clock.ts";
import { Fault, toFault } from "../../kernel/fault.ts";
import { connectOnce, deepgramClient, type DeepgramAddress } from "../deepgram-sdk/client.ts";
import { WsTransport, type SocketEnd, type SocketReport } from "../deepgram-sdk/transport.ts";
import { Pulse } from "../pulse.ts";
import { endFault } from "./faults.ts";

/** What the sockets of the official client have in common. */
interface ClientSocket {
  on(event: "open", handler: () => void): void;
  on(event: "message", handler: (message: never) => void): void;
  connect(): unknown;
  close(): void;
}

export interface SocketPlan<S extends ClientSocket> {
  /** For messages: "deepgram flux". */
  readonly name: string;
  readonly key: string;
  readonly address: DeepgramAddress;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly openLimitMs: number;
  /** Dials by the client; nothing is sent before `connect` of what it gives. */
  readonly dial: (client: DeepgramClient, options: ReturnType<typeof connectOnce>) => Promise<S>;
  /** Whether the wire greets a new client, which is then ready. On one that does not, an answered ping is the greeting. */
  readonly greets: boolean;
  /** A text message, parsed where it could be. */
  readonly take: (message: unknown) => void;
  readonly binary: (bytes: Uint8Array) => void;
  /** Whether somebody waits for the other side just now. */
  readonly owed: () => boolean;
  /** Once, last, and only after `ready` had resolved. */
  readonly lost: (fault: Fault) => void;
}

/** One socket of one stage: dials once within its limit, finds a silent peer, ends once. */
export class StageSocket<S extends ClientSocket> implements SocketReport {
  /** Resolves at `becomeReady`. */
  readonly ready: Promise<void>;
  readonly #plan: SocketPlan<S>;
  readonly #transport: WsTransport;
  readonly #pulse: Pulse;
  readonly #settle: PromiseWithResolvers<void>;
  readonly #limit: Timer;
  #socket: S | undefined;
  #state: "opening" | "open" | "closed" = "opening";

  constructor(plan: SocketPlan<S>) {
    this.#plan = plan;
    this.#settle = Promise.withResolvers<void>();
    this.ready = this.#settle.promise;
    // Whoever opens it and gives it up before it is ready does not look at this any more.
    this.ready.catch(() => {});
    const { clock, name, openLimitMs } = plan;
    this.#transport = new WsTransport(clock, this);
    this.#pulse = new Pulse({ clock, peer: this.#transport, owed: plan.owed, dead: (fault) => this.end(fault) });
    this.#limit = clock.setTimeout(
      () => this.end(new Fault("provider-silent", `opening ${name}: not ready after ${openLimitMs} ms`)),
      openLimitMs,
    );
    plan.signal.addEventListener("abort", this.#aborted);
    if (plan.signal.aborted) this.#aborted();
    else void this.#dial();
  }

  get isOpen(): boolean {
    return this.#state === "open" && this.#transport.isOpen();
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  get queuedBytes(): number {
    return this.#transport.queuedBytes;
  }

  /** The greeting has come. */
  becomeReady(): void {
    if (this.#state !== "opening") return;
    this.#state = "open";
    this.#plan.clock.clearTimeout(this.#limit);
    this.#pulse.begin();
    this.#settle.resolve();
  }

  /** False: there is no open socket to send by. */
  send(send: (socket: S) => void): boolean {
    if (this.#socket === undefined || !this.isOpen) return false;
    send(this.#socket);
    return true;
  }

  /** Ends at once, for a reason. */
  end(fault: Fault): void {
    if (this.#state === "closed") return;
    const wasOpen = this.#state === "open";
    this.#leave();
    this.#transport.terminate();
    this.#settle.reject(fault);
    if (wasOpen) this.#plan.lost(fault);
  }

  /** Ends in order; `farewell` is sent first. */
  close(farewell: (socket: S) => void): void {
    if (this.#state === "closed") return;
    this.send(farewell);
    this.#leave();
    this.#settle.reject(new Fault("provider-dropped", `opening ${this.#plan.name}: given up`));
    this.#transport.close(1000);
    this.#socket?.close();
  }

  async #dial(): Promise<void> {
    const { key, address, dial, openLimitMs, name } = this.#plan;
    try {
      const socket = await dial(deepgramClient(key, address, this.#transport), connectOnce(openLimitMs));
      if (this.#state === "closed") return;
      this.#socket = socket;
      socket.on("open", () => {
        if (!this.#plan.greets) this.#transport.ping();
      });
      socket.on("message", (message: unknown) => this.#take(message));
      socket.connect();
    } catch (error) {
      const found = error instanceof Error ? error.message.replaceAll(key, "[key]") : "no reason given";
      this.end(new Fault("provider-refused", `opening ${name}: ${found}`));
    }
  }

  #take(message: unknown): void {
    this.#pulse.heard();
    if (this.#state === "closed") return;
    try {
      this.#plan.take(message);
    } catch (error) {
      // The client would write it to the console and go on as if nothing had happened.
      this.end(toFault(error, "internal", `reading ${this.#plan.name}`));
    }
  }

  binary(bytes: Uint8Array): void {
    this.#pulse.heard();
    if (this.#state === "open") this.#plan.binary(bytes);
  }

  pong(): void {
    this.#pulse.heard();
    if (!this.#plan.greets) this.becomeReady();
  }

  ended(end: SocketEnd): void {
    const { name, key } = this.#plan;
    this.end(endFault(end, `${this.#state === "open" ? "using" : "opening"} ${name}`, key));
  }

  readonly #aborted = (): void => {
    if (this.#state === "opening") this.end(new Fault("provider-dropped", `opening ${this.#plan.name}: given up by the call`));
  };

  #leave(): void {
    this.#state = "closed";
    this.#pulse.end();
    this.#plan.clock.clearTimeout(this.#limit);
    this.#plan.signal.removeEventListener("abort", this.#aborted);
  }
}
