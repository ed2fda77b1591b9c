const bare = (word: string): string => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/** What `text` adds to `before`, word by word; all of it when it is not the same turn gone on. */
export function wordsAfter(before: string, text: string): string {
  const known = before.split(/\s+/).filter((word) => bare(word) !== "");
  const words = text.split(/\s+/).filter((word) => bare(word) !== "");
  const isSame = known.every((word, index) => bare(word) === bare(words[index] ?? ""));
  return isSame ? words.slice(known.length).join(" ") : text;
}

/** Each part of `parts` as it comes, none after an abort. @throws {DOMException} AbortError; {Error} when a part takes longer than `limit` allows */
export async function* untilAborted<Part>(
  parts: AsyncIterable<Part>,
  signal: AbortSignal,
  limit: (miss: () => void) => () => void,
): AsyncGenerator<Part> {
  const iterator = parts[Symbol.asyncIterator]();
  const stopped = Promise.withResolvers<never>();
  // Nobody may be waiting when the abort comes.
  stopped.promise.catch(() => {});
  const stop = (): void => stopped.reject(new DOMException("no longer wanted", "AbortError"));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    for (;;) {
      const disarm = limit(() => stopped.reject(new Error("no further part in time")));
      const next = await Promise.race([iterator.next(), stopped.promise]).finally(disarm);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    // Not waited for: a thought that hangs would hold everything up. What it still throws is of no interest.
    iterator.return?.().catch(() => {});
  }
}
