/** Partials and decodes that come to nothing, beside the one that counts: how much of a call's audio is decoded again. */
const decodesPerAudio = 2.4;
/** More of a child's time than this, and callers wait for each other. */
const usableShare = 0.5;
const callsPerChild = 4;
const mostChildren = 4;

/**
 * Two even on two cores: with 8 callers talking at once one child answers as soon (0.65 s after the last sound at p95), but drops 31 of 117
 * partials instead of 5, and while a lost child is replaced nobody would be heard. They sleep most of the time, so the audio loop keeps
 * its core. A child needs some 0.35 GB: hence an upper end.
 */
export function childrenFor(cores: number): number {
  return cores < 2 ? 1 : Math.min(Math.max(2, cores - 1), mostChildren);
}

/** Calls that can be heard at once, from the processor time that a second of audio takes, ms. One at least: better a slow ear than none. */
export function capacityOf(warmUpMs: number, children: number): number {
  const measured = Math.floor((children * usableShare * 1000) / (warmUpMs * decodesPerAudio));
  return Math.min(Math.max(measured, 1), callsPerChild * children);
}
