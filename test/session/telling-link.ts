import type { Begin, ConversationItem, Link, OpenRequest, ToolResult } from "../../src/provider/contract.ts";
import { joined } from "../../src/provider/since.ts";
import { msOf } from "../../src/audio/encodings.ts";
import { PuppetLink, type PuppetProvider } from "./house.ts";

/** What a link does of itself; each is told the link. */
interface Habits {
  readonly opened?: (link: TellingLink) => void;
  /** It has the call, and does what it was told to begin with. */
  readonly begins?: (link: TellingLink, begin: Begin) => void;
  readonly getsResult?: (link: TellingLink, result: ToolResult) => void;
}

/** A puppet that remembers what it was told of the conversation, and of audio only how much. */
export class TellingLink extends PuppetLink {
  since: readonly ConversationItem[] = [];
  /** How it was called to work; undefined while it waits. */
  began: Begin | undefined;
  readonly #habits: Habits;
  #heardBytes = 0;

  constructor(request: OpenRequest, habits: Habits) {
    super(request);
    this.#habits = habits;
    if (request.begin !== "wait") this.#begin(request.begin);
  }

  override hear(frame: Uint8Array): boolean {
    this.#heardBytes += frame.length;
    return true;
  }
  override get heardMs(): number {
    return msOf(this.#heardBytes, this.request.uplink);
  }
  override takeOver(since: readonly ConversationItem[], begin: Begin): void {
    super.takeOver(since, begin);
    this.since = since;
    this.#begin(begin);
  }
  override answerTool(result: ToolResult): void {
    super.answerTool(result);
    this.#habits.getsResult?.(this, result);
  }

  /** All that it knows of the conversation. */
  get knows(): readonly ConversationItem[] {
    return joined(this.request.conversation, this.since);
  }

  get isClosed(): boolean {
    return this.told.includes("close");
  }

  #begin(begin: Begin): void {
    this.began = begin;
    this.#habits.begins?.(this, begin);
  }
}

/** From now on the provider opens such links; they are all in the list that is given back, in order. */
export function openTelling(provider: PuppetProvider, habits: Habits = {}): readonly TellingLink[] {
  const links: TellingLink[] = [];
  provider.open = async (request): Promise<Link> => {
    if (provider.openMs > 0) await new Promise<void>((resolve) => request.clock.setTimeout(resolve, provider.openMs));
    if (provider.refusal !== undefined) throw provider.refusal;
    const link = new TellingLink(request, habits);
    links.push(link);
    provider.links.push(link);
    habits.opened?.(link);
    return link;
  };
  return links;
}
