/** What the caller wants said back: the words after "repeat after me" and its kin. */
export function readEcho(text: string): string | undefined {
  const match =
    /\b(?:\w+ after me|repeat these words|repeat the words|repeat this|repeat the following|say exactly|say back)\b[\s,:.;-]*(?:that\b|the number\b|these words\b)?[\s,:.;-]*(.*)$/is.exec(
      text,
    );
  const words = match?.[1]?.trim();
  return words === undefined || words === "" ? undefined : words;
}
