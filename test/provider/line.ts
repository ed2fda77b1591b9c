import { encodings, type Encoding } from "../../src/audio/encodings.ts";
import { msOf } from "../../src/audio/encodings.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { Log, LogFields } from "../../src/kernel/log.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import type { AgentSpec, Link, LinkNotice, OpenRequest } from "../../src/provider/contract.ts";
import type { Bench } from "./bench.ts";

type Notice<T extends LinkNotice["type"]> = Extract<LinkNotice, { type: T }>;
type Settings = {
  agent?: Partial<AgentSpec>;
  /** Called from within the report of each notice. */
  during?: (notice: LinkNotice, link: Link | undefined) => void;
} & Partial<Omit<OpenRequest, "agent" | "report" | "signal">>;

const agent: AgentSpec = {
  name: "desk",
  instructions: "You are the night desk of a hotel.",
  greeting: "Good evening, the night desk speaking.",
  language: "en-US",
  voice: undefined,
  tools: [
    {
      name: "find_room",
      description: "Looks up free rooms.",
      parameters: { type: "object", properties: { nights: { type: "integer" } }, required: ["nights"] },
    },
  ],
  providerSettings: {},
};

/** The session's end of one link: asks for it, speaks into it and keeps all that it reports, in order. */
export class Line implements AsyncDisposable {
  readonly notices: LinkNotice[] = [];
  /** Everything reported, audio and notices, as words; for messages of failing tests and for what must not be told. */
  readonly diary: string[] = [];
  readonly bench: Bench;
  readonly request: OpenRequest;
  readonly #abort = new AbortController();
  readonly #audio = new Map<string, Uint8Array[]>();
  readonly #waiting = new Set<() => void>();
  link: Link | undefined;

  constructor(bench: Bench, { during, ...settings }: Settings = {}) {
    const { hears, speaks, endpointing } = bench.provider.traits;
    const [uplink, downlink, first] = [hears[0], speaks[0], endpointing[0]];
    if (uplink === undefined || downlink === undefined || first === undefined) throw new Error("a provider must hear, speak and end turns");
    this.bench = bench;
    this.request = {
      callId: "call_1",
      uplink,
      downlink,
      endpointing: first,
      conversation: [],
      begin: "listen",
      resumption: undefined,
      handOver: undefined,
      urgent: false,
      openLimitMs: 5_000,
      clock: systemClock,
      random: seededRandom(7),
      log: diaryLog(this.diary),
      ...settings,
      agent: { ...agent, ...bench.agent, ...settings.agent },
      signal: this.#abort.signal,
      report: {
        audio: (bytes, turnId) => {
          this.diary.push(`audio ${turnId} ${bytes.length}`);
          const pieces = this.#audio.get(turnId) ?? [];
          this.#audio.set(turnId, [...pieces, new Uint8Array(bytes)]);
          this.#look();
        },
        notice: (notice) => {
          this.diary.push(notice.type === "link.lost" ? `link.lost ${words(notice.fault)}` : JSON.stringify(notice));
          this.notices.push(notice);
          during?.(notice, this.link);
          this.#look();
        },
      },
    };
  }

  async open(): Promise<this> {
    this.link = await this.bench.provider.open(this.request);
    return this;
  }

  /** The fault with which opening ends. */
  async refused(): Promise<Fault> {
    const fault = await this.#tryOpen();
    if (fault === undefined) throw new Error("the link opened although it should not");
    return fault;
  }

  /** The fault with which opening, or the open link, ends. */
  async fails(): Promise<Fault> {
    return (await this.#tryOpen()) ?? (await this.hears("link.lost")).fault;
  }

  async #tryOpen(): Promise<Fault | undefined> {
    try {
      await this.open();
      return undefined;
    } catch (error) {
      if (!(error instanceof Fault)) throw new Error("open threw what is no Fault", { cause: error });
      this.diary.push(words(error));
      return error;
    }
  }

  abort(): void {
    this.#abort.abort();
  }

  /** The open link. */
  get ends(): Link {
    if (this.link === undefined) throw new Error("open the line first");
    return this.link;
  }

  /** Says `bytes` in frames of 20 ms, no faster than the provider takes a replay; offers again what was not taken. */
  async says(...pieces: readonly Uint8Array[]): Promise<void> {
    const pace = this.bench.provider.traits.replayPace * (this.bench.haste ?? 1);
    const frameBytes = 20 * encodings[this.request.uplink].bytesPerMs;
    const startMs = systemClock.now();
    let saidMs = 0;
    for (const bytes of pieces) {
      for (let at = 0; at < bytes.length; at += frameBytes) {
        const frame = bytes.subarray(at, at + frameBytes);
        await this.becomes(() => this.ends.hear(frame) || this.notices.at(-1)?.type === "link.lost", "the frame is taken");
        if (this.notices.at(-1)?.type === "link.lost") throw new Error("the link was lost");
        saidMs += msOf(frame.length, this.request.uplink);
        const aheadMs = saidMs / pace - (systemClock.now() - startMs);
        if (aheadMs > 20) await new Promise((resolve) => setTimeout(resolve, aheadMs));
      }
    }
  }

  /** The first notice of `type` at or after position `from` in `notices`, as soon as it is there. */
  async hears<T extends LinkNotice["type"]>(type: T, from = 0): Promise<Notice<T>> {
    let found: Notice<T> | undefined;
    await this.becomes(() => (found = this.all(type, from)[0]) !== undefined, type);
    // The line before returned only because it is there.
    return found as Notice<T>;
  }

  all<T extends LinkNotice["type"]>(type: T, from = 0): Notice<T>[] {
    return this.notices.slice(from).filter((notice): notice is Notice<T> => notice.type === type);
  }

  audio(turnId: string): Uint8Array {
    return Buffer.concat(this.#audio.get(turnId) ?? []);
  }

  audioMs(turnId: string): number {
    return msOf(this.audio(turnId).length, this.request.downlink);
  }

  said(turnId: string): string {
    return this.all("agent.said")
      .filter((notice) => notice.turnId === turnId)
      .map((notice) => notice.text)
      .join("");
  }

  /** Waits until `check` holds: asked at each report and, for facts on the other side, every few ms. */
  async becomes(check: () => boolean, what: string): Promise<void> {
    if (check()) return;
    const limitMs = this.bench.patienceMs;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (check()) settle(resolve);
      };
      const settle = (end: () => void): void => {
        clearInterval(poll);
        clearTimeout(limit);
        this.#waiting.delete(look);
        end();
      };
      const poll = setInterval(look, 5);
      const limit = setTimeout(() => {
        const story = [...this.diary.slice(-40), ...(this.bench.panel?.violations ?? [])].join("\n  ");
        settle(() => reject(new Error(`waited ${limitMs} ms in vain until: ${what}; the line so far:\n  ${story}`)));
      }, limitMs);
      this.#waiting.add(look);
    });
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    this.link?.close();
    const { panel } = this.bench;
    if (panel !== undefined) await this.becomes(() => panel.open === 0, "nothing is left open at the fake");
  }
}

const words = (fault: Fault): string => `${fault.code}: ${fault.message} ${fault.cause instanceof Error ? `(${fault.cause.message})` : ""}`;

/** Log lines go into the diary, so that secrets in them are found. */
function diaryLog(diary: string[]): Log {
  const write = (event: string, fields?: LogFields): void => {
    diary.push(`log ${event} ${JSON.stringify(fields ?? {})}`);
  };
  return { debug: write, info: write, warning: write, error: write, with: () => diaryLog(diary) };
}

export const wholeSamples = (bytes: Uint8Array, encoding: Encoding): boolean => bytes.length % encodings[encoding].bytesPerSample === 0;
