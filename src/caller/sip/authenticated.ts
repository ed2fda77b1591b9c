import type { Random } from "../../kernel/random.ts";
import { answerChallenge, type Credentials } from "./digest.ts";
import type { Exchange } from "./exchange.ts";
import type { SipRequest, SipResponse } from "./message/message.ts";
import type { Hop } from "./wire/wire.ts";

export interface AuthenticatedEar {
  /** Every answer but a challenge that was met; `request` is the one it answers. */
  response(response: SipResponse, request: SipRequest): void;
  timedOut(): void;
}

/** A challenge with a fresh nonce may be met once more after the first; whoever asks again does not like the password. */
const triesLimit = 2;

/**
 * Sends a request, and again with credentials when it is challenged (RFC 3261 section 22.2).
 * @param build makes the request anew for a sequence number, without Via
 */
export function sendAuthenticated(
  parts: { readonly exchange: Exchange; readonly random: Random; readonly credentials: Credentials | undefined },
  build: (number: number) => SipRequest,
  firstNumber: number,
  hop: Hop,
  ear: AuthenticatedEar,
): void {
  const send = (number: number, authorization: readonly [name: string, value: string] | undefined): void => {
    const request = build(number);
    if (authorization !== undefined) request.headers.add(...authorization);
    parts.exchange.request(request, hop, {
      response: (response) => {
        const met = number - firstNumber < triesLimit ? meet(response, request) : undefined;
        if (met === undefined) ear.response(response, request);
        else send(number + 1, met);
      },
      timedOut: () => ear.timedOut(),
    });
  };
  const meet = (response: SipResponse, request: SipRequest): readonly [string, string] | undefined => {
    if (parts.credentials === undefined || (response.status !== 401 && response.status !== 407)) return undefined;
    const isProxy = response.status === 407;
    const challenges = response.headers.all(isProxy ? "Proxy-Authenticate" : "WWW-Authenticate");
    const value = answerChallenge(challenges, parts.credentials, request, parts.random.id("", 16));
    return value === undefined ? undefined : [isProxy ? "Proxy-Authorization" : "Authorization", value];
  };
  send(firstNumber, undefined);
}
