const opening = "<think>";
const closing = "</think>";

/** Takes out what a reasoning model writes between `<think>` and `</think>` before its answer; nobody is to hear it. */
export class ThoughtFilter {
  #state: "unsure" | "thinking" | "speaking" = "unsure";
  #held = "";

  /** What may be spoken of the text so far. */
  push(text: string): string {
    if (this.#state === "speaking") return text;
    this.#held += text;
    if (this.#state === "unsure") {
      const start = this.#held.trimStart();
      if (start.length < opening.length && opening.startsWith(start)) return "";
      if (!start.startsWith(opening)) return this.#speak(this.#held);
      this.#state = "thinking";
      this.#held = start.slice(opening.length);
    }
    const end = this.#held.indexOf(closing);
    if (end >= 0) return this.#speak(this.#held.slice(end + closing.length));
    // Only so much is needed to know the end when it comes.
    this.#held = this.#held.slice(-(closing.length - 1));
    return "";
  }

  /** The stream is over: what was held because it might have begun a thought. */
  flush(): string {
    return this.#state === "unsure" ? this.#speak(this.#held) : "";
  }

  #speak(text: string): string {
    this.#state = "speaking";
    this.#held = "";
    return text;
  }
}
