import { seededRandom } from "../../../src/kernel/random.ts";

let calls = 0;

export interface RequestParts {
  readonly uri?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
  /** Instead of the usual line of that name. */
  readonly via?: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: string;
}

/** A request as a plain client writes it, ready for the wire. */
export function requestText(method: string, parts: RequestParts = {}): string {
  calls += 1;
  const { uri = "sip:linekeeper@127.0.0.1", headers = [], body = "" } = parts;
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: ${parts.via ?? `SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bKtest${process.pid}x${calls};rport`}`,
    "Max-Forwards: 70",
    `From: ${parts.from ?? "<sip:caller@127.0.0.1>;tag=caller"}`,
    `To: ${parts.to ?? "<sip:linekeeper@127.0.0.1>"}`,
    `Call-ID: ${parts.callId ?? `call${calls}@test`}`,
    `CSeq: ${parts.cseq ?? `1 ${method}`}`,
    ...headers,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "",
    body,
  ].join("\r\n");
}

/** Whole numbers below a bound, the same for the same seed. */
export function option(seed: number): (below: number) => number {
  const random = seededRandom(seed);
  return (below) => Math.floor(random.next() * below);
}
