import type { IncomingMessage } from "node:http";
import { seededRandom } from "../../kernel/random.ts";
import { chatWire, groqChat } from "../llm/chat-wire.ts";
import { groqKey } from "../llm/llm.ts";
import { LlmService } from "../llm/server.ts";
import { serveFake, type FakeWire, type Refusal } from "../websocket-server.ts";
import { CallPanel } from "./call-panel.ts";
import { FluxSession } from "./flux.ts";
import { NovaSession, type NovaManners } from "./nova.ts";
import { complaintAbout, listenV1, listenV2, speakSocket } from "./query.ts";
import { speakOverHttp } from "./speak-http.ts";
import { SpeakSession, type SpeakManners } from "./speak.ts";
import { Script } from "./voice.ts";

export interface DeepgramFakeOptions {
  readonly port?: number;
  readonly seed?: number;
  /** How long listen v1 waits for audio or `KeepAlive`, ms. */
  readonly idleLimitMs?: number;
  readonly flushWindowMs?: number;
  /** How many times faster than the service audio is taken in, for tests: nothing else is any quicker. */
  readonly haste?: number;
}

/** A running fake of Deepgram's listen and speak, with a language model beside them. `settings`: what makes a client find both. */
export interface DeepgramFake extends AsyncDisposable {
  readonly panel: CallPanel;
  readonly url: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly llm: LlmService;
  readonly nova: NovaManners;
  readonly speak: SpeakManners;
  /** Refuses upgrades whose path and query hold this, with that status. */
  readonly refusals: Map<string, number>;
}

const key = "fake-deepgram-key";
/** "Recovering from connection errors", developers.deepgram.com, read 2026-11. */
const pace = 1.25;

const refusals: Readonly<Record<number, readonly [code: string, message: string]>> = {
  400: ["INVALID_QUERY_PARAMETER", "Failed to deserialize query parameters."],
  401: ["INVALID_AUTH", "Invalid credentials."],
  402: ["ASR_PAYMENT_REQUIRED", "Project does not have enough credits for an ASR request using this model."],
  403: ["INSUFFICIENT_PERMISSIONS", "Project does not have access to the requested model."],
  429: ["TOO_MANY_REQUESTS", "Too many requests. Please try again later."],
};

function refusal(status: number, message?: string): Refusal {
  const [code, words] = refusals[status] ?? ["Error", `The request failed with status ${status}.`];
  const said = message ?? words;
  return {
    status,
    body: JSON.stringify({ err_code: code, err_msg: said, request_id: "r" }),
    headers: { "dg-error": said, "dg-request-id": "r" },
  };
}

/** Deepgram's listen v1 and v2 and speak v1, and Groq's chat completions, on one port. */
export async function startDeepgramFake(options: DeepgramFakeOptions = {}): Promise<DeepgramFake> {
  const panel = new CallPanel();
  panel.announcesEnd = false;
  const random = seededRandom(options.seed ?? 1);
  const llm = new LlmService(chatWire(groqChat(groqKey)), panel);
  const nova: NovaManners = { finalize: "words", noisy: false, started: "once", wordless: false };
  const speak: SpeakManners = { mute: false, clears: true, dropAtMs: undefined, idleCloseMs: undefined };
  const script = new Script();
  const refused = new Map<string, number>();
  const isAuthorized = (request: IncomingMessage): boolean =>
    request.headers.authorization === `Token ${key}` && panel.opening.type !== "bad-key";
  const listening = { random, pace: pace * (options.haste ?? 1), idleLimitMs: options.idleLimitMs ?? 10_000 };
  const wire: FakeWire = {
    admit(request, url) {
      const shape = { "/v1/listen": listenV1, "/v2/listen": listenV2, "/v1/speak": speakSocket }[url.pathname];
      if (shape === undefined) return refusal(404);
      if (request.headers.authorization?.startsWith("Token ") !== true) panel.violation("a key travels as Authorization: Token");
      if (!isAuthorized(request)) return refusal(401);
      if (panel.opening.type === "quota") return refusal(402);
      if (panel.opening.type === "bad-model")
        return refusal(400, `No such model/language/tier combination found: ${url.searchParams.get("model") ?? ""}`);
      for (const [part, status] of refused) if (`${url.pathname}${url.search}`.includes(part)) return refusal(status);
      const complaint = complaintAbout(url.searchParams, shape);
      if (complaint === undefined) return undefined;
      panel.violation(`${url.pathname}: ${complaint}`);
      return refusal(400, complaint);
    },
    refusalBody: (status) => refusal(status).body,
    accept(peer, url) {
      const query = url.searchParams;
      if (query.get("mip_opt_out") !== "true") panel.violation("mip_opt_out is not true: calls would be trained on");
      if (url.pathname === "/v2/listen") return new FluxSession(peer, panel, query, listening);
      if (url.pathname === "/v1/listen") return new NovaSession(peer, panel, query, listening, nova);
      return new SpeakSession(peer, panel, query, { random, flushWindowMs: options.flushWindowMs ?? 60_000 }, speak, script);
    },
    politeCloseCodes: [1000],
    requests(request, response) {
      const url = new URL(request.url ?? "/", "http://fake");
      if (url.pathname !== "/v1/speak" || request.method !== "POST") return llm.answer(request, response);
      speakOverHttp(request, response, url, { panel, script, isAuthorized, refusal }).catch(() => response.destroy());
    },
  };
  const { port, [Symbol.asyncDispose]: dispose } = await serveFake(panel, wire, options.port);
  const url = `http://127.0.0.1:${port}`;
  return {
    panel,
    url,
    llm,
    nova,
    speak,
    refusals: refused,
    settings: { DEEPGRAM_BASE_URL: url, DEEPGRAM_API_KEY: key, GROQ_BASE_URL: `${url}/openai/v1`, GROQ_API_KEY: groqKey },
    [Symbol.asyncDispose]: dispose,
  };
}
