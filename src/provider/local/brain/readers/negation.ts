/** Whether what stands at `start` is ruled out by the words before it: "not Friday", "no longer at seven". */
export function isDenied(text: string, start: number): boolean {
  return /\b(?:not|isn't|wasn't|instead of|rather than)(?:\s+(?:on|at|for|the|it's|a|in|from))*\s*$/i.test(text.slice(0, start));
}
