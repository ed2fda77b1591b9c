import type { Socket } from "node:net";
import type { Clock } from "../kernel/clock.ts";

/** By then a connection is a call, or something else. */
const newMs = 1_000;

/**
 * The connections that came just now. Each may become a call, and counts as one until that is known: else all callers of one moment would
 * be given to the process that happened to tell last how few it has.
 */
export class Newcomers {
  readonly #clock: Pick<Clock, "now">;
  /** And when each came, oldest first. */
  readonly #cameMs = new Map<Socket, number>();
  #count = 0;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Undefined: it was closed on the way. */
  came(socket: Socket | undefined): void {
    this.#count += 1;
    if (socket !== undefined) this.#cameMs.set(socket, this.#clock.now());
  }

  /** One of them is a call now; which one does not matter. */
  becameCall(): void {
    for (const socket of this.#cameMs.keys()) return void this.#cameMs.delete(socket);
  }

  /** All that ever came. */
  get count(): number {
    return this.#count;
  }

  /** How many may yet become calls. */
  get size(): number {
    const oldestMs = this.#clock.now() - newMs;
    for (const [socket, cameMs] of this.#cameMs) if (cameMs < oldestMs || socket.destroyed) this.#cameMs.delete(socket);
    return this.#cameMs.size;
  }
}
