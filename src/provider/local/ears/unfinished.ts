/** Words that a sentence seldom ends with. Left out: those that end short answers ("yes, I do", "I will", "turn it off", "like this"). */
const wantMore = new Set(
  (
    "a an the my your his her its our their and or but so because if when while which who whose than then as " +
    "to of for from with without in on at by into about between until till under near " +
    "i we they i'm it's that's there's i'd i'll we're is are was were can't need want " +
    "um uh er erm uhm hmm mm well like also plus maybe"
  ).split(" "),
);

const digitWords = new Set("zero oh one two three four five six seven eight nine".split(" "));
const repeats = new Map([
  ["double", 1],
  ["triple", 2],
]);
/** How many digits a telephone number shows when it is read in groups and the last group is still to come: 3-3-4, and slips of it. */
const partsOfNumbers = new Set([3, 6, 8, 9]);

/** Whether the caller will surely go on after these words: they end in a function word or amid a telephone number. */
export function seemsUnfinished(text: string): boolean {
  if (text.endsWith("?")) return false;
  const words = text
    .toLowerCase()
    .split(/[\s-]+/)
    .map((word) => word.replace(/^\W+|\W+$/g, ""))
    .filter((word) => word !== "");
  return wantMore.has(words.at(-1) ?? "") || partsOfNumbers.has(digitsAtEnd(words));
}

/** Digits in the last unbroken run of them, as figures or as words read one by one ("seven thirty" is a time, not a run). */
function digitsAtEnd(words: readonly string[]): number {
  let digits = 0;
  for (const word of words.toReversed()) {
    const length = /^\d+$/.test(word) ? word.length : digitWords.has(word) ? 1 : repeats.get(word);
    if (length === undefined) break;
    digits += length;
  }
  return digits;
}
