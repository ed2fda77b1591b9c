import { setImmediate as breathe } from "node:timers/promises";
import type { Clock } from "../../../kernel/clock.ts";
import type { Random } from "../../../kernel/random.ts";
import type { ConversationItem } from "../../contract.ts";
import { clausesOf } from "../../clauses.ts";
import { clauseLengths, type Brain, type BrainRequest, type Mind, type MindInput, type MindPart } from "../parts.ts";
import type { Flow } from "./flow.ts";
import { fold } from "./fold.ts";
import { guideFrom, wallDate, type Guide } from "./guide.ts";
import { replyTo, sentence, nextStep, type Reply, type Voice } from "./reply.ts";
import { blankState, type Call, type State } from "./state.ts";

/** The scripted receptionist: no model, no network; what it says is the flow's. */
export function scriptedBrain(flow: Flow): Brain {
  const guide = guideFrom(flow);
  return { open: (request) => new ScriptedMind(guide, request), close: async () => {} };
}

const rememberedCalls = 32;
/** Items read at a stretch, some 3 ms: a call of hours is read without holding up the others. */
const sliceItems = 50;

/**
 * One call's receptionist. What it knows is the conversation, read item by item; the items of the last `think` are kept apart,
 * so that they can be taken back or cut to what was heard.
 */
class ScriptedMind implements Mind {
  readonly #guide: Guide;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #request: BrainRequest;
  readonly #tools: ReadonlySet<string>;
  /** The conversation up to the last `think`. */
  #settled: State = blankState;
  /** What of the given conversation is still to be read. */
  #unread: readonly ConversationItem[];
  /** What the last `think` added. */
  #tail: readonly ConversationItem[] = [];
  /** A caller turn at the end of the given conversation that nobody answered yet. */
  #unanswered: Extract<ConversationItem, { type: "caller" }> | undefined;
  /** Names and arguments of the calls made, also of withdrawn ones: their results still come. */
  readonly #calls = new Map<string, Call>();
  #count = 0;

  constructor(guide: Guide, request: BrainRequest) {
    this.#guide = guide;
    this.#request = request;
    this.#clock = request.clock;
    this.#random = request.random;
    this.#tools = new Set(request.agent.tools.map(({ name }) => name));
    const last = request.conversation.at(-1);
    this.#unanswered = last?.type === "caller" ? last : undefined;
    const earlier = this.#unanswered === undefined ? request.conversation : request.conversation.slice(0, -1);
    for (const item of earlier) if (item.type === "tool") this.#remember(item.id, { name: item.name, arguments: item.arguments });
    this.#unread = earlier;
  }

  async *think(input: MindInput, signal: AbortSignal): AsyncGenerator<MindPart> {
    try {
      this.#settled = this.#state();
      this.#tail = [];
      await this.#readUp();
      if (signal.aborted) return;
      const reply = this.#take(input);
      this.#count += 1;
      const id = `a${this.#count}`;
      const words: string[] = [];
      for (const text of clausesOf(reply.words, clauseLengths)) {
        if (signal.aborted) return;
        words.push(text);
        this.#put({ type: "agent", id, text: words.join(" "), interrupted: false });
        yield { type: "say", text };
      }
      for (const call of reply.calls) {
        if (signal.aborted) return;
        const toolCallId = this.#random.id("call_");
        this.#remember(toolCallId, call);
        this.#tail = [...this.#tail, { type: "tool", id: toolCallId, ...call, output: undefined }];
        yield { type: "call", toolCallId, ...call };
      }
    } catch (error) {
      // What could not be read is not read again at the next turn.
      this.#tail = [];
      this.#request.log.error("brain_failed", { input: input.type, error });
      yield { type: "say", text: "Sorry, could you say that once more?" };
    }
  }

  withdraw(): void {
    // A tool that ran stays run; only the words are taken back.
    this.#tail = this.#tail.filter((item) => item.type === "tool" && item.output !== undefined);
  }

  heardOnly(text: string): void {
    const at = this.#tail.findLastIndex(({ type }) => type === "agent");
    const item = this.#tail[at];
    if (item?.type !== "agent") return;
    // A reply that waited for a tool began before this `think`; what was said then is settled.
    const earlier = this.#tail[0]?.type === "tool" ? (this.#settled.said?.text ?? "") : "";
    const heard = earlier !== "" && text.startsWith(earlier) ? text.slice(earlier.length).trim() : text;
    this.#tail = this.#tail.with(at, { ...item, text: heard, interrupted: true });
  }

  #now(): Date {
    return wallDate(this.#guide, this.#clock);
  }

  #remember(id: string, call: Call): void {
    this.#calls.set(id, call);
    const [oldest] = this.#calls.keys();
    if (this.#calls.size > rememberedCalls && oldest !== undefined) this.#calls.delete(oldest);
  }

  async #readUp(): Promise<void> {
    while (this.#unread.length > 0) {
      const slice = this.#unread.slice(0, sliceItems);
      this.#unread = this.#unread.slice(sliceItems);
      for (const item of slice) this.#settled = fold(this.#guide, this.#settled, item, this.#now());
      if (this.#unread.length > 0) await breathe();
    }
  }

  /** Takes in what happened and makes the reply. */
  #take(input: MindInput): Reply {
    const waiting = this.#unanswered;
    this.#unanswered = undefined;
    const isSame = input.type === "caller" && waiting?.text.trim() === input.text.trim();
    if (waiting !== undefined && !isSame) this.#settled = fold(this.#guide, this.#settled, waiting, this.#now());
    switch (input.type) {
      case "greet":
        return this.#greeting();
      case "caller":
        this.#count += 1;
        this.#tail = [{ type: "caller", id: `c${this.#count}`, text: input.text }];
        return replyTo(this.#voice(), this.#state());
      case "tools":
        this.#tail = input.results.map(({ toolCallId, name, output, failed }) => ({
          type: "tool",
          id: toolCallId,
          name,
          arguments: this.#calls.get(toolCallId)?.arguments ?? "{}",
          output: failed && output.trimStart().startsWith("{") ? "The tool failed." : output,
        }));
        return replyTo(this.#voice(), this.#state());
      case "carry-on":
        return this.#bridge(waiting !== undefined);
    }
  }

  #greeting(): Reply {
    const voice = this.#voice();
    const { greeting, notice } = this.#guide.flow.sentences;
    const own = this.#request.agent.greeting;
    return {
      words: `${own === undefined || own === "" ? sentence(voice, greeting) : own} ${sentence(voice, notice)}`,
      calls: [],
    };
  }

  /** One sentence that we are here, then what the caller still waits for: the answer not heard in full, else the open question. */
  #bridge(isOwed: boolean): Reply {
    const voice = this.#voice();
    const state = this.#settled;
    const bridge = sentence(voice, this.#guide.flow.sentences.bridge);
    const wasCut = state.said?.cut === true && state.acts.length > 0;
    const owed = isOwed || wasCut ? replyTo(voice, state) : nextStep(voice, state);
    const words = unheard(owed.words, wasCut ? (state.said?.text ?? "") : "");
    const isSilent = words === "" && owed.calls.length === 0;
    return {
      words: `${bridge} ${isSilent ? sentence(voice, this.#guide.flow.sentences.invite) : words}`,
      calls: owed.calls,
    };
  }

  #voice(): Voice {
    const pick = (variants: readonly string[]): string =>
      variants[variants.length === 1 ? 0 : Math.floor(this.#random.next() * variants.length)] ?? "";
    return { guide: this.#guide, now: this.#now(), tools: this.#tools, pick };
  }

  #state(): State {
    return this.#tail.reduce((state, item) => fold(this.#guide, state, item, this.#now()), this.#settled);
  }

  #put(item: Extract<ConversationItem, { type: "agent" }>): void {
    const last = this.#tail.at(-1);
    this.#tail = last?.type === "agent" ? this.#tail.with(-1, item) : [...this.#tail, item];
  }
}

/** A reply without the sentences that the caller has heard already. */
function unheard(words: string, heard: string): string {
  const sentences = words.split(/(?<=[.?!])\s+/);
  return sentences.filter((one) => !heard.includes(one)).join(" ");
}
