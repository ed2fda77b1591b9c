/** What a scripted child can be asked to do. */
export const act = {
  answer: 0,
  hang: 1,
  hangOnce: 2,
  dieOnce: 3,
  failOnce: 4,
  holdUntilCancelled: 5,
} as const;
