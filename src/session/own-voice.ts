import type { Downlink } from "../audio/downlink.ts";
import { msOf } from "../audio/encodings.ts";
import { transcoder } from "../audio/transcode.ts";
import { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import type { ProviderTraits } from "../provider/contract.ts";
import type { Conversation } from "./conversation.ts";
import type { SessionEvent } from "./events.ts";
import type { SessionHouse } from "./session-house.ts";
import type { Told } from "./words.ts";

/** What a provider is told that is not the caller's, and no part of the conversation. */
const silenceNote = "(The caller has said nothing for a while. Ask in one short sentence whether they are still there, and nothing else.)";

/** A call, as far as the house's own words need it. */
interface SpokenCall {
  readonly id: string;
  readonly house: Pick<SessionHouse, "voice" | "prompts">;
  readonly agent: { readonly language: string };
  readonly log: Log;
  readonly conversation: Conversation;
  readonly downlink: Downlink;
  readonly board: { takeText(text: string): void };
  /** Of the provider that has the call; undefined: none has. */
  readonly traits: ProviderTraits | undefined;
  readonly isOver: boolean;
  nextTurnId(): string;
  stopAgent(): void;
  caption(turnId: string, role: "agent", final: boolean): void;
  send(event: SessionEvent): void;
  tell(event: Told): void;
}

/** What the house itself says to a caller, in place of a provider: fixed lines, and an operator's words in a voice of its own. */
export class OwnVoice {
  readonly #call: SpokenCall;
  /** A fixed line that is about to be heard in place of an answer. */
  #stoodInFor: string | undefined;

  constructor(call: SpokenCall) {
    this.#call = call;
  }

  /** Whether this turn is the fixed line that stands in for an answer. */
  standsInAs(turnId: string): boolean {
    return this.#stoodInFor === turnId;
  }

  /**
   * Speaks words that are not the provider's, and cuts the agent for them.
   * @throws {Fault} call-unable
   */
  say(text: string): void {
    const call = this.#call;
    const { voice } = call.house;
    if (voice === undefined) throw new Fault("call-unable", "this server has no voice of its own");
    call.stopAgent();
    const turnId = this.#open(text);
    voice.say(text, call.agent.language).then(
      (speech) => this.#speak(turnId, speech),
      (error: unknown) => {
        call.log.error("say_failed", { err: error });
        call.conversation.withdraw(turnId);
      },
    );
  }

  /** No provider has answered a caller in need: a fixed line does. An answer that comes after all follows it. */
  sayInNeed(): void {
    const turnId = this.#call.nextTurnId();
    this.#stoodInFor = turnId;
    this.#sayLine("crisis", turnId);
  }

  /** Asks the caller whether they are there: a provider that takes notes does it in its own words, else a fixed line does. */
  reprompt(count: number): void {
    const { board, traits } = this.#call;
    // What runs offline follows a script, and would take the note for the caller's words.
    const byAgent = traits !== undefined && traits.text && !traits.stopgap && !traits.offline;
    this.#call.tell({ type: "caller.reprompted", count, by: byAgent ? "agent" : "prompt" });
    if (byAgent) board.takeText(silenceNote);
    else this.#sayLine("still-there");
  }

  sayGoodbye(): void {
    this.#sayLine("goodbye");
  }

  leaveMessage(text: string): void {
    try {
      this.say(text);
    } catch (error) {
      this.#call.log.warning("message_not_left", { err: error });
      this.#call.send({ type: "operator.hungUp" });
    }
  }

  #sayLine(id: "crisis" | "still-there" | "goodbye", turnId = this.#call.nextTurnId()): void {
    const { text, audio } = this.#call.house.prompts.line(id, this.#call.agent.language, this.#call.id);
    this.#open(text, turnId);
    this.#speak(turnId, audio);
  }

  #open(text: string, turnId = this.#call.nextTurnId()): string {
    const { conversation } = this.#call;
    conversation.openAgentTurn(turnId);
    conversation.say(turnId, text, 0);
    return turnId;
  }

  #speak(turnId: string, speech: Uint8Array): void {
    const call = this.#call;
    if (call.isOver) return;
    const { conversation, downlink } = call;
    const audio = transcoder("pcm16@16000", downlink.encoding).push(speech);
    conversation.addAudio(turnId, msOf(audio.length, downlink.encoding));
    conversation.audioEnded(turnId);
    call.caption(turnId, "agent", false);
    downlink.write(audio, turnId);
    downlink.endTurn(turnId);
  }
}
