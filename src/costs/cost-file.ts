import { readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { ToldSteps } from "./budget.ts";
import type { LedgerState } from "./ledger.ts";

const whole = z.string().regex(/^\d{1,40}$/);
const totals = z.object({
  key: z.string(),
  pico: whole,
  byProvider: z.record(z.string(), whole),
  byUser: z.record(z.string(), whole),
  unpriced: z.array(z.string()),
  unpricedCalls: z.number().nonnegative(),
});
const told = z.object({ key: z.string(), steps: z.array(z.number()) });
const schema = z.object({
  version: z.literal(1),
  ledger: z.object({ totals: z.object({ day: totals, month: totals }), linkedMs: z.record(z.string(), z.number().nonnegative()) }),
  told: z.object({ day: told, month: told }),
});

/** What a restart must not forget. */
export interface CostState {
  readonly ledger: LedgerState;
  readonly told: ToldSteps;
}

/** In the folder of a process. */
export const costFileName = "costs.json";

/** At most so often, while something changes; what a crash may forget. */
const writeEveryMs = 2_000;

/** The costs' state in a file, replaced as a whole: a crash leaves the old or the new one. Never waited for by a call. */
export class CostFile {
  readonly #path: string;
  readonly #failed: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isFailing = false;

  /** @param failed a disk that is full or read-only costs the memory of what was spent, and no call */
  constructor(path: string, failed: (error: unknown) => void) {
    [this.#path, this.#failed] = [path, failed];
  }

  /** Undefined: there is none yet, or it cannot be used, which was reported. */
  read(): CostState | undefined {
    try {
      return schema.parse(JSON.parse(readFileSync(this.#path, "utf8")));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) this.#failed(error);
      return undefined;
    }
  }

  /** Writes soon; `state` is asked when it does. */
  changed(state: () => CostState): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // A disk slower than that gets the next state, not a queue of them.
      if (this.#writing !== undefined) return this.changed(state);
      this.#writing = this.#write(state()).finally(() => (this.#writing = undefined));
    }, writeEveryMs).unref();
  }

  /** Writes now and waits; for the end of the process. */
  async close(state: CostState): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write(state);
  }

  async #write(state: CostState): Promise<void> {
    const fresh = `${this.#path}.${process.pid}.new`;
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFile(fresh, costText(state));
      await rename(fresh, this.#path);
      this.#isFailing = false;
    } catch (error) {
      // Once: it will fail every two seconds until somebody makes room.
      if (!this.#isFailing) this.#failed(error);
      this.#isFailing = true;
    }
  }
}

/** What such a file says. */
export const costText = (state: CostState): string => `${JSON.stringify({ version: 1, ...state })}\n`;
