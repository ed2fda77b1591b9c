import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import { TestRunner } from "vitest";
import { transcoder } from "../../src/audio/transcode.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { silentLog } from "../../src/kernel/log.ts";
import type { Link, LinkNotice, OpenRequest, Provider } from "../../src/provider/contract.ts";
import type { ProviderRow } from "../../src/provider/registry.ts";
import type { Bench, Cue } from "../provider/bench.ts";
import { samplesOf } from "../provider/local/ears/recordings.ts";
import type { LiveOptions } from "./options.ts";
import { without } from "./secrets.ts";

declare module "vitest" {
  interface TaskMeta {
    live?: LiveMeta;
  }
}

/** What a test of a lane took, over all its attempts. */
export interface LiveMeta {
  attempts: number;
  waitedMs: number;
  /** When each call was begun, ISO 8601: to be found again in the service's own records. */
  readonly calls: string[];
}

interface LiveLane {
  readonly row: ProviderRow;
  readonly setting: (name: string) => string | undefined;
  readonly secrets: readonly string[];
  readonly options: LiveOptions;
  /** File for notices; undefined: not kept. */
  readonly diary: string | undefined;
}

/** What a model of any maker understands. */
const cues: Readonly<Record<Cue, string>> = {
  short: "Please say just: certainly, one moment.",
  long: "Please count aloud from one to sixty, slowly, every number.",
  tool: "Is a room free for two nights? Look it up with the tool, do not ask back.",
  tools: "Look up, both at once, rooms for two nights and rooms for three nights. Call the tool twice before you say anything.",
};

const patienceMs = 20_000;

/** Makes benches of one lane, each after the waits that its service wants. */
export function liveBenches(lane: LiveLane): () => Promise<Bench> {
  const { row, setting, options } = lane;
  const pace = new Pace(options.gapMs);
  return async () => {
    const { name, meta } = attemptOf();
    const backoffMs = Math.min(options.maxBackoffMs, options.baseBackoffMs * 2 ** (meta.attempts - 2));
    if (meta.attempts > 1) meta.waitedMs += await pace.rest(backoffMs);
    const made = await row.make({ setting, clock: systemClock, log: silentLog });
    return {
      provider: watched(made, lane, pace, { test: name, meta }),
      panel: undefined,
      speech: (encoding) => transcoder("pcm16@16000", encoding).push(speech()).slice(),
      cue: (cue) => cues[cue],
      tells: "at-opening",
      agent: {},
      secrets: lane.secrets,
      patienceMs,
      [Symbol.asyncDispose]: () => made.close(),
    };
  };
}

/** The running test's own record. A test asks for one bench, so each further one is another attempt. */
function attemptOf(): { name: string; meta: LiveMeta } {
  const test = TestRunner.getCurrentTest();
  if (test === undefined) throw new Error("a bench is made by a test");
  const meta = (test.meta.live ??= { attempts: 0, waitedMs: 0, calls: [] });
  meta.attempts += 1;
  return { name: test.fullTestName, meta };
}

/** Keeps calls apart, and waits as long as a service asked. */
class Pace {
  readonly #gapMs: number;
  #lastMs = -Infinity;
  #askedMs = 0;

  constructor(gapMs: number) {
    this.#gapMs = gapMs;
  }

  refused(fault: Fault): void {
    this.#askedMs = Math.max(this.#askedMs, fault.retryAfterMs ?? 0);
  }

  async rest(backoffMs: number): Promise<number> {
    const ms = Math.max(backoffMs, this.#askedMs);
    this.#askedMs = 0;
    await delay(ms);
    return ms;
  }

  async begin(): Promise<void> {
    const waitMs = this.#lastMs + this.#gapMs - systemClock.now();
    if (waitMs > 0) await delay(waitMs);
    this.#lastMs = systemClock.now();
  }
}

/** The same provider, its calls kept apart and written down. */
function watched(
  made: Provider,
  { row, secrets, diary }: LiveLane,
  pace: Pace,
  { test, meta }: { readonly test: string; readonly meta: LiveMeta },
): Provider {
  const write = (told: object): void => {
    if (diary === undefined) return;
    const line = { at: new Date().toISOString(), provider: row.name, test, attempt: meta.attempts, ...told };
    appendFileSync(diary, `${without(secrets, JSON.stringify(line))}\n`);
  };
  const noteFault = (what: string, fault: Fault): void => {
    pace.refused(fault);
    write({ what, code: fault.code, message: fault.message, retryAfterMs: fault.retryAfterMs });
  };
  const open = async (request: OpenRequest): Promise<Link> => {
    await pace.begin();
    meta.calls.push(new Date().toISOString());
    write({ what: "open", uplink: request.uplink, downlink: request.downlink, begin: request.begin });
    const { report } = request;
    const audio = (bytes: Uint8Array, turnId: string): void => {
      write({ what: "audio", turnId, bytes: bytes.length });
      report.audio(bytes, turnId);
    };
    const notice = (told: LinkNotice): void => {
      if (told.type === "link.lost") noteFault("link.lost", told.fault);
      else write({ what: "notice", notice: told });
      report.notice(told);
    };
    try {
      return await made.open({ ...request, report: { audio, notice } });
    } catch (error) {
      if (error instanceof Fault) noteFault("refused", error);
      throw error;
    }
  };
  return { ...made, open };
}

let said: Uint8Array | undefined;

/** "Go forward ten meters", without the silence around it. */
function speech(): Uint8Array {
  if (said !== undefined) return said;
  const samples = samplesOf(join(import.meta.dirname, "../../fixtures/speech/ps_goforward.wav"));
  const isLoud = (sample: number): boolean => Math.abs(sample) > 1_500;
  said = new Uint8Array(samples.slice(samples.findIndex(isLoud), samples.findLastIndex(isLoud)).buffer);
  return said;
}
