import type { ConversationItem } from "../provider/contract.ts";

/** A piece of what the agent said and where in the turn's audio it begins; undefined: the provider did not say. */
interface Saying {
  readonly text: string;
  readonly audioMs: number | undefined;
}

/** Quick speech; slower speech only makes a cut more careful. */
const letterMs = 55;

export interface CallerTurn {
  readonly type: "caller";
  readonly id: string;
  readonly startMs: number;
  endMs: number | undefined;
  text: string;
  state: "open" | "committed" | "settled";
}

export interface AgentTurn {
  readonly type: "agent";
  readonly id: string;
  /** The how manieth agent turn it is, from 1. */
  readonly number: number;
  startMs: number | undefined;
  endMs: number | undefined;
  readonly sayings: Saying[];
  characters: number;
  /** Audio received so far, ms. */
  audioMs: number;
  audio: "coming" | "whole";
  heard:
    | { readonly state: "playing" }
    | { readonly state: "whole" }
    | { readonly state: "cut"; readonly ms: number; readonly by: "caller" | "fault" };
}

interface ToolTurn {
  readonly type: "tool";
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  /** `answers`: how many agent turns had begun when it came; a later one has heard of it. */
  result: { readonly output: string; readonly answers: number } | undefined;
}

export type Turn = CallerTurn | AgentTurn | ToolTurn;

/** One turn as a record tells it. Times are ms since the call began. */
export interface TurnRecord {
  readonly role: "caller" | "agent";
  readonly turnId: string;
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  /** How much of an agent turn was heard; undefined for caller turns. */
  readonly heardMs: number | undefined;
  /** Cut to what was heard. */
  readonly interrupted: boolean;
}

/** A call keeps so many turns, the newest: about a day of talk. A new link is told no more than these. */
const mostTurns = 2_000;
/** So many characters of one turn are kept; a provider that says more has run away. */
const longestText = 20_000;
/** Something may yet be learnt of the newest turns: late words, how much was heard. */
const unsealedTurns = 16;

/** The turns as another node needs them. */
export interface LeftTurns {
  readonly turns: readonly Turn[];
  /** So many at the beginning are long over. They stand for good: whoever has written them down need not do so again. */
  readonly sealed: number;
  /** So many were before the first, and are forgotten. */
  readonly before: number;
}

/** What was said, provider-neutral, in order of beginning. Agent turns count as far as they were heard. */
export class Conversation {
  readonly #turns: Turn[] = [];
  #agentTurns = 0;
  #sealed = 0;
  #before = 0;

  /**
   * What another node needs to go on: as if the link died now and nobody knew how its tools came out.
   * @param known turns that are not settled yet, and whose words would stand
   */
  left(known: readonly string[]): LeftTurns {
    this.#seal();
    const sealed = this.#turns.slice(0, this.#sealed);
    return { turns: [...sealed, ...this.#newestLeft(known)], sealed: sealed.length, before: this.#before };
  }

  #seal(): void {
    for (; this.#sealed < this.#turns.length - unsealedTurns; this.#sealed += 1) {
      const turn = this.#turns[this.#sealed];
      if (turn === undefined || isOpen(turn)) return;
    }
  }

  #newestLeft(known: readonly string[]): readonly Turn[] {
    const newest = this.#turns.slice(this.#sealed);
    const isKept = (turn: CallerTurn): boolean => turn.state === "settled" || known.includes(turn.id);
    const isReplayed = newest.some((turn) => turn.type === "caller" && !isKept(turn));
    return newest.flatMap((turn): Turn[] => {
      // What is not kept will be heard again as audio.
      if (turn.type === "caller") return isKept(turn) ? [{ ...turn, state: "settled" }] : [];
      if (turn.type === "tool") {
        return [{ ...turn, result: turn.result ?? { output: "It is not known whether this was done.", answers: this.#agentTurns } }];
      }
      const copy: AgentTurn = { ...turn, sayings: [...turn.sayings] };
      if (turn.audio === "whole" || turn.heard.state !== "playing") return [copy];
      if (turn.audioMs === 0) return [];
      return [{ ...copy, heard: { state: "cut", ms: turn.audioMs, by: isReplayed ? "caller" : "fault" } }];
    });
  }

  /** Goes on from what `left` told. */
  restore(turns: readonly Turn[]): void {
    for (const turn of turns) this.#add(turn);
    this.#agentTurns = turns.reduce((most, turn) => (turn.type === "agent" ? Math.max(most, turn.number) : most), 0);
  }

  openCallerTurn(id: string, startMs: number): void {
    this.#add({ type: "caller", id, startMs, endMs: undefined, text: "", state: "open" });
  }

  /** The turn's words so far replace those before. */
  hear(id: string, text: string): void {
    this.#caller(id).text = text.slice(0, longestText);
  }

  commit(id: string, endMs: number): void {
    const turn = this.#caller(id);
    turn.endMs = endMs;
    turn.state = "committed";
  }

  reopen(id: string): void {
    this.#caller(id).state = "open";
  }

  settle(id: string): void {
    this.#caller(id).state = "settled";
  }

  /** It was no speech after all, or will be heard again by the next link. */
  withdraw(id: string): void {
    const at = this.#turns.findLastIndex((turn) => turn.id === id);
    if (at >= this.#sealed) this.#turns.splice(at, 1);
  }

  /** How much audio there is of the turn is written where this tells. */
  openAgentTurn(id: string): { audioMs: number } {
    this.#agentTurns += 1;
    const turn: AgentTurn = {
      type: "agent",
      id,
      number: this.#agentTurns,
      startMs: undefined,
      endMs: undefined,
      sayings: [],
      characters: 0,
      audioMs: 0,
      audio: "coming",
      heard: { state: "playing" },
    };
    this.#add(turn);
    return turn;
  }

  agentBegan(id: string, atMs: number): void {
    this.#agent(id).startMs ??= atMs;
  }

  say(id: string, text: string, audioMs: number | undefined): void {
    const turn = this.#agent(id);
    const room = longestText - turn.characters;
    if (room <= 0) return;
    turn.sayings.push({ text: text.slice(0, room), audioMs });
    turn.characters += text.length;
  }

  addAudio(id: string, ms: number): void {
    this.#agent(id).audioMs += ms;
  }

  /** No more audio comes for the turn. */
  audioEnded(id: string): void {
    this.#agent(id).audio = "whole";
  }

  heardWhole(id: string, atMs: number): void {
    const turn = this.#agent(id);
    if (turn.heard.state === "playing") turn.heard = { state: "whole" };
    turn.endMs = atMs;
    if (turn.heard.state === "whole") joinSayings(turn);
  }

  /** Only so much of the turn was heard. A later, better figure may replace an earlier one. */
  cut(id: string, ms: number, by: "caller" | "fault", atMs: number): void {
    const turn = this.#agent(id);
    turn.heard = { state: "cut", ms, by };
    turn.endMs ??= atMs;
  }

  /** The link ended the turn: what came of it will be heard. `by` a fault the rest is owed; by the caller, who is about to be answered anew, it is not. */
  breakOff(id: string, by: "fault" | "caller"): void {
    const turn = this.#agent(id);
    turn.heard = { state: "cut", ms: turn.audioMs, by };
  }

  /** The words of a turn as they count: an agent turn that was cut ends where the caller stopped hearing it. */
  textOf(id: string): string {
    const turn = this.#turns.findLast((each) => each.id === id);
    return turn === undefined || turn.type === "tool" ? "" : textIn(turn);
  }

  callTool(id: string, name: string, args: string): void {
    this.#add({ type: "tool", id, name, arguments: args, result: undefined });
  }

  toolAnswered(id: string, output: string): void {
    const turn = this.#turns.findLast((each) => each.id === id);
    if (turn?.type === "tool") turn.result = { output, answers: this.#agentTurns };
  }

  /** What a new link is told: every turn that has words, in order. */
  items(): readonly ConversationItem[] {
    const items: ConversationItem[] = [];
    for (const turn of this.#turns) {
      if (turn.type === "tool")
        items.push({ type: "tool", id: turn.id, name: turn.name, arguments: turn.arguments, output: turn.result?.output });
      else if (turn.type === "caller" && turn.state === "settled" && turn.text !== "")
        items.push({ type: "caller", id: turn.id, text: turn.text });
      else if (turn.type === "agent") {
        const text = heardText(turn);
        if (text !== "") items.push({ type: "agent", id: turn.id, text, interrupted: turn.heard.state === "cut" });
      }
    }
    return items;
  }

  /** The beginning of the conversation that nothing can change any more. */
  settledItems(): readonly ConversationItem[] {
    const open = this.#turns.findIndex(isOpen);
    const unsettled = new Set(open < 0 ? [] : this.#turns.slice(open).map(({ id }) => id));
    return this.items().filter(({ id }) => !unsettled.has(id));
  }

  /**
   * What is owed at the end of the conversation: an answer to the caller or to a tool's result, the rest of a turn that a fault cut, or
   * nothing, also while a tool runs: its result will ask for the answer.
   */
  owed(): "greeting" | "answer" | "rest" | "nothing" {
    const last = this.#turns.findLast(counts);
    if (last === undefined) return "greeting";
    const sinceCaller = this.#turns.slice(this.#turns.findLastIndex((turn) => turn.type === "caller") + 1);
    const tools = sinceCaller.flatMap((turn) => (turn.type === "tool" ? [turn.result?.answers] : []));
    if (tools.includes(undefined)) return "nothing";
    if (tools.some((answers = 0) => !sinceCaller.some((turn) => turn.type === "agent" && turn.number > answers && counts(turn))))
      return "answer";
    if (last.type === "agent") return last.heard.state === "cut" && last.heard.by === "fault" ? "rest" : "nothing";
    return last.type === "caller" && last.state === "settled" ? "answer" : "nothing";
  }

  records(nowMs: number): readonly TurnRecord[] {
    const records: TurnRecord[] = [];
    for (const turn of this.#turns) {
      if (turn.type === "tool") continue;
      const startMs = turn.startMs ?? nowMs;
      const heardMs = turn.type === "caller" ? undefined : turn.heard.state === "cut" ? turn.heard.ms : turn.audioMs;
      const interrupted = turn.type === "agent" && turn.heard.state === "cut";
      records.push({
        role: turn.type,
        turnId: turn.id,
        text: textIn(turn),
        startMs,
        endMs: turn.endMs ?? nowMs,
        heardMs,
        interrupted,
      });
    }
    return records;
  }

  #add(turn: Turn): void {
    this.#turns.push(turn);
    if (this.#turns.length <= mostTurns) return;
    this.#turns.shift();
    this.#before += 1;
    this.#sealed = Math.max(0, this.#sealed - 1);
  }

  #caller(id: string): CallerTurn {
    const turn = this.#turns.findLast((each) => each.id === id);
    if (turn?.type !== "caller") throw new Error(`no caller turn ${id}`);
    return turn;
  }

  #agent(id: string): AgentTurn {
    // Asked with every frame, and almost always of the last.
    const last = this.#turns.at(-1);
    const turn = last?.id === id ? last : this.#turns.findLast((each) => each.id === id);
    if (turn?.type !== "agent") throw new Error(`no agent turn ${id}`);
    return turn;
  }
}

/** An agent turn that has neither words nor an end is none yet. */
const counts = (turn: Turn): boolean => turn.type !== "agent" || turn.heard.state !== "playing" || heardText(turn) !== "";

function isOpen(turn: Turn): boolean {
  if (turn.type === "tool") return turn.result === undefined;
  return turn.type === "caller" ? turn.state !== "settled" : turn.heard.state === "playing";
}

/** Of a turn that was heard whole nobody asks any more where in its audio each word was. */
function joinSayings({ sayings }: AgentTurn): void {
  const [first] = sayings;
  if (first === undefined || sayings.length === 1) return;
  sayings.splice(0, sayings.length, { text: sayings.map(({ text }) => text).join(""), audioMs: first.audioMs });
}

const textIn = (turn: CallerTurn | AgentTurn): string => (turn.type === "caller" ? turn.text : heardText(turn));

function heardText(turn: AgentTurn): string {
  const whole = turn.sayings.map((saying) => saying.text).join("");
  return turn.heard.state === "cut" ? textUpTo(turn, turn.heard.ms) : whole.trim();
}

/** Words that were begun count as heard; where the provider tells no positions, words spread evenly over the audio. */
function textUpTo(turn: AgentTurn, heardMs: number): string {
  let heard = "";
  for (const [index, saying] of turn.sayings.entries()) {
    const fromMs = saying.audioMs ?? spreadMs(turn, index);
    const untilMs = turn.sayings[index + 1]?.audioMs ?? spreadMs(turn, index + 1);
    if (heardMs >= untilMs) heard += saying.text;
    else if (heardMs > fromMs) return (heard + wordsUpTo(saying.text, (heardMs - fromMs) / (untilMs - fromMs))).trim();
    else break;
  }
  return heard.trim();
}

/** Where saying `index` begins if all characters took the same time; with known positions after it only the end is spread. */
function spreadMs(turn: AgentTurn, index: number): number {
  const lengths = turn.sayings.map((saying) => saying.text.length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const before = lengths.slice(0, index).reduce((sum, length) => sum + length, 0);
  return total === 0 ? 0 : (durationMs(turn, total) * before) / total;
}

/** Words may run ahead of the audio: until all of it has come, a turn is taken to last as long as its words take to say. */
const durationMs = (turn: AgentTurn, letters: number): number =>
  turn.audio === "whole" ? turn.audioMs : Math.max(turn.audioMs, letters * letterMs);

function wordsUpTo(text: string, share: number): string {
  const reached = Math.floor(text.length * share);
  if (reached === 0) return "";
  const end = text.slice(reached - 1).search(/\s/);
  return end < 0 ? text : text.slice(0, reached - 1 + end);
}
