import type { Clock, Timer } from "../kernel/clock.ts";
import type { CallControl, CallView } from "../session/control.ts";
import type { CallEvent } from "../session/words.ts";
import type { Place } from "./place.ts";

const pictureEveryMs = 1_000;

/** What those are told who read along. */
export interface Readers {
  readonly isTold: (event: CallEvent) => boolean;
  /** So many calls at most, the oldest. */
  readonly picturedCalls: number;
}

/**
 * What happens to the calls of all processes, for those who read along here. The others send it only while somebody reads: an event of
 * each second of each call is more than a wire between processes should carry for nobody.
 */
export class Everywhere implements Disposable {
  readonly #here: Pick<CallControl, "size" | "calls" | "follow">;
  readonly #place: Place;
  readonly #clock: Clock;
  /** The calls of other processes as they were last told. */
  readonly #pictures = new Map<number, { readonly total: number; readonly calls: readonly CallView[] }>();
  /** Other processes where somebody reads. */
  readonly #watchers = new Set<number>();
  readonly #followers = new Set<(event: CallEvent) => void>();
  readonly #following: readonly Disposable[];
  readonly #readers: Readers;
  #timer: Timer | undefined;

  constructor(here: Pick<CallControl, "size" | "calls" | "follow">, place: Place, readers: Readers, clock: Clock) {
    [this.#here, this.#place, this.#readers, this.#clock] = [here, place, readers, clock];
    this.#following = [here.follow((event) => this.#happened(event)), place.follow(({ from, news }) => this.#heard(from, news))];
  }

  get size(): number {
    return [...this.#pictures.values()].reduce((sum, { total }) => sum + total, this.#here.size);
  }

  calls(most = this.#readers.picturedCalls): readonly CallView[] {
    const elsewhere = [...this.#pictures.values()].flatMap(({ calls }) => calls);
    return [...this.#here.calls(most), ...elsewhere].toSorted((a, b) => b.ageMs - a.ageMs).slice(0, most);
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
    if (this.#watchers.size > 0 && this.#readers.isTold(event)) this.#place.publish({ type: "happened", event });
  }

  #heard(from: number, news: Parameters<Parameters<Place["follow"]>[0]>[0]["news"]): void {
    if (news.type === "happened") for (const follower of this.#followers) follower(news.event);
    else if (news.type === "pictured") this.#pictures.set(from, news);
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
    if (this.#watchers.size > 0)
      this.#place.publish({ type: "pictured", total: this.#here.size, calls: this.#here.calls(this.#readers.picturedCalls) });
  }
}
