/** A call that we place. */
export interface CallOrder {
  /** E.164, such as "+15550100", or a SIP URI. */
  readonly to: string;
  /** The number that the called person sees; undefined: the configured one. */
  readonly from: string | undefined;
  readonly agent: string | undefined;
  readonly language: string | undefined;
  /** What is done when a machine answers: nothing (it is not even asked for), or the call is ended, or a message left; undefined: as the agent says. */
  readonly machine: "ignore" | "hang-up" | "leave-message" | undefined;
  /** How long the telephone may ring, s. */
  readonly ringLimitS: number;
}

export interface PlacedCall {
  readonly carrier: string;
  /** The carrier's id: the call has no id of ours until it is answered. */
  readonly carrierCallId: string;
}

/** Who can place calls. */
export interface Dialler {
  readonly carrier: string;
  /** Resolves when the carrier has taken the order; the telephone does not ring yet. @throws {Fault} call-unable in words for the operator */
  place(order: CallOrder): Promise<PlacedCall>;
}
