import type { Twilio as Client } from "twilio";
import type { CallOrder, Dialler, PlacedCall } from "../../caller/outbound.ts";
import { Fault } from "../../kernel/fault.ts";

export interface RestParts {
  readonly accountSid: string;
  readonly authToken: () => string;
  /** The number that people see whom we call; undefined: each order must name one. */
  readonly number: string | undefined;
  /** Twilio's address when it is not the public one. */
  readonly baseUrl: string | undefined;
  readonly publicUrl: () => string;
  /** What an agent's settings say of machines that answer, where the order says nothing. */
  readonly machineRule: (agent: string | undefined) => NonNullable<CallOrder["machine"]>;
}

const answerLimitMs = 10_000;
/** What its own package calls, whatever the region. */
const publicApi = /^https:\/\/api(?:\.[a-z0-9-]+)*\.twilio\.com/;

/** Twilio's REST interface: calls that we place, and the end of those that should not go on. */
export class TwilioRest implements Dialler {
  readonly carrier = "twilio";
  readonly #parts: RestParts;
  /** Its package is large, and most servers place no call. */
  #client: { readonly authToken: string; readonly ready: Promise<Client> } | undefined;

  constructor(parts: RestParts) {
    this.#parts = parts;
  }

  async place(order: CallOrder): Promise<PlacedCall> {
    const from = order.from ?? this.#parts.number;
    if (from === undefined) throw new Fault("call-unable", "which number is calling? Name one in `from`, or set TWILIO_NUMBER");
    const url = (path: string, query = ""): string => `${this.#parts.publicUrl()}${path}${query}`;
    const machine = order.machine ?? this.#parts.machineRule(order.agent);
    const client = await this.#ready();
    const call = await attempt(`calling ${order.to}`, () =>
      client.calls.create({
        to: order.to,
        from,
        url: url("/twilio/voice", queryOf(order)),
        statusCallback: url("/twilio/status"),
        statusCallbackEvent: ["initiated", "ringing", "answered", "completed"],
        timeout: order.ringLimitS,
        ...(machine !== "ignore" && {
          // To the end of its greeting, where something is to be said after it.
          machineDetection: machine === "leave-message" ? "DetectMessageEnd" : "Enable",
          asyncAmd: "true",
          asyncAmdStatusCallback: url("/twilio/machine"),
        }),
      }),
    );
    return { carrier: this.carrier, carrierCallId: call.sid };
  }

  /** A call that is over already is as good as one that we ended. @throws {Fault} call-unable */
  async hangUp(callSid: string): Promise<void> {
    const client = await this.#ready();
    await attempt(`hanging up ${callSid}`, async () => {
      try {
        await client.calls(callSid).update({ status: "completed" });
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    });
  }

  #ready(): Promise<Client> {
    const authToken = this.#parts.authToken();
    if (this.#client?.authToken !== authToken) this.#client = { authToken, ready: this.#load(authToken) };
    return this.#client.ready;
  }

  async #load(authToken: string): Promise<Client> {
    const { default: twilio } = await import("twilio");
    const { accountSid, baseUrl } = this.#parts;
    const httpClient = new twilio.RequestClient({ timeout: answerLimitMs });
    if (baseUrl !== undefined) {
      const request = httpClient.request.bind(httpClient);
      httpClient.request = (asked) => request({ ...asked, uri: asked.uri.replace(publicApi, baseUrl) });
    }
    return twilio(accountSid, authToken, { httpClient });
  }
}

function queryOf({ agent, language, machine }: CallOrder): string {
  const query = new URLSearchParams({
    direction: "outbound",
    ...(agent !== undefined && { agent }),
    ...(language !== undefined && { language }),
    ...(machine !== undefined && { machine }),
  });
  return `?${query.toString()}`;
}

/** 20404: there is no such call any more; 21220: it is not in progress. */
const isGone = (error: unknown): boolean => error instanceof Error && "code" in error && (error.code === 20_404 || error.code === 21_220);

async function attempt<T>(doing: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new Fault("call-unable", `${doing} through Twilio: ${found}`, { cause: error });
  }
}
