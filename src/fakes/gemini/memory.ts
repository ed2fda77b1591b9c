import type { ToldItem } from "../panel.ts";

/** What a handle brings back. */
export interface Remembered {
  readonly model: string;
  readonly told: readonly ToldItem[];
  /** Whether the connection that was given the handle still stands. */
  readonly alive: () => boolean;
}

const limit = 1_000;

/** The sessions that can be resumed, by handle; shared by all connections of one fake. */
export class Memory {
  readonly #sessions = new Map<string, Remembered>();

  keep(handle: string, session: Remembered): void {
    this.#sessions.set(handle, session);
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined && this.#sessions.size > limit) this.#sessions.delete(oldest);
  }

  recall(handle: string): Remembered | undefined {
    return this.#sessions.get(handle);
  }

  /** All handles are stale from now on, as after their two hours. */
  forget(): void {
    this.#sessions.clear();
  }
}
