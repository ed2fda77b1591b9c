const shortestBlock = 4;
const longestBlock = 24;
const tokensPerSecondOfSpeech = 5;

/**
 * The tokens up to the first copy of a block that the model has begun to repeat, or `tokens` itself. People do say things twice: a block
 * that came twice is a loop only when more tokens came than can be said in `seconds`, one that came three times is one always.
 */
export function withoutLoop(tokens: number[], seconds: number): number[] {
  for (let block = shortestBlock; block <= longestBlock && 2 * block <= tokens.length; block += 1) {
    const copies = copiesAtEnd(tokens, block);
    if (copies >= 3 || (copies === 2 && tokens.length > seconds * tokensPerSecondOfSpeech))
      return tokens.slice(0, tokens.length - (copies - 1) * block);
  }
  return tokens;
}

/** How often in a row the last `block` tokens stand at the end. */
function copiesAtEnd(tokens: readonly number[], block: number): number {
  let same = 0;
  while (same + block < tokens.length && tokens[tokens.length - 1 - same] === tokens[tokens.length - 1 - same - block]) same += 1;
  return 1 + Math.floor(same / block);
}
