import type { Speech } from "../../../src/caller/sip/consultation.ts";
import { SipEndpoint, type SipOptions } from "../../../src/caller/sip/endpoint.ts";
import type { LineQuality } from "../../../src/caller/sip/rtp/media.ts";
import { systemClock, type Clock } from "../../../src/kernel/clock.ts";
import { silentLog, type Log } from "../../../src/kernel/log.ts";
import { seededRandom } from "../../../src/kernel/random.ts";
import { BookedReception } from "../reception.ts";

export interface SipHouse extends AsyncDisposable {
  readonly endpoint: SipEndpoint;
  readonly reception: BookedReception;
  readonly port: number;
  /** What was told of lines that were given up. */
  readonly qualities: LineQuality[];
  /** Who was told of as no peer, or as one with a wrong password. */
  readonly unproven: readonly (readonly [lacking: string, address: string])[];
}

const sipDefaults: SipOptions = {
  host: "127.0.0.1",
  port: 0,
  publicHost: undefined,
  tls: undefined,
  rtpPorts: { first: 40_000, last: 49_999 },
  peers: ["127.0.0.0/8", "::1"],
  credentials: undefined,
  codecs: ["PCMU", "PCMA", "G722", "opus"],
  trunk: undefined,
  agentOf: () => undefined,
  answerLimitMs: 4_000,
};

/** An endpoint on free ports whose callers are answered at once and, with `echo`, hear themselves. */
export async function openSipHouse(
  options: Partial<SipOptions> = {},
  parts: { echo?: boolean; log?: Log; answersAfterMs?: number; clock?: Clock; speech?: Speech } = {},
): Promise<SipHouse> {
  const { clock = systemClock } = parts;
  const reception = new BookedReception();
  const qualities: LineQuality[] = [];
  const receive = reception.receive.bind(reception);
  reception.receive = (leg, start) => {
    const listener = receive(leg, start);
    // As a session does it: ready a moment after the caller was taken in.
    clock.setTimeout(() => leg.notify({ type: "phase", phase: "listening" }), parts.answersAfterMs ?? 0);
    if (parts.echo !== true) return listener;
    return {
      audio: (frame) => {
        listener.audio(frame);
        leg.play(frame);
      },
      signal: (signal) => listener.signal(signal),
    };
  };
  const unproven: (readonly [lacking: string, address: string])[] = [];
  const endpoint = new SipEndpoint(
    { ...sipDefaults, ...options },
    {
      reception,
      refusal: () => undefined,
      rejected: () => {},
      unproven: (lacking, address) => void unproven.push([lacking, address]),
      clock,
      random: seededRandom(Math.floor(Math.random() * 2 ** 32)),
      log: parts.log ?? silentLog,
      ended: (quality) => void qualities.push(quality),
      speech: parts.speech,
    },
  );
  await endpoint.listen();
  const port = Number(/:(\d+)/.exec(endpoint.uris[0]?.split("@")[1] ?? "")?.[1]);
  return { endpoint, reception, port, qualities, unproven, [Symbol.asyncDispose]: () => endpoint.close() };
}
