// How orders for calls are written: SignalWire's compatibility API, Plivo's "Make a call", Vonage's Voice API and jambonz' "create a
// call", each from its own reference and clients, read 2026-11.
import { createPrivateKey, randomUUID, sign, type KeyObject } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import { Fault, toFault } from "../kernel/fault.ts";
import type { OrderManners } from "./rest-dialler.ts";

const json = "application/json";
const basic = (name: string, password: string): string => `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
const isSip = (target: string): boolean => /^sips?:/i.test(target);

/** @param spaceUrl such as https://example.signalwire.com */
export const signalwireOrders = (spaceUrl: string, projectId: string, apiToken: () => string): OrderManners => ({
  carrier: "signalwire",
  numberSetting: "SIGNALWIRE_NUMBER",
  idField: "sid",
  request: ({ to, from, ringLimitS, answerUrl, statusUrl }) => ({
    url: `${spaceUrl}/api/laml/2010-04-01/Accounts/${projectId}/Calls.json`,
    headers: { authorization: basic(projectId, apiToken()), "content-type": "application/x-www-form-urlencoded" },
    // Of its end alone: that is all that is told without being asked for.
    body: new URLSearchParams({ To: to, From: from, Url: answerUrl, StatusCallback: statusUrl, Timeout: String(ringLimitS) }).toString(),
  }),
});

export const plivoOrders = (baseUrl: string, authId: string, authToken: () => string): OrderManners => ({
  carrier: "plivo",
  numberSetting: "PLIVO_NUMBER",
  idField: "request_uuid",
  request: ({ to, from, ringLimitS, answerUrl, statusUrl }) => ({
    // Without the slash at its end there is nothing.
    url: `${baseUrl}/v1/Account/${authId}/Call/`,
    headers: { authorization: basic(authId, authToken()), "content-type": json },
    body: JSON.stringify({
      to,
      from,
      answer_url: answerUrl,
      answer_method: "POST",
      hangup_url: statusUrl,
      hangup_method: "POST",
      ring_timeout: ringLimitS,
    }),
  }),
});

/** @param key of the application, RSA */
export const vonageOrders = (baseUrl: string, applicationId: string, key: KeyObject, clock: Clock): OrderManners => ({
  carrier: "vonage",
  numberSetting: "VONAGE_NUMBER",
  // What the answer and event webhooks of both legs have in common.
  idField: "conversation_uuid",
  request: ({ to, from, ringLimitS, answerUrl, statusUrl }) => ({
    url: `${baseUrl}/v1/calls`,
    headers: { authorization: `Bearer ${applicationToken(applicationId, key, clock.wallNow())}`, "content-type": json },
    body: JSON.stringify({
      to: [isSip(to) ? { type: "sip", uri: to } : { type: "phone", number: digitsOf(to) }],
      from: { type: "phone", number: digitsOf(from) },
      answer_url: [answerUrl],
      answer_method: "POST",
      event_url: [statusUrl],
      event_method: "POST",
      ringing_timer: Math.min(ringLimitS, 120),
    }),
  }),
});

/** @param baseUrl such as https://jambonz.example.org/api */
export const jambonzOrders = (baseUrl: string, accountSid: string, apiKey: () => string): OrderManners => ({
  carrier: "jambonz",
  numberSetting: "JAMBONZ_NUMBER",
  idField: "sid",
  request: ({ to, from, ringLimitS, answerUrl, statusUrl }) => ({
    url: `${baseUrl}/v1/Accounts/${accountSid}/Calls`,
    headers: { authorization: `Bearer ${apiKey()}`, "content-type": json },
    body: JSON.stringify({
      from,
      to: isSip(to) ? { type: "sip", sipUri: to } : { type: "phone", number: to },
      call_hook: { url: answerUrl, method: "POST" },
      call_status_hook: { url: statusUrl, method: "POST" },
      timeout: ringLimitS,
    }),
  }),
});

/** @throws {Fault} setting-invalid, naming the setting */
export function privateKeyOf(setting: string, pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "rsa") return key;
  } catch (error) {
    throw toFault(error, "setting-invalid", setting);
  }
  throw new Fault("setting-invalid", `${setting}: expected a private RSA key`);
}

const tokenLifeS = 300;

/** A JSON Web Token of the application, good for some minutes. */
function applicationToken(applicationId: string, key: KeyObject, nowMs: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const iat = Math.floor(nowMs / 1000);
  const claims = { application_id: applicationId, iat, exp: iat + tokenLifeS, jti: randomUUID() };
  const signed = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

const digitsOf = (number: string): string => number.replace(/^\+/, "");
