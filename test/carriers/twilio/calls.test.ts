import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { bytesOf } from "../../../src/audio/encodings.ts";
import { fakes } from "../../../src/fakes/fakes.ts";
import { TwilioCloud } from "../../../src/fakes/carriers/twilio-cloud.ts";
import type { TwilioPhone } from "../../../src/fakes/carriers/twilio-phone.ts";
import type { Panel } from "../../../src/fakes/panel.ts";
import { babble } from "../../../src/fakes/voice.ts";
import { startServer, type Server } from "../../scenario/server.ts";

const publicUrl = "https://voice.example.org";
const authToken = "0123456789abcdef0123456789abcdef";
const patient = { timeout: 30_000 };
const patience = { timeout: 15_000 };
const words = (text: string): Uint8Array => Buffer.concat([babble(text, "pcmu@8000"), Buffer.alloc(bytesOf(900, "pcmu@8000"), 0xff)]);

interface Exchange extends AsyncDisposable {
  readonly server: Server;
  readonly cloud: TwilioCloud;
  readonly openai: Panel;
}

/** The started server, OpenAI as a fake behind it, Twilio as a fake before it. */
async function exchange(settings: Readonly<Record<string, string>> = {}): Promise<Exchange> {
  const fake = await fakes.find(({ name }) => name === "openai")?.start({ port: 0 });
  if (fake === undefined) throw new Error("there is no fake OpenAI");
  const cloud = new TwilioCloud({ authToken, publicUrl, secondMs: 20 });
  const server = await startServer({
    ...fake.settings,
    LINEKEEPER_TIERS: "openai",
    LINEKEEPER_CONFIG: join(import.meta.dirname, "../../scenario/cloud.json"),
    PUBLIC_URL: publicUrl,
    TWILIO_AUTH_TOKEN: authToken,
    TWILIO_ACCOUNT_SID: cloud.accountSid,
    TWILIO_NUMBER: "+15550100",
    TWILIO_BASE_URL: await cloud.listen(),
    ...settings,
  });
  cloud.localUrl = server.url.replace(/\/$/, "");
  return {
    server,
    cloud,
    openai: fake.panel,
    async [Symbol.asyncDispose]() {
      await cloud[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
}

/** The agent's greeting was heard to its end, and we know it: that nothing waits to be played might also be a gap in it. */
async function greeted({ server }: Exchange, phone: TwilioPhone): Promise<void> {
  const { from, to, direction } = phone.about;
  const person = direction === "inbound" ? from : to;
  await vi.waitFor(() => {
    expect(phone.streams).toHaveLength(1);
    expect(phone.stream.speaker.playedMs).toBeGreaterThan(200);
    expect(server.house.roster.calls().find((call) => call.from === person)?.phase).toBe("listening");
  }, patience);
}

const inOrder = ({ cloud, openai }: Exchange): void => {
  expect(cloud.errors).toEqual([]);
  expect(openai.violations).toEqual([]);
  for (const { streams } of cloud.phones) for (const { violations } of streams) expect(violations).toEqual([]);
};

test(
  "a caller talks with the agent, and not one byte of µ-law is touched on the way, in either direction",
  { timeout: 30_000 },
  async () => {
    await using at = await exchange();
    at.openai.callerSays("A table for two, please.");
    at.openai.reply("Good day.", "For two, certainly.");
    const phone = at.cloud.calls();
    await greeted(at, phone);
    phone.says(words("A table for two, please."));
    await vi.waitFor(() => expect(at.openai.last.answers).toBe(2), patience);
    await vi.waitFor(() => expect(phone.stream.speaker.received.length).toBe(at.openai.last.spoken.bytes), patience);
    expect(phone.stream.speaker.received.equals(at.openai.last.spoken.all())).toBe(true);
    expect(at.openai.last.settings).toMatchObject({ uplink: "pcmu@8000", downlink: "pcmu@8000" });
    phone.hangUp();
    await phone.over;
    const heard = Buffer.from(at.openai.last.heard.all());
    expect(heard.length).toBeGreaterThan(bytesOf(1_000, "pcmu@8000"));
    expect(Buffer.concat(phone.stream.spoken).includes(heard)).toBe(true);
    inOrder(at);
  },
);

test("a caller who speaks over the agent stops it, and the agent knows to where it was heard", patient, async () => {
  await using at = await exchange();
  at.openai.callerSays("What is there?", "Stop, please.");
  at.openai.reply("Good day.", { text: "There are a great many things to be said about that.", ms: 9_000 }, "As you like.");
  const phone = at.cloud.calls();
  await greeted(at, phone);
  const { speaker } = phone.stream;
  const greetingMs = speaker.playedMs;
  phone.says(words("What is there?"));
  await vi.waitFor(() => expect(speaker.playedMs - greetingMs).toBeGreaterThan(1_200), patience);
  phone.says(words("Stop, please."));
  await vi.waitFor(() => expect(speaker.clears).toBe(1), patience);
  const heardMs = speaker.playedMs - greetingMs;
  await vi.waitFor(() => expect(at.openai.last.cuts).toHaveLength(1), patience);
  // Nine seconds were there to be had, three tenths of a second were under way.
  expect(Math.abs((at.openai.last.cuts[0] ?? 0) - heardMs)).toBeLessThan(300);
  await vi.waitFor(() => expect(at.openai.last.answers).toBe(3), patience);
  await vi.waitFor(() => expect(speaker.playedMs).toBeGreaterThan(greetingMs + heardMs + 200), patience);
  inOrder(at);
});

test.concurrent(
  "keys that the caller presses reach the agent, keys that the agent presses are heard as tones",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using at = await exchange();
    at.openai.reply("Good day.", "Three it is.");
    const phone = at.cloud.calls();
    await greeted(at, phone);
    const { roster } = at.server.house;
    phone.stream.press("3");
    await vi.waitFor(() => expect(at.openai.last.answers).toBe(2), patience);
    roster.sendDtmf(roster.calls()[0]?.callId ?? "", "42#");
    await vi.waitFor(() => expect(phone.stream.digitsHeard).toContain("42#"), patience);
    inOrder(at);
  },
);

test.concurrent(
  "a stream that breaks is opened again by the webhook that follows it, into the same call",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using at = await exchange();
    at.openai.callerSays("Are you there?");
    at.openai.reply("Good day.", "I am.");
    const phone = at.cloud.calls();
    await greeted(at, phone);
    const [before] = at.server.house.roster.calls();
    phone.stream.vanish();
    await vi.waitFor(() => expect(phone.streams).toHaveLength(2), patience);
    await vi.waitFor(() => expect(at.server.house.roster.calls()).toMatchObject([{ callId: before?.callId }]), patience);
    phone.says(words("Are you there?"));
    await vi.waitFor(() => expect(at.openai.last.answers).toBe(2), patience);
    await vi.waitFor(() => expect(phone.stream.speaker.playedMs).toBeGreaterThan(100), patience);
    expect(phone.history.filter((each) => !each.startsWith("stream-"))).toEqual(["voice", "<Connect>", "action", "<Connect>"]);
    inOrder(at);
  },
);

test.concurrent("a line that breaks again and again is given up in words", patient, async ({ expect }) => {
  await using at = await exchange();
  const phone = at.cloud.calls();
  for (let stream = 1; stream <= 4; stream += 1) {
    await vi.waitFor(() => expect(phone.streams).toHaveLength(stream), patience);
    phone.stream.vanish();
  }
  await phone.over;
  expect(phone.history).toContainEqual(expect.stringMatching(/^<Say> Sorry/));
  await vi.waitFor(() => expect(at.server.house.roster.calls()).toEqual([]), patience);
});

test.concurrent("a call that we end is hung up by the webhook that follows", patient, async ({ expect }) => {
  await using at = await exchange();
  const phone = at.cloud.calls();
  await greeted(at, phone);
  const { roster } = at.server.house;
  roster.hangUp(roster.calls()[0]?.callId ?? "");
  await phone.over;
  expect(phone.history.slice(-4)).toEqual(["action", "<Hangup>", "over", "status"]);
  expect(phone.streams).toHaveLength(1);
  inOrder(at);
});

test.concurrent(
  "a caller is sent on to a person, and our call is over once they have answered",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using at = await exchange();
    const phone = at.cloud.calls();
    await greeted(at, phone);
    const { roster } = at.server.house;
    roster.transfer(roster.calls()[0]?.callId ?? "", "+15550777");
    await vi.waitFor(() => expect(phone.history).toContain("person answered"), patience);
    expect(phone.history).toContain("<Dial> +15550777");
    await vi.waitFor(() => expect(roster.calls()).toEqual([]), patience);
    phone.personHangsUp();
    await phone.over;
    expect(phone.history.slice(-4)).toEqual(["action", "<Hangup>", "over", "status"]);
    inOrder(at);
  },
);

test.concurrent("a caller whom nobody answers comes back to the same agent", patient, async ({ expect }) => {
  await using at = await exchange();
  const phone = at.cloud.calls();
  phone.person = () => "no-answer";
  await greeted(at, phone);
  const { roster } = at.server.house;
  const callId = roster.calls()[0]?.callId ?? "";
  roster.transfer(callId, "sip:desk@example.org");
  await vi.waitFor(() => expect(phone.streams).toHaveLength(2), patience);
  expect(phone.history).toContain("<Dial> sip:desk@example.org");
  await vi.waitFor(() => expect(roster.calls()).toMatchObject([{ callId }]), patience);
  phone.says(words("Nobody there."));
  await vi.waitFor(() => expect(phone.stream.speaker.playedMs).toBeGreaterThan(100), patience);
  inOrder(at);
});

test.concurrent("when all lines are busy the call is turned away before it is answered", patient, async ({ expect }) => {
  await using at = await exchange({ LINEKEEPER_MAX_CALLS: "1" });
  const first = at.cloud.calls();
  await greeted(at, first);
  const second = at.cloud.calls({ from: "+15550999" });
  await second.over;
  expect(second.history).toEqual(["voice", "<Reject> busy", "over", "status"]);
  expect(first.isOver).toBe(false);
  inOrder(at);
});

test("twenty-five calls come in through one address", { timeout: 60_000 }, async () => {
  await using at = await exchange();
  const phones = Array.from({ length: 25 }, (_, index) => at.cloud.calls({ from: `+1555010${index}` }));
  await vi.waitFor(() => expect(phones.map(({ streams }) => streams.length)).toEqual(phones.map(() => 1)), { timeout: 30_000 });
  await vi.waitFor(() => expect(at.server.house.roster.calls()).toHaveLength(25), { timeout: 30_000 });
  expect(at.cloud.errors).toEqual([]);
});

const place = (at: Exchange, order: object): Promise<Response> =>
  fetch(`${at.server.url}v1/calls`, { method: "POST", body: JSON.stringify(order), headers: { "content-type": "application/json" } });

test.concurrent(
  "a call that we place is answered by the agent that was named, and is over when the person hangs up",
  patient,
  async ({ expect }) => {
    await using at = await exchange();
    const answer = await place(at, { to: "+15550123", agent: "front-desk", language: "en-GB" });
    expect(answer.status).toBe(202);
    const [phone] = at.cloud.phones;
    if (phone === undefined) throw new Error("nobody was called");
    expect(await answer.json()).toEqual({ carrier: "twilio", carrierCallId: phone.callSid });
    await greeted(at, phone);
    expect(at.server.house.roster.calls()).toMatchObject([{ from: "+15550123", language: "en-GB", agent: "front-desk" }]);
    phone.hangUp();
    await phone.over;
    await vi.waitFor(() => expect(at.server.house.roster.calls()).toEqual([]), patience);
    inOrder(at);
  },
);

test.concurrent("a placed call that a machine answers is ended, one that a person answers goes on", patient, async ({ expect }) => {
  await using at = await exchange();
  await place(at, { to: "+15550123", machine: "hang-up" });
  await place(at, { to: "+15550124", machine: "hang-up" });
  const [first, second] = at.cloud.phones;
  if (first === undefined || second === undefined) throw new Error("nobody was called");
  await Promise.all([greeted(at, first), greeted(at, second)]);
  await first.answeredBy("machine_start");
  await second.answeredBy("human");
  await first.over;
  expect(at.cloud.requests.map(({ what }) => what)).not.toContain(`POST Calls/${second.callSid}.json`);
  expect(second.isOver).toBe(false);
  inOrder(at);
});

test.concurrent(
  "an agent that has a rule for machines has Twilio listen for them, unless the order says otherwise",
  patient,
  async ({ expect }) => {
    const folder = mkdtempSync(join(tmpdir(), "agents-"));
    const config = JSON.parse(readFileSync(join(import.meta.dirname, "../../scenario/cloud.json"), "utf8")) as { agents: object[] }; // Ours.
    const machine = { then: "leave-message", message: "Please call us back." };
    const path = join(folder, "agents.json");
    writeFileSync(path, JSON.stringify({ ...config, agents: [...config.agents, { ...config.agents[0], name: "caller", machine }] }));
    await using at = await exchange({ LINEKEEPER_CONFIG: path });
    await place(at, { to: "+15550123", agent: "caller" });
    await place(at, { to: "+15550124" });
    await place(at, { to: "+15550125", agent: "caller", machine: "ignore" });
    await place(at, { to: "+15550126", machine: "hang-up" });
    const orders = at.cloud.requests.filter(({ what }) => what === "POST Calls.json");
    expect(orders.map(({ form }) => form.get("MachineDetection"))).toEqual(["DetectMessageEnd", null, null, "Enable"]);
    rmSync(folder, { recursive: true });
  },
);

test.concurrent(
  "an order that Twilio refuses is refused in Twilio's words, and one that nobody could take in ours",
  patient,
  async ({ expect }) => {
    await using at = await exchange({ TWILIO_NUMBER: "" });
    const nameless = await place(at, { to: "+15550123" });
    expect([nameless.status, await nameless.text()]).toEqual([409, expect.stringContaining("TWILIO_NUMBER")]);
    at.cloud.refusesOrders = true;
    const wrong = await place(at, { to: "+15550123", from: "+15550100" });
    expect([wrong.status, await wrong.text()]).toEqual([409, expect.stringContaining("not a valid phone number")]);
    const nobody = await place(at, { to: "+15550123", carrier: "telex" });
    expect([nobody.status, await nobody.text()]).toEqual([409, expect.stringContaining("through twilio")]);
    const odd = await place(at, { to: "call me" });
    expect(odd.status).toBe(422);
  },
);
