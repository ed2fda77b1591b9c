import type { Clock, Timer } from "../kernel/clock.ts";
import type { CallControl, CallView } from "../session/control.ts";
import type { CallEvent } from "../session/words.ts";
import type { Place } from "./place.ts";

const pictureEveryMs = 1_000;

/**
 * What happens to the calls of all processes, for those who read along here. The others send it only while somebody reads: an event of
 * each second of each call is more than a wire between processes should carry for nobody.
 */
export class Everywhere implements Disposable {
  readonly #here: Pick<CallControl, "calls" | "follow">;
  readonly #place: Place;
  readonly #clock: Clock;
  /** The calls of other processes as they were last told. */
  readonly #pictures = new Map<number, readonly CallView[]>();
  /** Other processes where somebody reads. */
  readonly #watchers = new Set<number>();
  readonly #followers = new Set<(event: CallEvent) => void>();
  readonly #following: readonly Disposable[];
  readonly #isTold: (event: CallEvent) => boolean;
  #timer: Timer | undefined;

  /** @param isTold whether an event is one that readers are told of */
  constructor(here: Pick<CallControl, "calls" | "follow">, place: Place, isTold: (event: CallEvent) => boolean, clock: Clock) {
    [this.#here, this.#place, this.#isTold, this.#clock] = [here, place, isTold, clock];
    this.#following = [here.follow((event) => this.#happened(event)), place.follow(({ from, news }) => this.#heard(from, news))];
  }

  calls(): readonly CallView[] {
    const elsewhere = [...this.#pictures.values()].flat();
    return [...this.#here.calls(), ...elsewhere].toSorted((a, b) => b.ageMs - a.ageMs);
  }

  follow(listener: (event: CallEvent) => void): Disposable {
    const own = (event: CallEvent): void => listener(event);
    const here = this.#here.follow(own);
    this.#followers.add(own);
    return {
      [Symbol.dispose]: () => {
        here[Symbol.dispose]();
        this.#followers.delete(own);
      },
    };
  }

  /** Somebody begins to read here, or nobody does any more. */
  isRead(on: boolean): void {
    this.#place.publish({ type: "watching", on });
    if (!on) this.#pictures.clear();
  }

  [Symbol.dispose](): void {
    for (const each of this.#following) each[Symbol.dispose]();
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
  }

  #happened(event: CallEvent): void {
    if (this.#watchers.size > 0 && this.#isTold(event)) this.#place.publish({ type: "happened", event });
  }

  #heard(from: number, news: Parameters<Parameters<Place["follow"]>[0]>[0]["news"]): void {
    if (news.type === "happened") for (const follower of this.#followers) follower(news.event);
    else if (news.type === "pictured") this.#pictures.set(from, news.calls);
    else if (news.type === "watching" && news.on) this.#show(from);
    // It was started again: its readers are gone.
    else if (news.type === "watching" || news.type === "calls") this.#watchers.delete(from);
  }

  #show(to: number): void {
    this.#watchers.add(to);
    this.#timer ??= this.#clock.setTimeout(() => this.#picture(), 0);
  }

  #picture(): void {
    this.#timer = this.#watchers.size === 0 ? undefined : this.#clock.setTimeout(() => this.#picture(), pictureEveryMs);
    // Readers are shown the calls, not what was said in them.
    if (this.#watchers.size > 0)
      this.#place.publish({ type: "pictured", calls: this.#here.calls().map((call) => ({ ...call, turns: [] })) });
  }
}
