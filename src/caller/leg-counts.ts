/** What happened at the callers' sockets, summed up over all of them. */
export interface LegCounts {
  /** Agent audio that was not sent because the peer reads too slowly. */
  droppedFrames: number;
  malformedMessages: number;
  ignoredMessages: number;
  /** Silence put in where the caller's media clock had gaps. */
  filledGapMs: number;
  floods: number;
  slowReaders: number;
  silentPeers: number;
  /** Peers whose socket lived and who sent neither audio nor anything else a caller does. */
  muteLegs: number;
}

export const newLegCounts = (): LegCounts => ({
  droppedFrames: 0,
  malformedMessages: 0,
  ignoredMessages: 0,
  filledGapMs: 0,
  floods: 0,
  slowReaders: 0,
  silentPeers: 0,
  muteLegs: 0,
});
