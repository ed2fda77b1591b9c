import type { News, Told } from "./words.ts";

/** Used tokens of a minute at the highest rate there is. */
const usedLimit = 100_000;

/** The news that a process which is started later still has to know: the last of each kind. */
export class Known {
  readonly #last = new Map<string, Told>();
  /** Oldest first; all live as long. */
  readonly #used = new Map<string, Told & { readonly news: News & { type: "used" } }>();

  keep({ from, news }: Told, wallNowMs: number): void {
    if (news.type === "call.here") this.#last.set(`call ${news.callId}`, { from, news });
    else if (news.type === "call.over") this.#last.delete(`call ${news.callId}`);
    else if (news.type === "calls") this.#keepCalls(from, news.callIds);
    else if (news.type === "spent") this.#last.set(`spent ${from}`, { from, news });
    else if (news.type === "guard" && news.news.kind !== "stalled")
      this.#last.set(`guard ${news.news.provider} ${news.news.kind}`, { from, news });
    else if (news.type === "used") this.#keepUsed({ from, news }, wallNowMs);
    else if (news.type === "drain" || news.type === "watching") this.#last.set(`${news.type} ${from}`, { from, news });
  }

  all(): readonly Told[] {
    return [...this.#last.values(), ...this.#used.values()];
  }

  #keepCalls(from: number, callIds: readonly string[]): void {
    for (const [key, told] of this.#last)
      if (told.news.type === "call.here" && told.from === from && !callIds.includes(told.news.callId)) this.#last.delete(key);
  }

  #keepUsed(told: Told & { readonly news: News & { type: "used" } }, wallNowMs: number): void {
    for (const [id, { news }] of this.#used) {
      if (news.untilMs >= wallNowMs && this.#used.size < usedLimit) break;
      this.#used.delete(id);
    }
    this.#used.set(told.news.id, told);
  }
}
