import type { CallerNotice } from "../caller/leg.ts";
import type { Fault, FaultCode } from "../kernel/fault.ts";
import type { AgentSpec, HandOver, ProviderTraits } from "../provider/contract.ts";
import { speaksLanguage } from "../provider/languages.ts";
import type { MoveCause } from "./board.ts";
import type { Conversation } from "./conversation.ts";
import type { SessionHouse } from "./session-house.ts";
import type { Missing, MoveTimes, Told } from "./words.ts";

const moves: ReadonlySet<string> = new Set<MoveCause>(["asked", "recovered", "expiring"]);

/** A call, as far as the book of its links needs it. */
interface LinkedCall {
  readonly house: Pick<SessionHouse, "clock" | "limits">;
  readonly uplink: { readonly unsettledChunks: number };
  readonly conversation: Pick<Conversation, "items">;
  readonly agent: Pick<AgentSpec, "language" | "tools">;
  readonly lastProvider: string;
  /** Caller audio that no link will ever hear, ms. */
  readonly lostMs: number;
  provider(name: string): { readonly traits: Pick<ProviderTraits, "stopgap" | "tools" | "languages"> };
  readonly answer: { keptAway(): void };
  notify(notice: CallerNotice): void;
  tell(event: Told): void;
}

interface Gone {
  readonly provider: string;
  readonly atMs: number;
  readonly cause: FaultCode | MoveCause;
  readonly lostMs: number;
  /** For how long it had been dead by then, at least. */
  readonly foundAfterMs: number;
  /** When another provider was dialled first. */
  decidedMs: number | undefined;
}

const modeOf = ({ cause }: Gone): HandOver["mode"] => (moves.has(cause) ? "planned" : "failover");

/** What becomes of a call's links, one after the other: told to whoever watches and to the caller's screen. */
export class LinkLedger {
  readonly #call: LinkedCall;
  /** The link that the call had last and has no more; undefined while it has one. */
  #gone: Gone | undefined;
  /** When the move that is prepared was ordered, or its need was known. */
  #orderedMs: number | undefined;
  /** Whom the caller's screen names. */
  #greetedBy = "none";
  /** A provider's own session that a new link of it could take up, and the last item that is in it. */
  #handle: { readonly provider: string; readonly text: string; readonly lastItem: string | undefined } | undefined;

  constructor(call: LinkedCall) {
    this.#call = call;
  }

  greetedBy(provider: string): void {
    this.#greetedBy = provider;
  }

  /** The call was on another node until now. */
  wasElsewhere(provider: string): void {
    const atMs = this.#call.house.clock.now();
    this.#gone = { provider, atMs, cause: "draining", lostMs: 0, foundAfterMs: 0, decidedMs: undefined };
  }

  /** The call has no link from now on, until the next one opens. */
  gone(provider: string, cause: FaultCode | MoveCause, foundAfterMs: number): void {
    const call = this.#call;
    const { unsettledChunks: chunks } = call.uplink;
    if (chunks > 0) call.tell({ type: "audio.buffered", provider, chunks });
    this.#gone ??= { provider, cause, atMs: call.house.clock.now(), lostMs: call.lostMs, foundAfterMs, decidedMs: undefined };
  }

  /** A move is prepared from now on. */
  toMove(): void {
    this.#orderedMs = this.#call.house.clock.now();
  }

  /** A link of it is opened. Beside the one that was lost, it is where the call may go. */
  dials(provider: string): void {
    const gone = this.#gone;
    if (gone !== undefined && gone.provider !== provider) gone.decidedMs ??= this.#call.house.clock.now();
  }

  opened(provider: string, attempt: number, replayedChunks: number): void {
    const call = this.#call;
    const gone = this.#gone;
    const since = this.#since(gone);
    this.#gone = undefined;
    this.#orderedMs = undefined;
    const missing = this.#missing(provider, gone?.lostMs ?? 0);
    const restored = missing.includes("conversation") ? "none" : missing.length > 0 ? "partial" : "full";
    if (gone === undefined) {
      // The caller's screen named another when the call began.
      if (provider !== this.#greetedBy) call.notify({ type: "handed-over", provider, restored });
      return;
    }
    const durationMs = since.faultMs ?? since.decidedMs;
    const mode = modeOf(gone);
    const isMove = mode === "planned";
    if (gone.provider === provider && isMove) return call.tell({ type: "link.renewed", provider, cause: gone.cause, replayedChunks });
    if (gone.provider === provider) {
      call.tell({ type: "link.recovered", provider, attempts: attempt, durationMs });
      call.notify({ type: "connection.reconnected", provider });
      return;
    }
    const { provider: from, cause } = gone;
    const items = call.conversation.items().length;
    call.tell({ type: "call.handed-over", from, to: provider, mode, cause, restored, missing, durationMs, since, items, replayedChunks });
    call.notify({ type: "handed-over", provider, restored });
  }

  /** What brings the call to a link of `provider` now; undefined while it has another, and where the last one was of the same. */
  handOverTo(provider: string): HandOver | undefined {
    const gone = this.#gone;
    return gone === undefined || gone.provider === provider ? undefined : { from: gone.provider, cause: gone.cause, mode: modeOf(gone) };
  }

  #since(gone: Gone | undefined): MoveTimes {
    const nowMs = this.#call.house.clock.now();
    const orderedMs = nowMs - (this.#orderedMs ?? gone?.atMs ?? nowMs);
    if (gone === undefined) return { faultMs: undefined, detectedMs: orderedMs, decidedMs: orderedMs };
    const detectedMs = nowMs - gone.atMs;
    if (moves.has(gone.cause)) return { faultMs: undefined, detectedMs: orderedMs, decidedMs: detectedMs };
    return { faultMs: detectedMs + gone.foundAfterMs, detectedMs, decidedMs: nowMs - (gone.decidedMs ?? nowMs) };
  }

  #missing(provider: string, lostBeforeMs: number): readonly Missing[] {
    const { agent, lostMs } = this.#call;
    const { traits } = this.#call.provider(provider);
    // It has its own few words, in the caller's language where there are any, and no conversation.
    if (traits.stopgap) return ["conversation"];
    const missing: Missing[] = [];
    if (lostMs > lostBeforeMs) missing.push("audio");
    if (traits.tools === "none" && agent.tools.length > 0) missing.push("tools");
    if (!speaksLanguage(traits, agent.language)) missing.push("language");
    return missing;
  }

  retried(provider: string, attempt: number, inMs: number): void {
    const call = this.#call;
    call.answer.keptAway();
    call.tell({ type: "link.retrying", provider, attempt, attemptLimit: call.house.limits.attempts, backoffMs: inMs });
    call.notify({ type: "connection.reconnecting", provider, attempt });
  }

  gaveUp(provider: string, attempts: number, fault: Fault | undefined): void {
    this.#call.tell({ type: "link.gave-up", provider, attempts, code: fault?.code ?? "internal" });
    this.#call.notify({ type: "connection.failed", provider });
  }

  /** No link is to be had any more: a call that had lost its provider has found no other. */
  exhausted(provider: string, attempts: number, fault: Fault | undefined): void {
    this.gaveUp(provider, attempts, fault);
    const gone = this.#gone;
    if (gone === undefined || moves.has(gone.cause)) return;
    this.#call.tell({
      type: "handover.failed",
      from: gone.provider,
      to: "none",
      mode: "failover",
      cause: gone.cause,
      since: this.#since(gone),
    });
  }

  moveFailed(to: string, fault: Fault): void {
    const since = this.#since(undefined);
    this.#call.tell({ type: "handover.failed", from: this.#call.lastProvider, to, mode: "planned", cause: fault.code, since });
  }

  /** The provider's own session can be taken up by a new link, with all that was said until now. */
  keepHandle(provider: string, text: string): void {
    this.#handle = { provider, text, lastItem: this.#call.conversation.items().at(-1)?.id };
  }

  /** Undefined where nothing of the kind is known, or more was said since. */
  handleFor(provider: string): string | undefined {
    const handle = this.#handle;
    if (handle?.provider !== provider || handle.lastItem !== this.#call.conversation.items().at(-1)?.id) return undefined;
    return handle.text;
  }
}
