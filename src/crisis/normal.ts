/** Digits and signs that stand for letters in words that are to be hidden. */
const lookalikes: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  $: "s",
  "!": "i",
};

/**
 * Text as the phrases are written: lower case, plain letters, words with one space between, sentences ended by " . ".
 * Undone are accents, stretched letters ("diiie"), letters set apart ("k i l l", "k.i.l.l") and digits within words ("k1ll").
 * @param apostrophe what takes its place: nothing ("don't" is "dont"), or a space ("d'en finir" is "d en finir")
 */
export function normal(text: string, apostrophe: "" | " "): string {
  const plain = text
    .slice(0, longestText)
    .toLowerCase()
    .replaceAll("ß", "ss")
    .normalize("NFKD")
    .replace(/[\p{M}\u00ad\u200b-\u200f\u2060\ufeff]/gu, "")
    .replace(/[’‘`´'ʼ]/gu, apostrophe)
    .replace(/(?<=[a-z])[0134570@$!](?=[0134570@$!]*[a-z])|(?<![a-z0-9])[1457@$](?=[a-z]{2})/gu, (sign) => lookalikes[sign] ?? sign)
    .replace(/(\p{L})\1{2,}/gu, "$1")
    .replace(/\b(?:[a-z][ .*_-]+){2,}[a-z]\b\.?/gu, joinedLetters)
    .replace(/[.!?;:,\n]+/gu, " . ")
    .replace(/[^\p{L}\p{N}.]+/gu, " ");
  return ` ${plain.replace(/ +/g, " ").trim()} `;
}

/** Nobody says more in one turn; what is longer is cut, so that the time it takes is bounded. */
const longestText = 8_000;

/** Letters set apart are a word only where they outnumber those that stand alone anyway ("a", "i", "y", "o"). */
function joinedLetters(run: string): string {
  const letters = run.split(/[ .*_-]+/).filter((letter) => letter !== "");
  return letters.length >= 4 ? letters.join("") : run;
}
