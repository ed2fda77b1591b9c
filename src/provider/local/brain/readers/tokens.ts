/** A word or a number of a text, lower case, with its place. */
export interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Punctuation follows: the speaker (or the recogniser) paused here. */
  readonly pause: boolean;
}

const piece = /\d+(?:st|nd|rd|th)\b|\d+(?:[.:]\d+)*|\p{L}+(?:['’]\p{L}+)*/giu;

/** Words and numbers of a text in order; "twenty-three" is two words, "7:30" and "3.5" are one. */
export function tokens(text: string): Token[] {
  return Array.from(text.matchAll(piece), (match) => {
    const end = match.index + match[0].length;
    return {
      text: match[0].toLowerCase().replaceAll("’", "'"),
      start: match.index,
      end,
      pause: /^\s*[,.;:!?]/.test(text.slice(end)),
    };
  });
}
