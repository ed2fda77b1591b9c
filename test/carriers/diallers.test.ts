import { generateKeyPairSync, verify } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CallOrder, Dialler } from "../../src/caller/outbound.ts";
import { openDiallers } from "../../src/carriers/diallers.ts";
import { SimulatedClock } from "../simulated-clock.ts";

const order: CallOrder = {
  to: "+15550199",
  from: undefined,
  agent: "desk",
  language: "de-DE",
  machine: "leave-message",
  ringLimitS: 25,
};
const keys = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const clock = new SimulatedClock();
const publicUrl = "https://voice.example.org";
const query = "direction=outbound&agent=desk&language=de-DE&machine=leave-message";
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "diallers-"));
  await writeFile(join(folder, "key.pem"), keys.privateKey.export({ type: "pkcs8", format: "pem" }));
});
afterAll(() => rm(folder, { recursive: true }));

interface Asked {
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Api extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** A carrier's REST interface that gives everybody this answer. */
async function openApi(status: number, answer: string): Promise<Api> {
  const asked: Asked[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      asked.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
      response.writeHead(status, { connection: "close", "content-type": "application/json" }).end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // Listening on TCP gives an address of this kind.
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

interface Carrier {
  readonly name: string;
  readonly settings: (url: string) => Readonly<Record<string, string>>;
  /** As its documents show it. */
  readonly answer: object;
  readonly line: string;
  readonly body: object;
}

const carriers: readonly Carrier[] = [
  {
    name: "signalwire",
    settings: (url) => ({
      SIGNALWIRE_SPACE_URL: url,
      SIGNALWIRE_PROJECT_ID: "p-1",
      SIGNALWIRE_API_TOKEN: "t-1",
      SIGNALWIRE_NUMBER: "+15550100",
    }),
    answer: { sid: "the-call", status: "queued", direction: "outbound-api" },
    line: "POST /api/laml/2010-04-01/Accounts/p-1/Calls.json",
    body: {
      To: "+15550199",
      From: "+15550100",
      Url: `${publicUrl}/signalwire/voice?${query}`,
      StatusCallback: `${publicUrl}/signalwire/status?direction=outbound`,
      Timeout: "25",
    },
  },
  {
    name: "plivo",
    settings: (url) => ({ PLIVO_BASE_URL: url, PLIVO_AUTH_ID: "p-1", PLIVO_AUTH_TOKEN: "t-1", PLIVO_NUMBER: "+15550100" }),
    answer: { message: "call fired", request_uuid: "the-call", api_id: "a" },
    line: "POST /v1/Account/p-1/Call/",
    body: {
      to: "+15550199",
      from: "+15550100",
      answer_url: `${publicUrl}/plivo/voice?${query}`,
      answer_method: "POST",
      hangup_url: `${publicUrl}/plivo/status?direction=outbound`,
      hangup_method: "POST",
      ring_timeout: 25,
    },
  },
  {
    name: "vonage",
    settings: (url) => ({
      VONAGE_BASE_URL: url,
      VONAGE_APPLICATION_ID: "app-1",
      VONAGE_PRIVATE_KEY: join(folder, "key.pem"),
      VONAGE_NUMBER: "+15550100",
    }),
    answer: { uuid: "u", status: "started", direction: "outbound", conversation_uuid: "the-call" },
    line: "POST /v1/calls",
    body: {
      to: [{ type: "phone", number: "15550199" }],
      from: { type: "phone", number: "15550100" },
      answer_url: [`${publicUrl}/vonage/voice?${query}`],
      answer_method: "POST",
      event_url: [`${publicUrl}/vonage/status?direction=outbound`],
      event_method: "POST",
      ringing_timer: 25,
    },
  },
  {
    name: "jambonz",
    settings: (url) => ({ JAMBONZ_API_URL: url, JAMBONZ_ACCOUNT_SID: "p-1", JAMBONZ_API_KEY: "t-1", JAMBONZ_NUMBER: "+15550100" }),
    answer: { sid: "the-call", callId: "sip" },
    line: "POST /v1/Accounts/p-1/Calls",
    body: {
      from: "+15550100",
      to: { type: "phone", number: "+15550199" },
      call_hook: { url: `${publicUrl}/jambonz/voice?${query}&token=carrier-token`, method: "POST" },
      call_status_hook: { url: `${publicUrl}/jambonz/status?direction=outbound&token=carrier-token`, method: "POST" },
      timeout: 25,
    },
  },
];

function diallerWith(settings: Readonly<Record<string, string>>): Dialler {
  const all: Readonly<Record<string, string>> = { PUBLIC_URL: publicUrl, ...settings };
  const [dialler, ...more] = openDiallers({
    setting: (name) => all[name],
    publicUrl: () => publicUrl,
    token: () => "carrier-token",
    clock,
  });
  if (dialler === undefined || more.length > 0) throw new Error("expected one dialler");
  return dialler;
}

const without = (settings: Readonly<Record<string, string>>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(settings).filter(([each]) => each !== name));

describe.each(carriers)("$name", ({ name, settings, answer, line, body }) => {
  test("a call is ordered in the carrier's words, and its id is what its webhooks will name", async () => {
    await using api = await openApi(201, JSON.stringify(answer));
    expect(await diallerWith(settings(api.url)).place(order)).toEqual({ carrier: name, carrierCallId: "the-call" });
    expect(api.asked).toHaveLength(1);
    const [asked] = api.asked;
    expect(asked?.line).toBe(line);
    const isJson = asked?.headers["content-type"] === "application/json";
    expect(isJson ? JSON.parse(asked.body) : Object.fromEntries(new URLSearchParams(asked?.body))).toEqual(body);
  });

  test("what the carrier refuses is said in its words, without what we showed it", async () => {
    await using api = await openApi(401, '{"error":"authentication failed"}');
    const failure = await diallerWith(settings(api.url))
      .place(order)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "call-unable",
      message: expect.stringMatching(`through ${name}: it answered 401: .*authentication`),
    });
    expect(String(failure)).not.toMatch(/t-1|Basic|Bearer/);
  });

  test.each(["no JSON", "{}", '{"sid":7,"request_uuid":"","conversation_uuid":null}'])(
    "an answer without an id is none: %s",
    async (text) => {
      await using api = await openApi(200, text);
      await expect(diallerWith(settings(api.url)).place(order)).rejects.toMatchObject({ code: "call-unable" });
    },
  );

  test("without a number to call from the setting is named; the order's own wins", async () => {
    await using api = await openApi(201, JSON.stringify(answer));
    const setting = `${name.toUpperCase()}_NUMBER`;
    const dialler = diallerWith(without(settings(api.url), setting));
    await expect(dialler.place(order)).rejects.toThrow(setting);
    await dialler.place({ ...order, from: "+15550111" });
    expect(api.asked[0]?.body).toMatch(/15550111/);
  });

  test("half the settings are refused at boot, by name", () => {
    const whole = settings("http://127.0.0.1:9");
    const needed = Object.keys(whole).filter((each) => !each.endsWith("_NUMBER") && !each.endsWith("_BASE_URL"));
    for (const missing of needed.slice(1)) expect(() => diallerWith(without(whole, missing))).toThrow(missing);
  });
});

test("a key that is not there, and one that is none, are told by the setting's name", async () => {
  const settings = carriers.find(({ name }) => name === "vonage")?.settings("http://127.0.0.1:9") ?? {};
  await writeFile(join(folder, "other.pem"), generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }));
  await writeFile(join(folder, "none.pem"), "no key");
  for (const file of ["nowhere.pem", "other.pem", "none.pem"]) {
    expect(() => diallerWith({ ...settings, VONAGE_PRIVATE_KEY: join(folder, file) }), file).toThrow("VONAGE_PRIVATE_KEY");
  }
});

test("who signs with its key is known by it, for five minutes", async () => {
  const vonage = carriers.find(({ name }) => name === "vonage");
  await using api = await openApi(201, JSON.stringify(vonage?.answer));
  await diallerWith(vonage?.settings(api.url) ?? {}).place(order);
  const [head = "", claims = "", signature = ""] = api.asked[0]?.headers.authorization?.replace("Bearer ", "").split(".") ?? [];
  expect(verify("sha256", Buffer.from(`${head}.${claims}`), keys.publicKey, Buffer.from(signature, "base64url"))).toBe(true);
  const said: unknown = JSON.parse(Buffer.from(claims, "base64url").toString());
  const now = Math.floor(clock.wallNow() / 1000);
  expect(said).toMatchObject({ application_id: "app-1", iat: now, exp: now + 300, jti: expect.any(String) });
});
