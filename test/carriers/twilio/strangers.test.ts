import { expect, test, vi } from "vitest";
import { readTwiml } from "../../../src/fakes/carriers/twiml-reader.ts";
import {
  asks,
  callSid,
  exchange,
  fields,
  getExpectedTwilioSignature,
  parameters,
  previous,
  publicUrl,
  streams,
  streamUrl,
  token,
  type Webhook,
} from "./exchange.ts";

const voice = `${publicUrl}/twilio/voice`;
const good = getExpectedTwilioSignature(token, voice, fields);
const flipped = (at: number): string => good.slice(0, at) + (good[at] === "A" ? "B" : "A") + good.slice(at + 1);

const forgedWebhooks: Readonly<Record<string, Webhook>> = {
  "no signature": { signature: undefined },
  "an empty signature": { signature: "" },
  "the signature of nothing": { signature: getExpectedTwilioSignature(token, "", {}) },
  "a signature by another account": { signature: getExpectedTwilioSignature("f".repeat(32), voice, fields) },
  "a signature by an empty token": { signature: getExpectedTwilioSignature("", voice, fields) },
  "the first letter changed": { signature: flipped(0) },
  "the last letter changed": { signature: flipped(good.length - 2) },
  "the end cut off": { signature: good.slice(0, -1) },
  "something after the end": { signature: `${good}A` },
  "other letters' case": { signature: good.toLowerCase() },
  "hex instead of base64": { signature: Buffer.from(good, "base64").toString("hex") },
  "two signatures, the good one second": { signature: `x, ${good}` },
  "signed for http": { sign: voice.replace("https", "http") },
  "signed for wss": { sign: voice.replace("https", "wss") },
  "signed for another port": { sign: voice.replace("example.org", "example.org:8443") },
  "signed for port 80": { sign: voice.replace("example.org", "example.org:80") },
  "signed for another host": { sign: voice.replace("voice.", "other.") },
  "signed for a host with more behind it": { sign: voice.replace("example.org", "example.org.evil.example") },
  "signed for a user at the host": { sign: voice.replace("voice.", "user@voice.") },
  "signed with a slash at the end": { sign: `${voice}/` },
  "signed with two slashes": { sign: voice.replace("/twilio", "//twilio") },
  "signed in capitals": { sign: voice.toUpperCase() },
  "signed for another webhook": { sign: `${publicUrl}/twilio/action` },
  "signed with a query that was taken off": { sign: `${voice}?agent=desk` },
  "a query that was put on": { url: `${voice}?agent=desk`, sign: voice },
  "a query in another order": { url: `${voice}?b=2&a=1`, sign: `${voice}?a=1&b=2` },
  "a query with another value": { url: `${voice}?agent=boss`, sign: `${voice}?agent=desk` },
  "a query escaped otherwise": { url: `${voice}?agent=a+b`, sign: `${voice}?agent=a%20b` },
  "another CallSid in the form": { body: { ...fields, CallSid: `CA${"9".repeat(32)}` } },
  "another caller in the form": { body: { ...fields, From: "+15550999" } },
  "a field that was put on": { body: { ...fields, Digits: "1" } },
  "a field that was taken off": { body: { CallSid: callSid, From: "+15550123" } },
  "a field whose name and value run together otherwise": { body: { ...fields, From1: "5550123" } },
  "an empty form": { body: {} },
  "a signature over no form": { signature: getExpectedTwilioSignature(token, voice, {}) },
  "values that changed places": { body: { ...fields, From: fields.To, To: fields.From } },
};

const forgedStreams: Readonly<Record<string, string | undefined>> = {
  "no signature": undefined,
  "an empty signature": "",
  "signed for https": getExpectedTwilioSignature(token, streamUrl.replace("wss", "https"), {}),
  "signed for ws": getExpectedTwilioSignature(token, streamUrl.replace("wss", "ws"), {}),
  "signed for another port": getExpectedTwilioSignature(token, streamUrl.replace(".org", ".org:8443"), {}),
  "signed for another path": getExpectedTwilioSignature(token, `${streamUrl}/other`, {}),
  "signed with two slashes at the end": getExpectedTwilioSignature(token, `${streamUrl}//`, {}),
  "signed with a query": getExpectedTwilioSignature(token, `${streamUrl}?a=1`, {}),
  "signed for the voice webhook": good,
  "signed by another account": getExpectedTwilioSignature("f".repeat(32), streamUrl, {}),
};

test("forged webhooks and streams are refused before anything is opened, all of them", async () => {
  await using house = await exchange();
  for (const [name, about] of Object.entries(forgedWebhooks)) {
    const answer = await asks(house, about);
    expect(answer.status, name).toBe(403);
    expect(await answer.text(), name).toContain("caller-refused");
  }
  for (const [name, signature] of Object.entries(forgedStreams)) {
    await expect(streams(house, { signature }), name).rejects.toThrow("refused with 403");
  }
  expect(Object.keys({ ...forgedWebhooks }).length + Object.keys(forgedStreams).length).toBeGreaterThanOrEqual(40);
  expect(house.reception.guests).toEqual([]);
});

test.each([
  "/twilio/voice",
  "/twilio/action",
  "/twilio/dialled",
  "/twilio/answered",
  "/twilio/whisper",
  "/twilio/machine",
  "/twilio/status",
])("%s takes Twilio's signature and no other, and POST only", async (path) => {
  await using house = await exchange();
  const url = publicUrl + path;
  expect((await asks(house, { url })).status).toBeLessThan(300);
  expect((await asks(house, { url, signature: good.toLowerCase() })).status).toBe(403);
  expect((await fetch(house.url + path)).status).toBe(405);
});

test("what Twilio signs is let in: with or without the port, with the slash that some of its machines put on", async () => {
  await using house = await exchange();
  expect((await asks(house, { sign: voice.replace(".org", ".org:443") })).status).toBe(200);
  for (const url of [streamUrl, streamUrl.replace(".org", ".org:443"), `${streamUrl}/`]) {
    const caller = await streams(house, { signature: getExpectedTwilioSignature(token, url, {}) });
    caller.vanish();
  }
});

test("while the auth token is replaced, webhooks and streams of both are taken", async () => {
  await using house = await exchange([token, previous]);
  expect((await asks(house, { signature: getExpectedTwilioSignature(previous, voice, fields) })).status).toBe(200);
  const caller = await streams(house, {
    signature: getExpectedTwilioSignature(previous, streamUrl, {}),
    parameters: await parameters(house),
  });
  await caller.start();
  await vi.waitFor(() => expect(house.reception.guests).toHaveLength(1), 10_000);
  caller.vanish();
});

test("a ticket lets in the call that it was made for, once", async () => {
  await using house = await exchange();
  const given = await parameters(house);
  const first = await streams(house, { parameters: given });
  await first.start();
  await vi.waitFor(
    () => expect(house.reception.last.start).toMatchObject({ carrierCallId: callSid, from: "+15550123", parameters: {} }),
    10_000,
  );
  const again = await streams(house, { parameters: given });
  await again.start();
  expect(await again.closed).toEqual({ code: 1008, reason: "caller-refused" });
  expect(house.reception.guests).toHaveLength(1);
  first.vanish();
});

test.each<[string, (given: Record<string, string>) => { sid?: string; parameters: Record<string, string>; afterMs?: number }]>([
  ["no ticket", (given) => ({ parameters: Object.fromEntries(Object.entries(given).filter(([name]) => name !== "ticket")) })],
  ["another call's id in start", (given) => ({ sid: `CA${"9".repeat(32)}`, parameters: given })],
  ["another agent", (given) => ({ parameters: { ...given, agent: "boss" } })],
  ["another language", (given) => ({ parameters: { ...given, language: "de" } })],
  ["another caller's number", (given) => ({ parameters: { ...given, from: "+15550999" } })],
  ["somebody's resume token", (given) => ({ parameters: { ...given, resume: "back_0123" } })],
  ["a longer life written into it", (given) => ({ parameters: { ...given, ticket: `zzzzzzzzz${(given["ticket"] ?? "").slice(9)}` } })],
  ["a ticket cut short", (given) => ({ parameters: { ...given, ticket: (given["ticket"] ?? "").slice(0, -3) } })],
  ["a ticket with something behind it", (given) => ({ parameters: { ...given, ticket: `${given["ticket"]}.x` } })],
  ["a ticket of a minute ago", (given) => ({ parameters: given, afterMs: 60_001 })],
])("a stream that brings %s is refused, whoever signed it", async (_, tamper) => {
  await using house = await exchange();
  const { sid, parameters: brought, afterMs = 0 } = tamper(await parameters(house));
  await house.time.advance(afterMs);
  const caller = await streams(house, { ...(sid !== undefined && { sid }), parameters: brought });
  await caller.start();
  expect(await caller.closed).toEqual({ code: 1008, reason: "caller-refused" });
  expect(house.reception.guests).toEqual([]);
});

test("without a token to check by, this machine may try it and nobody else", async () => {
  await using house = await exchange([]);
  expect((await asks(house, { signature: undefined })).status).toBe(200);
  const caller = await streams(house, { signature: undefined, parameters: await parameters(house) });
  await caller.start();
  await vi.waitFor(() => expect(house.reception.guests).toHaveLength(1), 10_000);
  caller.vanish();
  const proxied = await fetch(`${house.url}/twilio/voice`, {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: { "x-forwarded-for": "203.0.113.9" },
  });
  expect(proxied.status).toBe(403);
  expect(await proxied.text()).toContain("TWILIO_AUTH_TOKEN");
});

test("a webhook without a call's id is told so", async () => {
  await using house = await exchange([]);
  const answer = await fetch(`${house.url}/twilio/voice`, { method: "POST", body: new URLSearchParams({ From: "+15550123" }) });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain("CallSid");
});

test("agent and language come from the webhook's address and stay with the call", async () => {
  await using house = await exchange([]);
  const answer = await fetch(`${house.url}/twilio/voice?agent=night-desk&language=de-DE`, {
    method: "POST",
    body: new URLSearchParams(fields),
  });
  const [connect] = readTwiml(await answer.text());
  expect(connect?.attributes["action"]?.split("#")[0]).toBe(`${publicUrl}/twilio/action?agent=night-desk&language=de-DE`);
  const given = connect?.children[0]?.children.map(({ attributes }) => [attributes["name"] ?? "", attributes["value"] ?? ""]) ?? [];
  const caller = await streams(house, { signature: undefined, parameters: Object.fromEntries(given) });
  await caller.start();
  await vi.waitFor(() => expect(house.reception.last.start).toMatchObject({ agent: "night-desk", language: "de-DE" }), 10_000);
  caller.vanish();
});

test("a node that never heard of a call takes it for one that broke off elsewhere", async () => {
  await using house = await exchange([]);
  const answer = await fetch(`${house.url}/twilio/action`, {
    method: "POST",
    body: new URLSearchParams({ ...fields, CallStatus: "in-progress" }),
  });
  const [connect] = readTwiml(await answer.text());
  const given = connect?.children[0]?.children.find(({ attributes }) => attributes["name"] === "resume");
  expect(given?.attributes["value"]).toBe(callSid);
});
