import type { IncomingMessage } from "node:http";
import { seededRandom } from "../../kernel/random.ts";
import { Panel } from "../panel.ts";
import { serveFake, type FakeWire, type Refusal } from "../websocket-server.ts";
import { AgentSession } from "./session.ts";

export interface DeepgramAgentOptions {
  readonly port?: number;
  /** Shuffles what the wire leaves open: text ahead of audio or beside it, messages that may be absent. */
  readonly seed?: number;
  readonly panel?: Panel;
  /** How long a client may send nothing, ms. */
  readonly idleLimitMs?: number;
  /** How many times faster than the service audio is taken in, for tests: nothing else is any quicker. */
  readonly haste?: number;
  /** Whether the end of a reply's audio is told: it can be missing. */
  readonly tellsAudioDone?: boolean;
  /** Whether settings are answered at all. */
  readonly appliesSettings?: boolean;
}

/** A running fake of Deepgram's Voice Agent. `settings`: what makes a client find it. */
export interface DeepgramAgentFake extends AsyncDisposable {
  readonly panel: Panel;
  readonly url: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Takes back every call that waits for its result. */
  cancelCalls(): void;
  warn(code: string): void;
  /** How many `KeepAlive` came, over all sessions. */
  kept(): number;
  /** Ends every session as the wire does. */
  error(code: string, description: string): void;
}

const key = "fake-deepgram-key";

const refusals: Readonly<Record<number, readonly [code: string, message: string]>> = {
  400: ["INVALID_QUERY_PARAMETER", "Failed to deserialize query parameters."],
  401: ["INVALID_AUTH", "Invalid credentials."],
  402: ["ASR_PAYMENT_REQUIRED", "Project does not have enough credits for a request of this kind."],
  403: ["INSUFFICIENT_PERMISSIONS", "The key lacks the scope for this."],
  429: ["TOO_MANY_REQUESTS", "Too many requests. Please try again later."],
};

const requestId = "00000000-0000-4000-8000-000000000000";
const words = (status: number): readonly [string, string] => refusals[status] ?? ["Error", `The request failed with status ${status}.`];
function refusalBody(status: number): string {
  const [code, message] = words(status);
  return JSON.stringify({ err_code: code, err_msg: message, request_id: requestId });
}
const refusal = (status: number): Refusal => ({
  status,
  body: refusalBody(status),
  headers: { "dg-error": words(status)[1], "dg-request-id": requestId },
});

/** Deepgram Voice Agent v1: `settings` holds DEEPGRAM_AGENT_BASE_URL and DEEPGRAM_API_KEY. */
export async function startDeepgramAgentFake(options: DeepgramAgentOptions = {}): Promise<DeepgramAgentFake> {
  const panel = options.panel ?? new Panel();
  panel.announcesEnd = false;
  const random = seededRandom(options.seed ?? 1);
  const live = new Set<AgentSession>();
  let kept = 0;
  const wire: FakeWire = {
    admit: (request, url) => admit(request, url, panel),
    refusalBody,
    accept(peer) {
      const session = new AgentSession(peer, panel, {
        random,
        idleLimitMs: options.idleLimitMs ?? 10_000,
        haste: options.haste ?? 1,
        tellsAudioDone: options.tellsAudioDone ?? true,
        appliesSettings: options.appliesSettings ?? true,
        kept: () => (kept += 1),
        gone: () => live.delete(session),
      });
      live.add(session);
      return session;
    },
    politeCloseCodes: [1000],
  };
  const { port, [Symbol.asyncDispose]: dispose } = await serveFake(panel, wire, options.port);
  const url = `http://127.0.0.1:${port}`;
  return {
    panel,
    url,
    settings: { DEEPGRAM_AGENT_BASE_URL: url, DEEPGRAM_API_KEY: key },
    cancelCalls: () => live.forEach((session) => session.cancelCalls()),
    kept: () => kept,
    warn: (code) => live.forEach((session) => session.warn(code)),
    error: (code, description) => live.forEach((session) => session.error(code, description)),
    [Symbol.asyncDispose]: dispose,
  };
}

function admit(request: IncomingMessage, url: URL, panel: Panel): Refusal | undefined {
  if (url.pathname !== "/v1/agent/converse") return refusal(404);
  if ([...url.searchParams.keys()].length > 0) {
    panel.violation(`a query where everything is said in Settings: ${url.search}`);
    return refusal(400);
  }
  const { authorization = "" } = request.headers;
  if (!authorization.startsWith("Token ")) panel.violation("a key travels as Authorization: Token");
  if (authorization !== `Token ${key}` || panel.opening.type === "bad-key") return refusal(401);
  return panel.opening.type === "quota" ? refusal(402) : undefined;
}
