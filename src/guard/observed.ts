import type { Timer } from "../kernel/clock.ts";
import { toFault, type Fault, type FaultCode } from "../kernel/fault.ts";
import type {
  Begin,
  ConversationItem,
  HandOver,
  Link,
  LinkNotice,
  LinkReport,
  OpenRequest,
  Provider,
  ToolResult,
} from "../provider/contract.ts";
import type { Failing, Proof } from "./breaker.ts";

/** A handshake is no success: a session has to live so long, or to answer a turn. */
const provenMs = 5_000;

/** How a session ended. */
export interface SessionEnd {
  /** Undefined: in order, or because the caller hung up. */
  readonly fault: Fault | undefined;
  /** How it speaks against the provider; undefined when it does not. */
  readonly failing: Failing | undefined;
  readonly while: "opening" | "live";
  /** How long what was owed at its end had been waited for, ms; undefined when nothing was. */
  readonly waitedMs: number | undefined;
}

/** Is told what one session shows of its provider, as it happens; `ended` once, last. */
export interface Witness {
  opened(setupMs: number): void;
  /** What was owed began to come: first audio or a tool call. */
  answered(afterMs: number): void;
  proved(proof: Proof): void;
  noticed(notice: LinkNotice): void;
  ended(end: SessionEnd): void;
}

/** The same provider; each session has a witness, made before it is dialled. What `witness` throws refuses the opening. */
export function observed(provider: Provider, witness: (request: OpenRequest) => Witness): Provider {
  return {
    ...provider,
    open: async (request) => {
      const session = new ObservedSession(request, witness(request));
      return session.open(provider);
    },
  };
}

type Stage = { readonly name: "opening" } | { readonly name: "live"; readonly timer: Timer } | { readonly name: "over" };

/** What a provider owes: an answer to the caller, or what it was to begin with. */
interface Debt {
  readonly to: "caller" | "call";
  readonly sinceMs: number;
}

class ObservedSession implements Link, LinkReport {
  readonly #request: OpenRequest;
  readonly #report: LinkReport;
  readonly #witness: Witness;
  readonly #startedMs: number;
  #stage: Stage = { name: "opening" };
  #link: Link | undefined;
  #owed: Debt | undefined;
  /** An answer to the caller is coming. */
  #isAnswering = false;
  #proof: Proof | "due" | undefined;

  constructor(request: OpenRequest, witness: Witness) {
    this.#request = request;
    this.#report = request.report;
    this.#witness = witness;
    this.#startedMs = request.clock.now();
    request.signal.addEventListener("abort", this.#aborted, { once: true });
    this.#owe(request.begin);
  }

  async open(provider: Provider): Promise<Link> {
    const { clock, signal } = this.#request;
    try {
      const link = await provider.open({ ...this.#request, report: this });
      // Lost or called off in the meantime; who asked closes it.
      if (this.#stage.name !== "opening") return link;
      const nowMs = clock.now();
      this.#link = link;
      this.#stage = { name: "live", timer: clock.setTimeout(() => this.#lived(), provenMs) };
      if (this.#owed !== undefined) this.#owed = { ...this.#owed, sinceMs: nowMs };
      this.#witness.opened(nowMs - this.#startedMs);
      return this;
    } catch (error) {
      this.#end(signal.aborted ? signal.reason : error);
      throw error;
    }
  }

  audio(bytes: Uint8Array, turnId: string, nowMs?: number): void {
    if (this.#owed !== undefined) this.#paid();
    this.#report.audio(bytes, turnId, nowMs);
  }

  notice(notice: LinkNotice): void {
    switch (notice.type) {
      case "caller.finished":
        this.#owed = { to: "caller", sinceMs: this.#request.clock.now() };
        break;
      case "caller.spoke":
      case "caller.resumed":
      case "caller.dismissed":
        this.#forgive();
        break;
      case "tool.called":
        this.#paid();
        break;
      case "agent.ended":
        if (notice.outcome !== "failed") this.#answerEnded();
        break;
      case "link.lost":
        this.#end(notice.fault);
        break;
      default:
    }
    this.#witness.noticed(notice);
    this.#report.notice(notice);
  }

  hear(frame: Uint8Array): boolean {
    return this.#link?.hear(frame) === true;
  }

  takeOver(since: readonly ConversationItem[], begin: Begin, handOver: HandOver | undefined): void {
    this.#owe(begin);
    this.#link?.takeOver(since, begin, handOver);
  }

  takeText(text: string): void {
    this.#owe("answer");
    this.#link?.takeText(text);
  }

  commitTurn(): void {
    this.#link?.commitTurn();
  }

  interrupt(heard: { readonly turnId: string; readonly heardMs: number }): void {
    this.#forgive();
    this.#link?.interrupt(heard);
  }

  answerTool(result: ToolResult): void {
    this.#owe("answer");
    this.#link?.answerTool(result);
  }

  close(): void {
    this.#end(undefined);
    this.#link?.close();
  }

  readonly #aborted = (): void => this.#end(this.#request.signal.reason);

  #owe(begin: Begin | "wait"): void {
    if (begin === "listen" || begin === "wait") return;
    this.#owed = { to: begin === "answer" ? "caller" : "call", sinceMs: this.#request.clock.now() };
  }

  #paid(): void {
    if (this.#owed === undefined) return;
    if (this.#owed.to === "caller") this.#isAnswering = true;
    this.#witness.answered(this.#request.clock.now() - this.#owed.sinceMs);
    this.#forgive();
  }

  /** Nothing is owed any more. */
  #forgive(): void {
    this.#owed = undefined;
    if (this.#proof === "due") this.#prove("lived");
  }

  #answerEnded(): void {
    this.#paid();
    // A greeting shows that the provider speaks, not that it answers.
    if (this.#isAnswering) this.#prove("answered");
    this.#isAnswering = false;
  }

  #lived(): void {
    if (this.#owed === undefined) this.#prove("lived");
    else this.#proof ??= "due";
  }

  #prove(proof: Proof): void {
    if (this.#proof === "answered" || this.#proof === proof || this.#stage.name === "over") return;
    this.#proof = proof;
    this.#witness.proved(proof);
  }

  #end(reason: unknown): void {
    if (this.#stage.name === "over") return;
    const { clock, signal } = this.#request;
    const sinceMs = this.#stage.name === "opening" ? this.#startedMs : this.#owed?.sinceMs;
    const was = this.#stage.name;
    if (this.#stage.name === "live") clock.clearTimeout(this.#stage.timer);
    this.#stage = { name: "over" };
    signal.removeEventListener("abort", this.#aborted);
    const fault = isHangUp(reason) ? undefined : toFault(reason, "internal", "holding a session");
    const isProven = this.#proof === "lived" || this.#proof === "answered";
    const failing = fault === undefined ? undefined : failingOf(fault, was, isProven);
    this.#witness.ended({ fault, failing, while: was, waitedMs: sinceMs === undefined ? undefined : clock.now() - sinceMs });
  }
}

const isHangUp = (reason: unknown): boolean => reason === undefined || (reason instanceof DOMException && reason.name === "AbortError");

/** A time that was over and a machine that was full say nothing of how well a provider is; a limit that was reached is kept elsewhere. */
const saysNothing: ReadonlySet<FaultCode> = new Set(["provider-expired", "provider-busy", "provider-limited"]);

function failingOf(fault: Fault, was: "opening" | "live", isProven: boolean): Failing | undefined {
  if (saysNothing.has(fault.code)) return undefined;
  if (fault.code === "provider-silent" && was === "live") return "unanswered";
  const wasAccepted = was === "live" || fault.code === "provider-dropped";
  return wasAccepted && !isProven ? "flapped" : "lost";
}
