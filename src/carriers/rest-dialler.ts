import type { CallOrder, Dialler, PlacedCall } from "../caller/outbound.ts";
import { Fault } from "../kernel/fault.ts";

/** An order as a carrier needs it. */
interface CarrierOrder {
  readonly to: string;
  readonly from: string;
  readonly ringLimitS: number;
  /** Asked what to do when somebody has answered. */
  readonly answerUrl: string;
  /** Told what becomes of the call. */
  readonly statusUrl: string;
}

/** How one carrier's REST interface takes an order for a call. Pure. */
export interface OrderManners {
  readonly carrier: string;
  /** The setting with the number that people see. */
  readonly numberSetting: string;
  /** The field of its answer that names the call as its webhooks do. */
  readonly idField: string;
  request(order: CarrierOrder): { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string };
}

export interface RestDiallerParts {
  readonly number: () => string | undefined;
  readonly publicUrl: () => string;
  /** What lets the webhooks of a carrier in that does not sign; undefined: nothing is shown. */
  readonly token: () => string | undefined;
}

const answerLimitMs = 10_000;

/** Places calls by one POST; what follows is asked by webhook, as for a call that comes in. */
export class RestDialler implements Dialler {
  readonly #manners: OrderManners;
  readonly #parts: RestDiallerParts;

  constructor(manners: OrderManners, parts: RestDiallerParts) {
    this.#manners = manners;
    this.#parts = parts;
  }

  get carrier(): string {
    return this.#manners.carrier;
  }

  async place({ to, from: asked, agent, language, machine, ringLimitS }: CallOrder): Promise<PlacedCall> {
    const { carrier, numberSetting, idField } = this.#manners;
    const from = asked ?? this.#parts.number();
    if (from === undefined) throw new Fault("call-unable", `which number is calling? Name one in \`from\`, or set ${numberSetting}`);
    const query = { direction: "outbound", agent, language, machine };
    const { url, headers, body } = this.#manners.request({
      to,
      from,
      ringLimitS,
      answerUrl: this.#webhook("voice", query),
      statusUrl: this.#webhook("status", { direction: "outbound" }),
    });
    const failed = (why: string, cause?: unknown): Fault => new Fault("call-unable", `calling ${to} through ${carrier}: ${why}`, { cause });
    let status: number;
    let text: string;
    try {
      const response = await fetch(url, { method: "POST", headers, body, redirect: "error", signal: AbortSignal.timeout(answerLimitMs) });
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw failed(error instanceof Error ? error.message : String(error), error);
    }
    if (status >= 300) throw failed(`it answered ${status}: ${text.slice(0, 200)}`);
    const carrierCallId = fieldOf(text, idField);
    if (carrierCallId === undefined) throw failed(`it answered without ${idField}`);
    return { carrier, carrierCallId };
  }

  #webhook(path: string, said: Readonly<Record<string, string | undefined>>): string {
    const rows = Object.entries({ ...said, token: this.#parts.token() });
    const query = new URLSearchParams(rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as [string, string]])));
    return `${this.#parts.publicUrl()}/${this.carrier}/${path}?${query.toString()}`;
  }
}

/** A field of a JSON object, as text. */
function fieldOf(text: string, name: string): string | undefined {
  try {
    const wire: unknown = JSON.parse(text);
    const value: unknown = typeof wire === "object" && wire !== null ? Reflect.get(wire, name) : undefined;
    return typeof value === "string" && value !== "" ? value : undefined;
  } catch {
    return undefined;
  }
}
