import type { Told } from "./words.ts";

/** What somebody may call a call by. */
export interface CallNames {
  readonly callId?: string | undefined;
  readonly resumeToken?: string | undefined;
  readonly carrierCallId?: string | undefined;
}

interface Entry {
  readonly at: number;
  readonly resumeToken: string;
}

/** Carriers ask about calls that are over, too. More than this are not remembered, the oldest go first. */
const carrierCallsLimit = 20_000;

/** Which of the other processes holds a call. What it says is a moment old. */
export class Directory {
  readonly #calls = new Map<string, Entry>();
  readonly #tokens = new Map<string, string>();
  readonly #carrierCalls = new Map<string, number>();

  /** The process that has the call; undefined: it is here, or nowhere. */
  find({ callId, resumeToken, carrierCallId }: CallNames): number | undefined {
    const named = callId ?? (resumeToken === undefined ? undefined : this.#tokens.get(resumeToken));
    const held = named === undefined ? undefined : this.#calls.get(named)?.at;
    return held ?? (carrierCallId === undefined ? undefined : this.#carrierCalls.get(carrierCallId));
  }

  hear({ from, news }: Told): void {
    if (news.type === "call.here") {
      this.#forget(news.callId);
      this.#calls.set(news.callId, { at: from, resumeToken: news.resumeToken });
      this.#tokens.set(news.resumeToken, news.callId);
      if (news.carrierCallId !== undefined) this.#remember(news.carrierCallId, from);
    } else if (news.type === "call.over") this.#forget(news.callId);
    else if (news.type === "calls")
      for (const [callId, { at }] of this.#calls) if (at === from && !news.callIds.includes(callId)) this.#forget(callId);
  }

  /** This process has the carrier's call now: it came back here. */
  isHere(carrierCallId: string): void {
    this.#carrierCalls.delete(carrierCallId);
  }

  #remember(carrierCallId: string, at: number): void {
    this.#carrierCalls.delete(carrierCallId);
    this.#carrierCalls.set(carrierCallId, at);
    const [oldest] = this.#carrierCalls.keys();
    if (this.#carrierCalls.size > carrierCallsLimit && oldest !== undefined) this.#carrierCalls.delete(oldest);
  }

  #forget(callId: string): void {
    const entry = this.#calls.get(callId);
    if (entry === undefined) return;
    this.#calls.delete(callId);
    this.#tokens.delete(entry.resumeToken);
  }
}
