import { seededRandom } from "../../kernel/random.ts";
import { Panel } from "../panel.ts";
import { serveFake, type FakeRequests, type FakeWire } from "../websocket-server.ts";
import { Memory } from "./memory.ts";
import { LiveSession, type SessionTraits } from "./session.ts";

export interface GeminiFakeOptions {
  readonly port?: number;
  /** Shuffles what the wire leaves open: the place of transcripts, what shares a frame, how audio is cut. */
  readonly seed?: number;
  /** How a wrong key is told: by a close after the handshake, or by a refused upgrade. Both were seen. */
  readonly badKeyBy?: "close" | "refusal";
  /** JSON in binary frames, as the service sends it, or in text frames. */
  readonly frames?: "binary" | "text";
  /** Whether speech is told by `voiceActivity`; most sessions go without. */
  readonly voiceActivity?: boolean;
  /** What becomes of a resumption while the earlier connection still stands: reports differ. */
  readonly twoSockets?: "refused" | "taken";
  /** How many times faster than real time the playback is that an answer waits for. */
  readonly playbackPace?: number;
  readonly panel?: Panel;
  /** The service's other wires at the same address. */
  readonly requests?: FakeRequests;
}

/** A running fake of the Gemini Live API, v1beta, with an API key. `settings`: what makes a client find it. */
export interface GeminiFake extends AsyncDisposable {
  readonly panel: Panel;
  readonly url: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Its resumption handles, to make them stale. */
  readonly memory: Memory;
}

const path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
const statuses: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  503: "UNAVAILABLE",
};
const refusalBody = (status: number): string =>
  JSON.stringify({
    error: { code: status, message: `The request was refused with status ${status}.`, status: statuses[status] ?? "INTERNAL" },
  });

/** Gemini Live: `settings` holds GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY. */
export async function startGeminiFake(options: GeminiFakeOptions = {}): Promise<GeminiFake> {
  const key = "AIza-fake-gemini-key";
  const panel = options.panel ?? new Panel();
  const memory = new Memory();
  const traits: Omit<SessionTraits, "keyIsGood"> = {
    random: seededRandom(options.seed ?? 1),
    frames: options.frames ?? "binary",
    voiceActivity: options.voiceActivity ?? false,
    twoSockets: options.twoSockets ?? "refused",
    playbackPace: options.playbackPace ?? 1,
    memory,
  };
  const wire: FakeWire = {
    admit(request, url) {
      if (url.pathname !== path) return { status: 404, body: refusalBody(404) };
      const given = request.headers["x-goog-api-key"] ?? url.searchParams.get("key");
      if (given === null) panel.violation("no key, neither in x-goog-api-key nor in the query");
      const good = given === key && panel.opening.type !== "bad-key";
      return good || options.badKeyBy !== "refusal" ? undefined : { status: 403, body: refusalBody(403) };
    },
    refusalBody,
    accept(peer, url, request) {
      const given = request.headers["x-goog-api-key"] ?? url.searchParams.get("key");
      return new LiveSession(peer, panel, { ...traits, keyIsGood: given === key && panel.opening.type !== "bad-key" });
    },
    // The official client closes without a code.
    politeCloseCodes: [1000, 1005],
    requests: options.requests,
  };
  const { port, [Symbol.asyncDispose]: dispose } = await serveFake(panel, wire, options.port);
  const url = `http://127.0.0.1:${port}`;
  return { panel, memory, url, settings: { GOOGLE_GEMINI_BASE_URL: url, GEMINI_API_KEY: key }, [Symbol.asyncDispose]: dispose };
}
