import type { CallSnapshot } from "../../src/session/snapshot.ts";

const copied = (pieces: readonly Uint8Array[]): Uint8Array[] => pieces.map((piece) => new Uint8Array(piece));

/** As a store has it that keeps snapshots in memory: nothing of the call that was kept changes it. */
export const copyOf = ({ unsettled, unheard, ...rest }: CallSnapshot): CallSnapshot => ({
  ...structuredClone(rest),
  unsettled: copied(unsettled),
  unheard: unheard.map(({ audio, ...turn }) => ({ ...turn, audio: copied(audio) })),
});
