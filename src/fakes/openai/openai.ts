import type { IncomingMessage } from "node:http";
import { seededRandom } from "../../kernel/random.ts";
import { Panel } from "../panel.ts";
import { serveFake, type FakeRequests, type FakeWire, type Refusal } from "../websocket-server.ts";
import { RealtimeSession } from "./session.ts";

export interface OpenaiFakeOptions {
  readonly port?: number;
  /** Shuffles what the wire leaves open: the place of transcripts and the order of paired events. */
  readonly seed?: number;
  /** How a wrong key is told: by a refused upgrade, or after it by an error and close 3000. Both were seen. */
  readonly badKeyBy?: "refusal" | "close";
  readonly panel?: Panel;
  /** The service's other wires at the same address. */
  readonly requests?: FakeRequests;
}

/** A running fake of OpenAI Realtime or Azure OpenAI Realtime. `settings`: what makes a client find it. */
export interface OpenaiFake extends AsyncDisposable {
  readonly panel: Panel;
  readonly url: string;
  readonly settings: Readonly<Record<string, string>>;
}

const refusalBody = (status: number, code = "refused"): string =>
  JSON.stringify({
    error: { message: `The request was refused with status ${status}.`, type: "invalid_request_error", param: null, code },
  });
const refusal = (status: number, code: string): Refusal => ({ status, body: refusalBody(status, code) });

const minuteMs = 60_000;
const models = /^gpt-realtime(-1\.5|-2|-2\.1|-2\.1-mini|-mini)?$/;

/** OpenAI Realtime, GA shape: `settings` holds OPENAI_BASE_URL and OPENAI_API_KEY. */
export async function startOpenaiFake(options: OpenaiFakeOptions = {}): Promise<OpenaiFake> {
  const key = "sk-fake-openai-key";
  const fake = await start(options, {
    admit(request, url, panel) {
      const authorization = request.headers.authorization;
      if (url.pathname !== "/v1/realtime") return refusal(404, "not_found");
      if (authorization === undefined) panel.violation("no Authorization header");
      const refused = panel.opening.type === "bad-key" && options.badKeyBy !== "close";
      if (authorization !== `Bearer ${key}` || refused) return refusal(401, "invalid_api_key");
      if (panel.opening.type === "bad-model" || !models.test(url.searchParams.get("model") ?? "")) return refusal(404, "model_not_found");
      return undefined;
    },
    key,
    rateLimits: true,
    sessionLimitMs: 60 * minuteMs,
  });
  const url = `http://127.0.0.1:${fake.port}/v1`;
  return { ...fake, url, settings: { OPENAI_BASE_URL: url, OPENAI_API_KEY: key } };
}

/** Azure OpenAI Realtime, GA shape: the model is a deployment, the key has its own header. */
export async function startAzureFake(options: OpenaiFakeOptions = {}): Promise<OpenaiFake> {
  const key = "azure-fake-key";
  const deployment = "night-desk";
  const fake = await start(options, {
    admit(request, url, panel) {
      if (url.pathname !== "/openai/v1/realtime") return refusal(404, "not_found");
      if (url.searchParams.has("api-version")) {
        panel.violation("api-version on the GA path");
        return refusal(400, "invalid_api_version");
      }
      if (request.headers["api-key"] !== key || (panel.opening.type === "bad-key" && options.badKeyBy !== "close"))
        return refusal(401, "401");
      if (panel.opening.type === "bad-model" || url.searchParams.get("model") !== deployment) return refusal(400, "OpperationNotSupported");
      return undefined;
    },
    key,
    rateLimits: false,
    sessionLimitMs: 30 * minuteMs,
  });
  const url = `http://127.0.0.1:${fake.port}`;
  return { ...fake, url, settings: { AZURE_OPENAI_ENDPOINT: url, AZURE_OPENAI_API_KEY: key, AZURE_OPENAI_DEPLOYMENT: deployment } };
}

interface Variant {
  readonly key: string;
  readonly admit: (request: IncomingMessage, url: URL, panel: Panel) => Refusal | undefined;
  readonly rateLimits: boolean;
  readonly sessionLimitMs: number;
}

async function start(
  options: OpenaiFakeOptions,
  variant: Variant,
): Promise<Pick<OpenaiFake, "panel" | typeof Symbol.asyncDispose> & { port: number }> {
  const panel = options.panel ?? new Panel();
  const random = seededRandom(options.seed ?? 1);
  const wire: FakeWire = {
    admit: (request, url) => variant.admit(request, url, panel),
    refusalBody,
    accept(peer, url, request) {
      const beta = request.headers["openai-beta"] !== undefined;
      if (beta) panel.violation("the header OpenAI-Beta asks for the closed beta shape");
      const model = url.searchParams.get("model") ?? "";
      const { rateLimits, sessionLimitMs } = variant;
      return new RealtimeSession(peer, panel, {
        model,
        reasons: !/^gpt-realtime(-1\.5|-mini)?$/.test(model),
        rateLimits,
        random,
        sessionLimitMs,
        key: variant.key,
        beta,
      });
    },
    politeCloseCodes: [1000],
    requests: options.requests,
  };
  const { port, [Symbol.asyncDispose]: dispose } = await serveFake(panel, wire, options.port);
  return { panel, port, [Symbol.asyncDispose]: dispose };
}
