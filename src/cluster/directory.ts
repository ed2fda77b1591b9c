import type { Told } from "./words.ts";

/** What somebody may call a call by. */
export interface CallNames {
  readonly callId?: string | undefined;
  /** The same of a call that may be over. */
  readonly pastCallId?: string | undefined;
  readonly resumeToken?: string | undefined;
  readonly carrierCallId?: string | undefined;
}

interface Entry {
  readonly at: number;
  readonly resumeToken: string;
}

/** Carriers, and who rates a call, ask about calls that are over, too. More than this are not remembered, the oldest go first. */
const pastLimit = 20_000;

/** Which of the other processes holds a call. What it says is a moment old. */
export class Directory {
  readonly #calls = new Map<string, Entry>();
  readonly #tokens = new Map<string, string>();
  readonly #carrierCalls = new Map<string, number>();
  readonly #past = new Map<string, number>();

  /** The process that has the call; undefined: it is here, or nowhere. */
  find({ callId, pastCallId, resumeToken, carrierCallId }: CallNames): number | undefined {
    const named = callId ?? pastCallId ?? (resumeToken === undefined ? undefined : this.#tokens.get(resumeToken));
    const held = named === undefined ? undefined : this.#calls.get(named)?.at;
    return held ?? this.#past.get(pastCallId ?? "") ?? this.#carrierCalls.get(carrierCallId ?? "");
  }

  hear({ from, news }: Told): void {
    if (news.type === "call.here") {
      this.#forget(news.callId);
      this.#calls.set(news.callId, { at: from, resumeToken: news.resumeToken });
      this.#tokens.set(news.resumeToken, news.callId);
      if (news.carrierCallId !== undefined) remember(this.#carrierCalls, news.carrierCallId, from);
    } else if (news.type === "call.over") {
      this.#forget(news.callId);
      remember(this.#past, news.callId, from);
    }
    if (news.type === "calls")
      for (const [callId, { at }] of this.#calls) if (at === from && !news.callIds.includes(callId)) this.#forget(callId);
  }

  /** This process has the carrier's call now: it came back here. */
  isHere(carrierCallId: string): void {
    this.#carrierCalls.delete(carrierCallId);
  }

  #forget(callId: string): void {
    const entry = this.#calls.get(callId);
    if (entry === undefined) return;
    this.#calls.delete(callId);
    this.#tokens.delete(entry.resumeToken);
  }
}

function remember(calls: Map<string, number>, name: string, at: number): void {
  calls.delete(name);
  calls.set(name, at);
  const [oldest] = calls.keys();
  if (calls.size > pastLimit && oldest !== undefined) calls.delete(oldest);
}
