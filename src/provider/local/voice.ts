import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import { modelFile } from "./models.ts";
import { createMouth, type FliteMouth } from "./mouth/mouth.ts";

export interface VoiceParts {
  readonly voice: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const sentences = new Intl.Segmenter("en", { granularity: "sentence" });

/** The house's own voice, for what an operator or a rule has to say in any call; made when it is first used. English. */
export class HouseVoice {
  readonly #parts: VoiceParts;
  #mouth: Promise<FliteMouth> | undefined;

  constructor(parts: VoiceParts) {
    this.#parts = parts;
  }

  /**
   * The words as pcm16@16000.
   * @throws {Fault} model-missing, or what the voice met
   */
  async say(text: string): Promise<Uint8Array> {
    const mouth = await (this.#mouth ??= this.#make());
    const pieces: Uint8Array[] = [];
    for (const { segment } of sentences.segment(text)) {
      if (segment.trim() !== "") pieces.push(await mouth.speak(segment.trim(), this.#parts.voice, new AbortController().signal));
    }
    return new Uint8Array(Buffer.concat(pieces));
  }

  async close(): Promise<void> {
    const mouth = await this.#mouth?.catch(() => undefined);
    await mouth?.close();
  }

  async #make(): Promise<FliteMouth> {
    try {
      return await createMouth({ modelPath: await modelFile("flite"), ...this.#parts });
    } catch (error) {
      // The next who asks may find the model in its place.
      this.#mouth = undefined;
      throw error;
    }
  }
}
