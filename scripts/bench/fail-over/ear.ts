import type { Caller } from "../../caller/caller.ts";

/** When anything was first heard, ms since the call was placed. */
export async function firstSound(caller: Caller): Promise<number> {
  // Sound says nothing when it comes, but words come with it.
  while (caller.playback.turns[0] === undefined) await caller.until(() => true);
  return caller.playback.turns[0].startMs;
}

/** When an agent turn that begins with, or is so far the beginning of, `words` was first heard, ms since the call was placed. */
export async function firstSoundOf(caller: Caller, words: string): Promise<number> {
  const found = (): number | undefined => {
    const turn = caller.turns.find(({ role, text }) => role === "agent" && text !== "" && words.startsWith(text.trim()));
    return turn && caller.playback.turns.find(({ turnId }) => turnId === turn.turnId)?.startMs;
  };
  while (found() === undefined) await caller.until(() => true);
  return found() ?? Number.NaN;
}
