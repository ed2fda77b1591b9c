// Twilio between a telephone and a server: webhooks, TwiML, streams, REST. www.twilio.com/docs/voice, read 2026-11-21.
import { createHmac, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { TwilioPhone, type PhoneCloud, type PlacedPhone } from "./twilio-phone.ts";

export interface TwilioCloudOptions {
  readonly authToken: string;
  readonly accountSid?: string;
  /** How the server is reached according to its own settings. */
  readonly publicUrl: string;
  /** How long a `<Pause>` of a second lasts, ms. */
  readonly secondMs?: number;
}

/** Twilio waits this long for a webhook, then it plays "an application error has occurred". */
const webhookLimitMs = 15_000;

/** An account with its telephones; also a REST server, see `listen`. */
export class TwilioCloud implements PhoneCloud, AsyncDisposable {
  readonly options: TwilioCloudOptions;
  readonly accountSid: string;
  readonly phones: TwilioPhone[] = [];
  /** What Twilio's debugger would show. */
  readonly errors: string[] = [];
  /** REST requests taken, such as "POST Calls.json". */
  readonly requests: { readonly what: string; readonly form: URLSearchParams }[] = [];
  readonly secondMs: number;
  /** Where the server really is. */
  localUrl: string;
  /** Numbers that are well written and still nobody's. */
  refusesOrders = false;
  #rest: Server | undefined;

  constructor(options: TwilioCloudOptions) {
    this.options = options;
    this.accountSid = options.accountSid ?? `AC${randomBytes(16).toString("hex")}`;
    this.localUrl = options.publicUrl;
    this.secondMs = options.secondMs ?? 1_000;
  }

  /** Somebody calls the number. */
  calls(about: Partial<PlacedPhone> = {}): TwilioPhone {
    const phone = new TwilioPhone(this, {
      from: "+15550123",
      to: "+15550100",
      voiceUrl: `${this.options.publicUrl}/twilio/voice`,
      direction: "inbound",
      statusCallback: `${this.options.publicUrl}/twilio/status`,
      ...about,
    });
    this.phones.push(phone);
    phone.ring();
    return phone;
  }

  /** The REST interface on a free port; its address. */
  async listen(): Promise<string> {
    const rest = createServer((request, response) => void this.#serve(request, response));
    this.#rest = rest;
    await new Promise<void>((resolve) => rest.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(rest.address() as AddressInfo).port}`; // A string only for a server on a pipe.
  }

  sign(url: string, form: URLSearchParams = new URLSearchParams()): string {
    const fields = [...new Set(form.keys())].toSorted().map((name) => name + (form.get(name) ?? ""));
    return createHmac("sha1", this.options.authToken)
      .update(url + fields.join(""))
      .digest("base64");
  }

  /** Where a public address really is. */
  locate(url: string): string {
    const { publicUrl } = this.options;
    const [publicStream, localStream] = [publicUrl.replace(/^http/, "ws"), this.localUrl.replace(/^http/, "ws")];
    if (url.startsWith(publicUrl)) return this.localUrl + url.slice(publicUrl.length);
    if (url.startsWith(publicStream)) return localStream + url.slice(publicStream.length);
    throw new Error(`${url} is not at ${publicUrl}`);
  }

  /**
   * The TwiML that comes back; undefined for none. Errors are noted, as in the debugger. A fragment says how often it is tried again
   * (www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides); how long Twilio waits between is not told, here a second.
   */
  async ask(address: string, fields: Readonly<Record<string, string>>): Promise<string | undefined> {
    const [url = "", overrides = ""] = address.split("#");
    const retries = Number(new URLSearchParams(overrides).get("rc") ?? "1");
    const form = new URLSearchParams({ AccountSid: this.accountSid, ApiVersion: "2010-04-01", ...fields });
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#post(url, form);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        if (attempt >= retries) return void this.errors.push(`11205: ${url} cannot be reached: ${why}`);
        await new Promise((resolve) => setTimeout(resolve, this.secondMs));
      }
    }
  }

  async #post(url: string, form: URLSearchParams): Promise<string | undefined> {
    const answer = await fetch(this.locate(url), {
      method: "POST",
      body: form,
      headers: { "x-twilio-signature": this.sign(url, form) },
      signal: AbortSignal.timeout(webhookLimitMs),
    });
    const body = await answer.text();
    if (!answer.ok) return void this.errors.push(`11200: ${url} answered ${answer.status}: ${body.trim()}`);
    if (body === "") return undefined;
    if (!/^(?:text|application)\/xml/.test(answer.headers.get("content-type") ?? "")) this.errors.push(`12300: ${url} answers no XML`);
    return body;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const phone of this.phones) phone.hangUp();
    await Promise.all(this.phones.map((phone) => phone.over));
    this.#rest?.closeAllConnections();
    await new Promise<void>((resolve) => (this.#rest === undefined ? resolve() : this.#rest.close(() => resolve())));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const part of request) body += String(part);
    const form = new URLSearchParams(body);
    const path = /^\/2010-04-01\/Accounts\/(\w+)\/(Calls(?:\/(\w+))?\.json)$/.exec(request.url ?? "");
    const expected = `Basic ${Buffer.from(`${this.accountSid}:${this.options.authToken}`).toString("base64")}`;
    const say = (status: number, answer: object): void =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
    if (request.headers.authorization !== expected) return say(401, { code: 20_003, message: "Authenticate", status: 401 });
    if (path === null || request.method !== "POST" || path[1] !== this.accountSid)
      return say(404, { code: 20_404, message: `The requested resource ${request.url} was not found`, status: 404 });
    this.requests.push({ what: `POST ${path[2]}`, form });
    if (path[3] === undefined) return this.#create(form, say);
    const phone = this.phones.find(({ callSid }) => callSid === path[3]);
    if (phone === undefined || phone.isOver)
      return say(404, { code: 20_404, message: "The requested resource was not found", status: 404 });
    if (form.get("Status") === "completed") phone.hangUp();
    say(200, { sid: phone.callSid, status: "completed" });
  }

  #create(form: URLSearchParams, say: (status: number, answer: object) => void): void {
    const [to, from, voiceUrl] = [form.get("To"), form.get("From"), form.get("Url")];
    if (to === null || !/^(?:\+\d{5,15}|sips?:.+)$/.test(to) || this.refusesOrders)
      return say(400, {
        code: 21_211,
        message: `The phone number you are attempting to call, ${to}, is not a valid phone number`,
        status: 400,
      });
    if (from === null || voiceUrl === null) return say(400, { code: 21_213, message: "Caller phone number is required", status: 400 });
    const phone = this.calls({ to, from, voiceUrl, direction: "outbound-api", statusCallback: form.get("StatusCallback") ?? undefined });
    const machine = form.get("AsyncAmdStatusCallback");
    if (form.get("AsyncAmd") === "true" && machine !== null) phone.detectsMachine(machine);
    say(201, { sid: phone.callSid, status: "queued" });
  }
}
