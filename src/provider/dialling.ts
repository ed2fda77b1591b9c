import { Fault } from "../kernel/fault.ts";
import { dial, UpgradeRefused } from "../wire/dial.ts";
import type { WireSocket } from "../wire/websocket.ts";
import type { OpenRequest } from "./contract.ts";
import { connectResuming } from "./tls-sessions.ts";

/** Audio comes in pieces far smaller; a peer that sends more in one message is not one to listen to. */
const messageBytes = 16 * 2 ** 20;
const fragments = 16_384;
/** A peer that does not answer the close frame is not waited for. */
const closeLimitMs = 2_000;

export interface ProviderDial {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: OpenRequest;
  /** For messages: "opening openai". */
  readonly doing: string;
  /** Never told to anybody. */
  readonly secret: string;
  /** What an answer means that is no upgrade. */
  readonly refused: (refusal: UpgradeRefused) => Fault;
}

/**
 * A WebSocket to a provider, on which nothing was said yet. Whoever gets it listens before anything else is waited for.
 * @throws {Fault} see `Provider.open`
 */
export async function dialProvider({ url, headers, request, doing, secret, refused }: ProviderDial): Promise<WireSocket> {
  const { clock, openLimitMs, signal } = request;
  const given = new AbortController();
  const silent = (): void => given.abort(new Fault("provider-silent", `${doing}: still connecting after ${openLimitMs} ms`));
  const timer = clock.setTimeout(silent, openLimitMs);
  const aborted = (): void => given.abort(new Fault("provider-dropped", `${doing}: given up by the call`));
  signal.addEventListener("abort", aborted);
  if (signal.aborted) aborted();
  try {
    const socket = { messageBytes, fragments, clock, closeLimitMs };
    return await dial({ url, headers, socket, signal: given.signal, connectTls: connectResuming });
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (error instanceof UpgradeRefused) throw refused(error);
    // Its message would quote what it is about.
    if (error instanceof TypeError) throw new Fault("provider-key", `${doing}: the key holds characters that no key has`);
    const found = error instanceof Error ? error.message.replaceAll(secret, "[key]") : "no reason given";
    throw new Fault("provider-unreachable", `${doing}: ${found}`);
  } finally {
    clock.clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
  }
}
