import { createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { dialects } from "../../src/caller/dialects.ts";
import { ownTicketBox } from "../../src/carriers/tickets.ts";
import { AskingCarrier, type Manners } from "../../src/carriers/asking-carrier.ts";
import { jambonzManners } from "../../src/carriers/jambonz.ts";
import { plivoManners, signedByPlivo } from "../../src/carriers/plivo.ts";
import { signalwireManners } from "../../src/carriers/signalwire.ts";
import { telnyxManners } from "../../src/carriers/telnyx.ts";
import { signatureOf } from "../../src/carriers/signature.ts";
import { vonageManners } from "../../src/carriers/vonage.ts";
import type { FakeCaller } from "../../src/fakes/carriers/fake-caller.ts";
import { callFromJambonz } from "../../src/fakes/carriers/jambonz.ts";
import { callFromPlivo } from "../../src/fakes/carriers/plivo.ts";
import { callFromSignalwire } from "../../src/fakes/carriers/signalwire.ts";
import { callFromTelnyx } from "../../src/fakes/carriers/telnyx.ts";
import { callFromVonage } from "../../src/fakes/carriers/vonage.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { openHouse, type House } from "../caller/open-house.ts";
import { SimulatedClock } from "../simulated-clock.ts";

const publicUrl = "https://voice.example.org";
const token = "carrier-token-0123456789";
const time = new SimulatedClock();
const patience = { timeout: 20_000, interval: 10 };
const telnyxKeys = generateKeyPairSync("ed25519");
const publicKeyOf = ({ publicKey }: typeof telnyxKeys): string =>
  publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("base64");
const telnyxPublicKey = publicKeyOf(telnyxKeys);
const secret = "shared-secret-0123456789";
/** Every carrier's secret is just being replaced: what it signs with the one before that is good. */
const newerTelnyxKey = publicKeyOf(generateKeyPairSync("ed25519"));
const newerSecret = "newer-secret-0123456789";

interface Webhook {
  readonly url: string;
  readonly type: string;
  readonly body: string;
}

/** One carrier: how it signs and asks, and how its stream comes in where our answer told it to. */
interface Exchange {
  readonly name: string;
  readonly manners: Manners;
  readonly sign: (webhook: Webhook) => Readonly<Record<string, string>>;
  /** What the webhook says of a call: new, its stream over, a transfer over, the caller gone. */
  readonly says: Readonly<Record<"new" | "after" | "taken" | "untaken" | "over", Readonly<Record<string, string>>>>;
  readonly connect: (url: string, given: { query: string; parameters: Readonly<Record<string, string>> }) => Promise<FakeCaller>;
  /** The stream's address in an answer, with its parameters. */
  readonly streamIn: (answer: string) => { query: string; parameters: Readonly<Record<string, string>> };
  readonly means: { readonly hangUp: string; readonly dial: string; readonly busy: string };
}

const xmlUrl = (answer: string): string => /(wss:[^"<]+)/.exec(answer)?.[1]?.replaceAll("&amp;", "&") ?? "";
const queryOf = (url: string): { query: string; parameters: Readonly<Record<string, string>> } => ({
  query: new URL(url).search,
  parameters: {},
});
const jwt = (claims: object): string => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`;
};
const inSeconds = (): number => Math.floor(time.wallNow() / 1000);

const exchanges: readonly Exchange[] = [
  {
    name: "telnyx",
    manners: telnyxManners(() => [newerTelnyxKey, telnyxPublicKey], time),
    sign: ({ body }) => ({
      "telnyx-timestamp": String(inSeconds()),
      "telnyx-signature-ed25519": sign(null, Buffer.from(`${inSeconds()}|${body}`), telnyxKeys.privateKey).toString("base64"),
    }),
    says: {
      new: { CallSid: "v3:abc", From: "+15550123", CallStatus: "ringing" },
      after: { CallSid: "v3:abc", From: "+15550123", CallStatus: "in-progress" },
      taken: { CallSid: "v3:abc", CallStatus: "in-progress", DialCallStatus: "completed" },
      untaken: { CallSid: "v3:abc", CallStatus: "in-progress", DialCallStatus: "no-answer" },
      over: { CallSid: "v3:abc", CallStatus: "completed" },
    },
    connect: (url, { query }) => callFromTelnyx(url, { query }),
    streamIn: (answer) => queryOf(xmlUrl(answer)),
    means: { hangUp: "<Hangup/>", dial: "<Number>+15550199</Number></Dial>", busy: '<Reject reason="busy"/>' },
  },
  {
    name: "plivo",
    manners: plivoManners(() => [newerSecret, secret]),
    sign: ({ url, body }) => {
      const signed = signedByPlivo({ url, method: "POST", fields: Object.fromEntries(new URLSearchParams(body)) }, "12345");
      return {
        "x-plivo-signature-v3-nonce": "12345",
        "x-plivo-signature-v3": `old=,${createHmac("sha256", secret).update(signed).digest("base64")}`,
      };
    },
    says: {
      new: { CallUUID: "u-1", From: "15550123", CallStatus: "ringing", Event: "StartApp" },
      after: { CallUUID: "u-1", From: "15550123", CallStatus: "in-progress", Event: "Redirect" },
      taken: { CallUUID: "u-1", CallStatus: "in-progress", DialStatus: "completed" },
      untaken: { CallUUID: "u-1", CallStatus: "in-progress", DialStatus: "no-answer" },
      over: { CallUUID: "u-1", CallStatus: "completed", Event: "Hangup" },
    },
    connect: (url, { query }) => callFromPlivo(url, { query }),
    streamIn: (answer) => queryOf(xmlUrl(answer)),
    means: { hangUp: "<Hangup/>", dial: "<Number>+15550199</Number></Dial>", busy: '<Hangup reason="busy"/>' },
  },
  {
    name: "signalwire",
    manners: signalwireManners(() => [newerSecret, secret]),
    sign: ({ url, body }) => ({ "x-signalwire-signature": signatureOf(secret, url, new URLSearchParams(body)) }),
    says: {
      new: { CallSid: "s-1", From: "+15550123", CallStatus: "ringing" },
      after: { CallSid: "s-1", From: "+15550123", CallStatus: "in-progress" },
      taken: { CallSid: "s-1", CallStatus: "in-progress", DialCallStatus: "completed" },
      untaken: { CallSid: "s-1", CallStatus: "in-progress", DialCallStatus: "busy" },
      over: { CallSid: "s-1", CallStatus: "completed" },
    },
    connect: (url, { parameters }) => callFromSignalwire(url, { parameters }),
    streamIn: (answer) => ({
      query: "",
      parameters: Object.fromEntries(
        [...answer.matchAll(/<Parameter name="(\w+)" value="([^"]*)"\/>/g)].map(([, name = "", value = ""]) => [name, value]),
      ),
    }),
    means: { hangUp: "<Hangup/>", dial: "<Number>+15550199</Number></Dial>", busy: '<Reject reason="busy"/>' },
  },
  {
    name: "vonage",
    manners: vonageManners(() => [newerSecret, secret], time),
    sign: ({ body }) => ({
      authorization: `Bearer ${jwt({ exp: inSeconds() + 60, payload_hash: createHash("sha256").update(body).digest("hex") })}`,
    }),
    says: {
      new: { conversation_uuid: "CON-1", uuid: "u", from: "15550123", to: "15550100" },
      after: { conversation_uuid: "CON-1", uuid: "w", from: "15550123", status: "disconnected", direction: "outbound" },
      taken: { conversation_uuid: "CON-1", status: "answered", direction: "outbound" },
      untaken: { conversation_uuid: "CON-1", status: "unanswered", direction: "outbound" },
      over: { conversation_uuid: "CON-1", status: "completed", direction: "inbound" },
    },
    connect: (url, { query }) => callFromVonage(url, { query, headers: {} }),
    streamIn: (answer) => queryOf(/"uri":"([^"]+)"/.exec(answer)?.[1] ?? ""),
    means: { hangUp: "[]", dial: '{"type":"phone","number":"15550199"}', busy: '"action":"talk"' },
  },
  {
    name: "jambonz",
    manners: jambonzManners,
    sign: () => ({ authorization: `Basic ${Buffer.from(`linekeeper:${token}`).toString("base64")}` }),
    says: {
      new: { call_sid: "j-1", from: "+15550123", call_status: "trying" },
      after: { call_sid: "j-1", from: "+15550123", call_status: "in-progress" },
      taken: { call_sid: "j-1", call_status: "in-progress", dial_call_status: "completed" },
      untaken: { call_sid: "j-1", call_status: "in-progress", dial_call_status: "busy" },
      over: { call_sid: "j-1", call_status: "completed" },
    },
    connect: (url, { query }) => callFromJambonz(url, { encoding: "pcm16@16000", query }),
    streamIn: (answer) => queryOf(/"url":"([^"]+)"/.exec(answer)?.[1] ?? ""),
    means: { hangUp: '"hangup"', dial: '{"type":"phone","number":"+15550199"}', busy: "486" },
  },
];

describe.each(exchanges)("$name", ({ manners, sign: signed, says, connect, streamIn, means }) => {
  const json = manners.contentType.includes("json");
  const rejected: string[] = [];

  async function exchange(code?: "busy" | "draining", hangUp: (callId: string) => void = () => {}): Promise<House> {
    const refusal = (): Fault | undefined => (code === undefined ? undefined : new Fault(code, "not now"));
    const parts = {
      tokens: () => [token],
      publicUrl: () => publicUrl,
      refusal,
      rejected: (why: string) => void rejected.push(why),
      holds: () => false,
      hangUp,
      hangUpThere: () => {},
      tickets: ownTicketBox(),
      clock: time,
      log: silentLog,
    };
    const carrier = new AskingCarrier(manners, parts);
    return openHouse({ dialects, carriers: [carrier], routes: carrier.routes });
  }

  /** A webhook as the carrier sends it; `headers` in place of its own proof. */
  async function asks(
    house: House,
    path: string,
    fields: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response> {
    const body = json ? JSON.stringify(fields) : new URLSearchParams(fields).toString();
    const type = json ? "application/json" : "application/x-www-form-urlencoded";
    const proof = headers ?? signed({ url: `${publicUrl}${path}`, type, body });
    return fetch(`${house.url}${path}`, { method: "POST", body, headers: { "content-type": type, ...proof } });
  }

  const answers = async (house: House, path: string, fields: Readonly<Record<string, string>>): Promise<string> =>
    (await asks(house, path, fields)).text();
  const webSocketOf = (house: House): string => house.url.replace("http", "ws");

  /** A call that is on, as the carrier brought it. */
  async function called(house: House): Promise<FakeCaller> {
    const caller = await connect(webSocketOf(house), streamIn(await answers(house, `/${manners.dialect}/voice?agent=desk`, says.new)));
    await caller.start();
    await vi.waitFor(() => expect(house.reception.guests).toHaveLength(1), patience);
    return caller;
  }

  test("a call is answered with a stream, and the stream is let in as that call", async () => {
    await using house = await exchange();
    const caller = await called(house);
    const { carrierCallId, agent, from, parameters } = house.reception.last.start;
    expect([carrierCallId]).toEqual([says.new["CallSid"] ?? says.new["CallUUID"] ?? says.new["conversation_uuid"] ?? says.new["call_sid"]]);
    expect({ agent, from: from?.replace("+", "") }).toEqual({ agent: "desk", from: "15550123" });
    expect(Object.keys(parameters)).not.toContain("ticket");
    expect(caller.violations).toEqual([]);
    caller.vanish();
  });

  test("a call that we placed is one with whom we called, also after its stream broke, and over when they hang up", async () => {
    const hungUp: string[] = [];
    await using house = await exchange(undefined, (callId) => void hungUp.push(callId));
    const query = "agent=desk&direction=outbound&machine=hang-up";
    const whom = { To: "+15550199", to: "+15550199" };
    const placed = { agent: "desk", from: "+15550199", parameters: { direction: "outbound", machine: "hang-up" } };
    const caller = await connect(
      webSocketOf(house),
      streamIn(await answers(house, `/${manners.dialect}/voice?${query}`, { ...says.new, ...whom })),
    );
    await caller.start();
    await vi.waitFor(() => expect(house.reception.guests).toHaveLength(1), patience);
    expect(house.reception.last.start).toMatchObject(placed);
    caller.vanish();
    const back = await connect(
      webSocketOf(house),
      streamIn(await answers(house, `/${manners.dialect}/after?${query}`, { ...says.after, ...whom })),
    );
    await back.start();
    await vi.waitFor(() => expect(house.reception.guests).toHaveLength(2), patience);
    expect(house.reception.last.start).toMatchObject({ ...placed, resume: "r" });
    // What else is told of it changes nothing.
    await answers(house, `/${manners.dialect}/status?direction=outbound`, says.after);
    expect(hungUp).toEqual([]);
    await answers(house, `/${manners.dialect}/status?direction=outbound`, { ...says.over, direction: "outbound" });
    expect(hungUp).toEqual(["c2"]);
    back.vanish();
  });

  test("a request that is not the carrier's is refused, whatever is wrong with it", async () => {
    await using house = await exchange();
    const path = `/${manners.dialect}/voice`;
    const good = signed({ url: `${publicUrl}${path}`, type: "", body: "another body" });
    const forged = Object.fromEntries(Object.entries(good).map(([name, value]) => [name, `${value.slice(0, -6)}AAAA==`]));
    for (const headers of [{}, forged]) {
      const response = await asks(house, path, says.new, headers);
      expect(response.status).toBe(403);
      expect(await response.text()).toContain(manners.setting);
    }
  });

  test("a stream comes in with its own ticket, once, and with nothing less", async () => {
    await using house = await exchange();
    const given = streamIn(await answers(house, `/${manners.dialect}/voice`, says.new));
    const changed = (from: string, to: string): typeof given => ({
      query: given.query.replace(from, to),
      parameters: Object.fromEntries(Object.entries(given.parameters).map(([name, value]) => [name, value.replace(from, to)])),
    });
    const { query, parameters } = given;
    const call = new URLSearchParams(query).get("call") ?? parameters["call"] ?? "";
    for (const attempt of [
      { query: "", parameters: {} },
      { query: "?ticket=a.b.c", parameters: { ticket: "a.b.c" } },
      changed(encodeURIComponent(call), "other"),
      changed(call, "other"),
    ]) {
      const unchanged = attempt.query === query && JSON.stringify(attempt.parameters) === JSON.stringify(parameters);
      if (unchanged) continue;
      const stranger = await connect(webSocketOf(house), attempt).catch((error: unknown) => error);
      if (stranger instanceof Error) expect(stranger.message).toContain("403");
      else await ended(stranger as FakeCaller); // What `connect` resolves with.
    }
    expect(house.reception.guests).toHaveLength(0);
    const caller = await connect(webSocketOf(house), given);
    await caller.start();
    await vi.waitFor(() => expect(house.reception.guests).toHaveLength(1), patience);
    await ended(await connect(webSocketOf(house), given));
    expect(house.reception.guests).toHaveLength(1);
    caller.vanish();
  });

  async function ended(stranger: FakeCaller): Promise<void> {
    void stranger.start();
    expect(await stranger.closed).toMatchObject({ code: 1008 });
  }

  test("a stream that broke is led back into the same call", async () => {
    await using house = await exchange();
    const caller = await called(house);
    caller.vanish();
    await vi.waitFor(() => expect(house.reception.last.signals).toHaveLength(1), patience);
    const again = await connect(webSocketOf(house), streamIn(await answers(house, `/${manners.dialect}/after?agent=desk`, says.after)));
    await again.start();
    await vi.waitFor(() => expect(house.reception.guests).toHaveLength(2), patience);
    // The reception gives everybody the resume token "r".
    expect(house.reception.last.start).toMatchObject({ resume: "r", agent: "desk" });
    again.vanish();
  });

  test("a call that comes back again and again is given up", async () => {
    await using house = await exchange();
    const said: string[] = [];
    for (let time = 0; time < 4; time += 1) said.push(await answers(house, `/${manners.dialect}/after`, says.after));
    expect(said.map((each) => each.includes("ticket"))).toEqual([true, true, true, false]);
    expect(said.at(-1)).toContain(means.hangUp);
  });

  test("a call that we ended is hung up", async () => {
    await using house = await exchange();
    const caller = await called(house);
    house.reception.last.leg.close({ reason: "done" });
    await caller.closed;
    expect(await answers(house, `/${manners.dialect}/after`, says.after)).toContain(means.hangUp);
  });

  test.each([true, false])("a caller is sent on, and it is told what came of it (taken: %s)", async (taken) => {
    await using house = await exchange();
    const caller = await called(house);
    const { leg, signals } = house.reception.last;
    leg.transfer("+15550199", "");
    await caller.closed;
    expect(await answers(house, `/${manners.dialect}/after`, says.after)).toContain(means.dial);
    const next = await answers(house, `/${manners.dialect}/dialled`, taken ? says.taken : says.untaken);
    // What takes the caller over may be told while it goes on: then nothing is to be done.
    if (taken) expect([means.hangUp, ""].some((each) => (each === "" ? next === "" : next.includes(each)))).toBe(true);
    else expect(next).toContain("ticket");
    await vi.waitFor(() => expect(signals[0]).toMatchObject({ type: taken ? "transferred" : "transfer-failed" }), patience);
  });

  test("a caller who is gone while being sent on has hung up", async () => {
    await using house = await exchange();
    const caller = await called(house);
    house.reception.last.leg.transfer("+15550199", "");
    await caller.closed;
    await asks(house, `/${manners.dialect}/after`, says.over);
    expect(house.reception.last.signals).toEqual([{ type: "hung-up" }]);
  });

  test("with all lines busy the carrier is told in its own words", async () => {
    await using house = await exchange("busy");
    expect(await answers(house, `/${manners.dialect}/voice`, says.new)).toContain(means.busy);
    expect(rejected).toEqual(["busy"]);
  });

  test.skipIf(manners.waitThenAsk("", 1) === undefined)("while this server restarts, calls old and new wait and ask again", async () => {
    await using house = await exchange("draining");
    for (let time = 0; time < 5; time += 1) {
      expect(await answers(house, `/${manners.dialect}/voice?agent=desk`, says.new)).toContain(
        `${publicUrl}/${manners.dialect}/voice?agent=desk`,
      );
      expect(await answers(house, `/${manners.dialect}/after?agent=desk`, says.after)).toContain(
        `${publicUrl}/${manners.dialect}/after?agent=desk`,
      );
    }
  });

  test("a request that names no call is no request", async () => {
    await using house = await exchange();
    expect((await asks(house, `/${manners.dialect}/voice`, { hello: "there" })).status).toBe(400);
  });
});

test("without any secret a carrier is served on this machine alone", () => {
  const parts = {
    tokens: () => [],
    publicUrl: () => publicUrl,
    refusal: () => undefined,
    rejected: () => {},
    holds: () => false,
    hangUp: () => {},
    hangUpThere: () => {},
    tickets: ownTicketBox(),
    clock: time,
    log: silentLog,
  };
  for (const manners of [telnyxManners(() => [], time), plivoManners(() => []), signalwireManners(() => []), jambonzManners]) {
    const carrier = new AskingCarrier(manners, parts);
    const knock = { target: "/", query: new URLSearchParams("ticket=x"), headers: {} };
    expect(() => carrier.mayConnect(knock, false)).toThrow(manners.setting);
    expect(() => carrier.mayConnect(knock, true)).not.toThrow();
  }
});

test("telnyx: a webhook of an hour ago is refused, however well it is signed", () => {
  const body = Buffer.from("CallSid=c");
  const stamp = String(inSeconds() - 3_600);
  const headers = {
    "telnyx-timestamp": stamp,
    "telnyx-signature-ed25519": sign(null, Buffer.from(`${stamp}|CallSid=c`), telnyxKeys.privateKey).toString("base64"),
  };
  const inquiry = { url: publicUrl, method: "POST", headers, query: new URLSearchParams(), body, fields: {} };
  expect(telnyxManners(() => [newerTelnyxKey, telnyxPublicKey], time).isSigned(inquiry)).toBe(false);
  expect(telnyxManners(() => ["no key"], time).isSigned(inquiry)).toBe(false);
});

test("vonage: the end of our own leg is not the end of the caller's", () => {
  const told = (fields: Readonly<Record<string, string>>): string | undefined =>
    vonageManners(() => [newerSecret, secret], time).read({
      url: publicUrl,
      method: "POST",
      headers: {},
      query: new URLSearchParams(),
      body: Buffer.alloc(0),
      fields: { conversation_uuid: "CON-1", ...fields },
    })?.state;
  expect(told({ status: "completed", direction: "outbound" })).toBe("news");
  expect(told({ status: "completed", direction: "inbound" })).toBe("over");
  expect(told({ status: "ringing", direction: "inbound" })).toBe("news");
  expect(told({ status: "disconnected", direction: "outbound" })).toBe("running");
});

test("vonage: a WebSocket with the account's own token is let in without a ticket", () => {
  const manners = vonageManners(() => [newerSecret, secret], time);
  const knock = (authorization: string): Parameters<Manners["isSignedUpgrade"]>[0] => ({
    target: "/",
    query: new URLSearchParams(),
    headers: { authorization },
  });
  expect(manners.isSignedUpgrade(knock(`Bearer ${jwt({ exp: inSeconds() + 60 })}`))).toBe(true);
  expect(manners.isSignedUpgrade(knock(`Bearer ${jwt({ exp: inSeconds() - 60 })}`))).toBe(false);
  expect(manners.isSignedUpgrade(knock(`Bearer ${jwt({ exp: inSeconds() + 60 }).slice(0, -4)}AAAA`))).toBe(false);
  expect(manners.isSignedUpgrade(knock(`Bearer ${Buffer.from('{"alg":"none"}').toString("base64url")}.e30.`))).toBe(false);
});
