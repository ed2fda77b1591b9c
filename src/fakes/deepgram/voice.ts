import { bytesOf, type Encoding } from "../../audio/encodings.ts";
import type { ScriptedReply } from "../panel.ts";
import { babble } from "../voice.ts";

const letters = (text: string): string => text.replace(/\s+/g, "");

/**
 * The sound of one text. What belongs to a scripted reply is the part of its sound that belongs to these words, so that its parts make
 * up the whole to the sample; `fromMs` is where in the reply it begins.
 */
function spokenAudio(
  text: string,
  reply: ScriptedReply | undefined,
  spokenLetters: number,
  encoding: Encoding,
): { audio: Uint8Array; fromMs: number; isScripted: boolean } {
  const [whole, part] = [letters(reply?.text ?? ""), letters(text)];
  if (reply === undefined || part === "" || !whole.startsWith(part, spokenLetters))
    return { audio: babble(text, encoding), fromMs: 0, isScripted: false };
  if (reply.ms === undefined) return { audio: babble(text, encoding), fromMs: 0, isScripted: true };
  const sound = babble(reply.text, encoding, reply.ms);
  const at = (count: number): number => Math.min(sound.length, bytesOf(((reply.ms ?? 0) * count) / whole.length, encoding));
  const fromMs = (reply.ms * spokenLetters) / whole.length;
  return { audio: sound.subarray(at(spokenLetters), at(spokenLetters + part.length)), fromMs, isScripted: true };
}

/** Follows one reply through the texts that it is spoken in. */
export class Script {
  #reply: ScriptedReply | undefined;
  #spokenLetters = 0;

  next(
    text: string,
    reply: ScriptedReply | undefined,
    encoding: Encoding,
  ): { audio: Uint8Array; fromMs: number; reply: ScriptedReply | undefined } {
    if (reply !== this.#reply) [this.#reply, this.#spokenLetters] = [reply, 0];
    const { audio, fromMs, isScripted } = spokenAudio(text, reply, this.#spokenLetters, encoding);
    if (isScripted) this.#spokenLetters += letters(text).length;
    return { audio, fromMs, reply: isScripted ? reply : undefined };
  }
}
