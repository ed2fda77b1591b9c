import { setImmediate } from "node:timers/promises";
import { silentLog } from "../../../src/kernel/log.ts";
import { seededRandom } from "../../../src/kernel/random.ts";
import type { AgentSpec, LinkNotice, OpenRequest } from "../../../src/provider/contract.ts";
import { LocalLink } from "../../../src/provider/local/link.ts";
import type { EarNotice, MindInput, MindPart } from "../../../src/provider/local/parts.ts";
import { SimulatedClock } from "../../simulated-clock.ts";

export const agent: AgentSpec = {
  name: "desk",
  instructions: "You are the front desk.",
  greeting: undefined,
  language: "en-US",
  voice: undefined,
  tools: [],
  providerSettings: {},
};

/** What the mind does with one input: parts, or promises of parts, in order. */
type Thought = readonly (MindPart | Promise<MindPart>)[];

/** How long the mouth of the parlour takes to say one letter, ms of audio. */
export const letterMs = 50;

export const say = (text: string): MindPart => ({ type: "say", text });
export const call = (toolCallId: string): MindPart => ({ type: "call", toolCallId, name: "look_up", arguments: "{}" });

/** One link between a hand-written ear, a mind that thinks what the test says, and a mouth of even pace; time is the test's. */
export class Parlour {
  readonly clock = new SimulatedClock();
  readonly notices: LinkNotice[] = [];
  /** All that was reported, in order, in short words. */
  readonly story: string[] = [];
  /** What the mind was given and told, in order. */
  readonly mind: string[] = [];
  readonly ear = { isOpen: true, agentIsSpeaking: false, heardBytes: 0 };
  readonly #abort = new AbortController();
  readonly #thoughts: Thought[];
  closed = 0;
  /** What the mouth throws instead of speaking. */
  hoarse: Error | undefined;
  /** Called with each notice, as the session is. */
  onNotice: (notice: LinkNotice) => void = () => {};
  tellEar: (notice: EarNotice) => void = () => {};
  readonly link: LocalLink;
  readonly request: OpenRequest;

  constructor(thoughts: readonly Thought[], settings: Partial<Pick<OpenRequest, "begin" | "conversation">> = {}) {
    this.#thoughts = [...thoughts];
    const request: OpenRequest = (this.request = {
      callId: "call_1",
      agent,
      uplink: "pcm16@16000",
      downlink: "pcm16@16000",
      endpointing: "provider",
      conversation: [],
      begin: "listen",
      resumption: undefined,
      handOver: undefined,
      urgent: false,
      openLimitMs: 5_000,
      signal: this.#abort.signal,
      clock: this.clock,
      random: seededRandom(1),
      log: silentLog,
      ...settings,
      report: {
        audio: (bytes, turnId) => void this.story.push(`audio ${turnId} ${bytes.length / 32}`),
        notice: (notice) => {
          this.notices.push(notice);
          if (notice.type !== "link.used" && notice.type !== "link.timed") this.story.push(words(notice));
          this.onNotice(notice);
        },
      },
    });
    const { ear } = this;
    this.link = new LocalLink(request, {
      ears: {
        open: ({ report }) => {
          this.tellEar = report;
          return {
            hear: (frame) => ((ear.heardBytes += frame.length), true),
            agentIsSpeaking: (speaking) => void (ear.agentIsSpeaking = speaking),
            close: () => void (ear.isOpen = false),
          };
        },
      },
      brain: {
        open: () => ({
          think: (input) => this.#think(input),
          withdraw: () => void this.mind.push("withdrawn"),
          heardOnly: (text) => void this.mind.push(`heard "${text}"`),
        }),
      },
      mouth: {
        speak: async (text, _voice, signal) => {
          if (this.hoarse !== undefined) throw this.hoarse;
          signal.throwIfAborted();
          return new Uint8Array(text.length * letterMs * 32);
        },
      },
      models: { ears: "ears", mouth: "mouth" },
      onClose: () => void (this.closed += 1),
    });
  }

  get used(): readonly unknown[] {
    return this.notices.flatMap((notice) => (notice.type === "link.used" ? [notice.usage] : []));
  }

  /** The caller says something from `fromMs` to `toMs` of the audio. */
  async caller(turnId: string, text: string, fromMs = 0, toMs = fromMs + 1_000): Promise<void> {
    this.tellEar({ type: "caller.spoke", turnId, uplinkMs: fromMs });
    await this.finishes(turnId, text, toMs);
  }

  async finishes(turnId: string, text: string, toMs: number): Promise<void> {
    this.tellEar({ type: "caller.transcribed", turnId, text, final: true });
    this.tellEar({ type: "caller.finished", turnId, uplinkMs: toMs });
    await this.passes(0);
  }

  /** Time goes by; before and after each second all that waits for promises alone is done. */
  async passes(ms: number): Promise<void> {
    await setImmediate();
    for (let left = ms; left > 0; left -= 1_000) {
      await this.clock.advance(Math.min(1_000, left));
      await setImmediate();
    }
  }

  abort(): void {
    this.#abort.abort();
  }

  async *#think(input: MindInput): AsyncGenerator<MindPart> {
    this.mind.push(
      input.type === "caller"
        ? `caller "${input.text}"`
        : input.type === "tools"
          ? `tools ${input.results.map((each) => each.output).join(" ")}`
          : input.type,
    );
    for (const part of this.#thoughts.shift() ?? []) yield await part;
  }
}

function words(notice: LinkNotice): string {
  switch (notice.type) {
    case "agent.said":
      return `${notice.type} ${notice.turnId} @${notice.audioMs}${JSON.stringify(notice.text)}`;
    case "agent.ended":
      return `${notice.type} ${notice.turnId} ${notice.outcome}`;
    case "tool.called":
      return `${notice.type} ${notice.toolCallId}`;
    case "link.lost":
      return `${notice.type} ${notice.fault.code}`;
    case "link.puzzled":
      return `${notice.type} ${notice.what}`;
    default:
      return "turnId" in notice ? `${notice.type} ${notice.turnId}` : notice.type;
  }
}
