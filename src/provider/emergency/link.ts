import { msOf } from "../../audio/encodings.ts";
import type { PromptId } from "../../prompts/catalogue.ts";
import type { Prompts } from "../../prompts/prompts.ts";
import type { Begin, ConversationItem, Link, LinkNotice, OpenRequest, ToolResult } from "../contract.ts";
import { Endpointer } from "./endpointer.ts";
import { humanTool, personAfter, personIn, type Person } from "./person.ts";

const audio = "pcm16@16000";
const endTool = "end_call";
/** How often a caller is told again how things stand, before the goodbye. */
const tellingsLimit = { asked: 3, coming: 3, told: 1, "out-of-reach": 1 } as const;
const standing = { asked: "bridge", coming: "bridge", told: "callback", "out-of-reach": "later" } as const;

type ToolCall = Omit<Extract<LinkNotice, { type: "tool.called" }>, "type">;

/** What was said last, as long as the caller may have missed it. */
interface Said {
  readonly turnId: string;
  readonly lines: readonly PromptId[];
  readonly audioMs: number;
  readonly isRepeat: boolean;
}

/**
 * One call without any provider: each turn of the caller is answered by a fixed line, a person is asked for, and after a few turns
 * the call is ended politely. It hears how loud the line is and no words.
 */
export class EmergencyLink implements Link {
  readonly #request: OpenRequest;
  readonly #prompts: Prompts;
  readonly #endpointer: Endpointer;
  readonly #onClose: (link: EmergencyLink) => void;
  #state: "waiting" | "open" | "over";
  #person: Person;
  #tellings = 0;
  #turns = 0;
  #replies = 0;
  #said: Said | undefined;
  /** Lines to be said once more, because the caller spoke over them. */
  #missed: readonly PromptId[] | undefined;
  #saidGoodbye = false;
  /** When all that was said will have been played, were there no delay. */
  #playsUntilMs = 0;

  constructor(request: OpenRequest, prompts: Prompts, onClose: (link: EmergencyLink) => void) {
    this.#request = request;
    this.#prompts = prompts;
    this.#onClose = onClose;
    this.#person = personIn(request.conversation);
    const byHand = { spoke: () => {}, finished: () => {} };
    const byLoudness = {
      spoke: (uplinkMs: number) => this.#soon(() => this.#callerSpoke(uplinkMs)),
      finished: (uplinkMs: number) => this.#soon(() => this.#callerFinished(uplinkMs)),
    };
    this.#endpointer = new Endpointer(request.uplink, request.endpointing === "manual" ? byHand : byLoudness);
    this.#state = request.begin === "wait" ? "waiting" : "open";
    request.signal.addEventListener("abort", this.#end, { once: true });
    if (request.begin !== "wait") this.#begin(request.begin);
  }

  hear(frame: Uint8Array): boolean {
    if (this.#state !== "open") return false;
    this.#endpointer.agentIsSpeaking = this.#request.clock.now() < this.#playsUntilMs;
    this.#endpointer.hear(frame);
    return true;
  }

  takeOver(since: readonly ConversationItem[], begin: Begin): void {
    if (this.#state !== "waiting") return;
    this.#state = "open";
    this.#person = personIn([...this.#request.conversation, ...since]);
    this.#begin(begin);
  }

  takeText(text: string): void {
    if (text.trim() !== "") this.#soon(() => this.#answer());
  }

  commitTurn(): void {
    const { heardMs } = this.#endpointer;
    if (this.#request.endpointing !== "manual") return;
    this.#soon(() => {
      this.#turns += 1;
      this.#callerFinished(heardMs);
    });
  }

  interrupt({ turnId, heardMs }: { readonly turnId: string; readonly heardMs: number }): void {
    this.#playsUntilMs = 0;
    const said = this.#said;
    if (this.#state !== "open" || said?.turnId !== turnId) return;
    this.#said = undefined;
    // Whoever speaks over the goodbye wants to stay.
    this.#saidGoodbye = false;
    if (heardMs < said.audioMs / 2 && !said.isRepeat) this.#missed = said.lines;
  }

  answerTool(result: ToolResult): void {
    if (result.name === endTool) return;
    const { name } = this.#person;
    // A tool of an earlier link has come back: its answer is owed, and this is all that we have.
    if (result.name !== humanTool || name !== "asked") return this.#soon(() => this.#answer());
    this.#person = personAfter(result);
    const outcome = this.#person.name;
    this.#soon(() => this.#say([outcome === "coming" ? "transfer" : outcome === "told" ? "callback" : "later"]));
  }

  close(): void {
    this.#end();
  }

  #begin(begin: Begin): void {
    if (begin === "greet") this.#soon(() => this.#explain("greeting"));
    else if (begin !== "listen") this.#soon(() => this.#answer());
  }

  #callerSpoke(uplinkMs: number): void {
    this.#turns += 1;
    this.#tell({ type: "caller.spoke", turnId: `c${this.#turns}`, uplinkMs });
  }

  #callerFinished(uplinkMs: number): void {
    const turnId = `c${this.#turns}`;
    // Nothing is left to say: who still speaks, or what still makes noise, does not keep the call alive.
    if (this.#saidGoodbye) return this.#tell({ type: "caller.dismissed", turnId });
    this.#tell({ type: "caller.finished", turnId, uplinkMs });
    this.#answer();
  }

  #answer(): void {
    const missed = this.#missed;
    this.#missed = undefined;
    if (missed !== undefined) return this.#say(missed, { isRepeat: true });
    const { name } = this.#person;
    if (name === "unasked") return this.#explain("trouble");
    if (this.#tellings >= tellingsLimit[name]) return this.#say(["goodbye"]);
    this.#tellings += 1;
    this.#say([standing[name]]);
  }

  /** What is wrong, and a person is asked for; where the agent cannot ask for one, the caller learns that too. */
  #explain(line: "greeting" | "trouble"): void {
    if (this.#person.name !== "unasked") return this.#say([line]);
    if (!this.#has(humanTool)) {
      this.#person = { name: "out-of-reach" };
      return this.#say(["trouble", "later"]);
    }
    const toolCallId = this.#request.random.id("human_");
    this.#person = { name: "asked", toolCallId };
    this.#say([line], {
      call: { toolCallId, name: humanTool, arguments: JSON.stringify({ reason: "no voice provider could take the call" }) },
    });
  }

  #say(lines: readonly PromptId[], { isRepeat = false, call }: { isRepeat?: boolean; call?: ToolCall } = {}): void {
    this.#replies += 1;
    const turnId = `a${this.#replies}`;
    this.#tell({ type: "agent.began", turnId });
    let audioMs = 0;
    for (const [index, id] of lines.entries()) {
      const line = this.#prompts.line(id, this.#request.agent.language, this.#request.callId);
      this.#tell({ type: "agent.said", turnId, text: index === 0 ? line.text : ` ${line.text}`, audioMs });
      if (this.#state === "open") this.#request.report.audio(line.audio, turnId);
      audioMs += msOf(line.audio.length, audio);
    }
    this.#playsUntilMs = Math.max(this.#request.clock.now(), this.#playsUntilMs) + audioMs;
    this.#said = { turnId, lines, audioMs, isRepeat };
    if (call !== undefined) this.#tell({ type: "tool.called", ...call });
    if (lines.includes("goodbye")) this.#askToEnd();
    this.#tell({ type: "agent.ended", turnId, outcome: "complete" });
  }

  #askToEnd(): void {
    this.#saidGoodbye = true;
    if (this.#has(endTool))
      this.#tell({ type: "tool.called", toolCallId: this.#request.random.id("end_"), name: endTool, arguments: "{}" });
  }

  #has(tool: string): boolean {
    return this.#request.agent.tools.some(({ name }) => name === tool);
  }

  /** Not from within what the session called: it is told things when it has done what it is at. */
  #soon(run: () => void): void {
    queueMicrotask(() => {
      if (this.#state === "open") run();
    });
  }

  #tell(notice: LinkNotice): void {
    if (this.#state === "open") this.#request.report.notice(notice);
  }

  readonly #end = (): void => {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#request.signal.removeEventListener("abort", this.#end);
    this.#onClose(this);
  };
}
