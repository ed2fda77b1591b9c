import twilioPackage from "twilio";
import { twilio as dialect } from "../../../src/caller/dialects/twilio.ts";
import { ownTicketBox } from "../../../src/carriers/tickets.ts";
import { Twilio, type TwilioParts } from "../../../src/carriers/twilio/twilio.ts";
import { twilioRoutes } from "../../../src/carriers/twilio/webhooks.ts";
import { TwilioCaller } from "../../../src/fakes/carriers/twilio.ts";
import { readTwiml } from "../../../src/fakes/carriers/twiml-reader.ts";
import { silentLog } from "../../../src/kernel/log.ts";
import { openHouse, type House } from "../../caller/open-house.ts";
import { SimulatedClock } from "../../simulated-clock.ts";

export const publicUrl = "https://voice.example.org";
export const streamUrl = "wss://voice.example.org/twilio";
export const token = "0123456789abcdef0123456789abcdef";
export const previous = "previous00000000previous00000000";
export const callSid = `CA${"1".repeat(32)}`;
const accountSid = `AC${"0".repeat(32)}`;
export const fields = {
  AccountSid: accountSid,
  CallSid: callSid,
  From: "+15550123",
  To: "+15550100",
  CallStatus: "ringing",
  Direction: "inbound",
};
export const { getExpectedTwilioSignature } = twilioPackage;

interface Exchange extends House {
  readonly twilio: Twilio;
  readonly time: SimulatedClock;
}

/** The door, the webhooks and a reception, with the vendor's own package to sign for Twilio. */
export async function exchange(authTokens: readonly string[] = [token], more: Partial<TwilioParts> = {}): Promise<Exchange> {
  const time = new SimulatedClock();
  const parts = {
    authTokens: () => authTokens,
    publicUrl: () => publicUrl,
    refusal: () => undefined,
    rejected: () => {},
    hangUp: () => {},
    answeredBy: () => {},
    holds: () => false,
    tickets: ownTicketBox(),
    ...more,
  };
  const twilio = new Twilio({ ...parts, clock: time, log: silentLog });
  const house = await openHouse({ dialects: [dialect], carriers: [twilio], routes: twilioRoutes(twilio, undefined) });
  return { ...house, twilio, time };
}

export interface Webhook {
  readonly url?: string;
  readonly sign?: string;
  readonly body?: Readonly<Record<string, string>>;
  readonly signature?: string | undefined;
}

/** A webhook that Twilio would send, with what `about` changes; `sign` is what the signature was made of. */
export async function asks(house: Exchange, about: Webhook = {}, signed: Readonly<Record<string, string>> = fields): Promise<Response> {
  const url = about.url ?? `${publicUrl}/twilio/voice`;
  const signature = "signature" in about ? about.signature : getExpectedTwilioSignature(token, about.sign ?? url, signed);
  return fetch(url.replace(publicUrl, house.url), {
    method: "POST",
    body: new URLSearchParams(about.body ?? signed),
    ...(signature !== undefined && { headers: { "x-twilio-signature": signature } }),
  });
}

/** The parameters of the stream that a good webhook was given. */
export async function parameters(house: Exchange): Promise<Record<string, string>> {
  const [connect] = readTwiml(await (await asks(house)).text());
  const stream = connect?.children[0];
  return Object.fromEntries(stream?.children.map(({ attributes }) => [attributes["name"] ?? "", attributes["value"] ?? ""]) ?? []);
}

/** A stream as Twilio opens it, with what `about` changes. */
export async function streams(
  house: Exchange,
  about: { signature?: string | undefined; sid?: string; parameters?: Readonly<Record<string, string>>; path?: string } = {},
): Promise<TwilioCaller> {
  const signature = "signature" in about ? about.signature : getExpectedTwilioSignature(token, streamUrl, {});
  const stream = { accountSid, callSid: about.sid ?? callSid, streamSid: `MZ${"2".repeat(32)}`, parameters: about.parameters ?? {} };
  const headers = signature === undefined ? {} : { "x-twilio-signature": signature };
  return TwilioCaller.connect(`${house.url.replace("http", "ws")}${about.path ?? "/twilio"}`, stream, { headers });
}
