/** Who is at the other end of a request, as far as it can be known before it is answered. */
export interface Peer {
  readonly address: string;
  /** On this machine, and not speaking for somebody else. */
  readonly local: boolean;
  /** Came with a good key. */
  readonly hasKey: boolean;
  /** The page it comes from, as its browser told it. */
  readonly origin: string | undefined;
  /** A caller token in the list of WebSocket sub-protocols, where a page can put one: "token.…". */
  readonly token: string | undefined;
}
