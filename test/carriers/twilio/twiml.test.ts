import { expect, test } from "vitest";
import twilio from "twilio";
import * as twiml from "../../../src/carriers/twilio/twiml.ts";

const { VoiceResponse } = twilio.twiml;
const hostile = `<&>"' + ü 😀`;

test("a stream is asked for as the vendor's own package would write it", () => {
  const response = new VoiceResponse();
  const stream = response
    .connect({ action: "https://h/twilio/action?agent=a&language=de", method: "POST" })
    .stream({ url: "wss://h/twilio", statusCallback: "https://h/twilio/status" });
  stream.parameter({ name: "agent", value: hostile });
  stream.parameter({ name: "ticket", value: "t" });
  const ours = twiml.connect({
    streamUrl: "wss://h/twilio",
    actionUrl: "https://h/twilio/action?agent=a&language=de",
    statusUrl: "https://h/twilio/status",
    parameters: { agent: hostile, language: undefined, ticket: "t" },
  });
  expect(plain(ours)).toBe(plain(response.toString()));
});

test("a caller is sent on to a number or a SIP address as the vendor's own package would write it", () => {
  const order = {
    ringLimitS: 20,
    actionUrl: "https://h/d?a=1&b=2",
    answeredUrl: "https://h/a",
    whisperUrl: "https://voice.example.org/twilio/whisper",
  };
  const attributes = {
    statusCallback: order.answeredUrl,
    statusCallbackEvent: ["answered" as const],
    url: "https://voice.example.org/twilio/whisper",
  };
  const vendor = (): { response: InstanceType<typeof VoiceResponse>; dial: ReturnType<InstanceType<typeof VoiceResponse>["dial"]> } => {
    const response = new VoiceResponse();
    return { response, dial: response.dial({ answerOnBridge: true, timeout: 20, action: order.actionUrl, method: "POST" }) };
  };
  const number = vendor();
  number.dial.number(attributes, "+15550100");
  expect(plain(twiml.dial({ ...order, target: "+15550100", whisperUrl: undefined }))).not.toContain("whisper");
  expect(plain(twiml.dial({ ...order, target: "+15550100" }))).toBe(plain(number.response.toString()));
  const sip = vendor();
  sip.dial.sip(attributes, "sip:desk@example.org;transport=tls");
  expect(plain(twiml.dial({ ...order, target: "sip:desk@example.org;transport=tls" }))).toBe(plain(sip.response.toString()));
});

test("ends, apologies and waits are written as the vendor's own package would write them", () => {
  const say = new VoiceResponse();
  say.say("Sorry & goodbye");
  say.hangup();
  expect(plain(twiml.sorry("Sorry & goodbye"))).toBe(plain(say.toString()));
  const wait = new VoiceResponse();
  wait.pause({ length: 2 });
  wait.redirect({ method: "POST" }, "https://h/x?a=1&b=2");
  expect(plain(twiml.waitThenAsk(2, "https://h/x?a=1&b=2"))).toBe(plain(wait.toString()));
  const reject = new VoiceResponse();
  reject.reject({ reason: "busy" });
  expect(plain(twiml.rejectBusy())).toBe(plain(reject.toString()));
  const end = new VoiceResponse();
  end.hangup();
  expect(plain(twiml.hangUp())).toBe(plain(end.toString()));
  expect(plain(twiml.nothing())).toBe(plain(new VoiceResponse().toString()));
});

/** Two spellings of one document made equal: entities that both may write, and an empty root. */
const plain = (xml: string): string =>
  xml.replaceAll("&apos;", "'").replaceAll("&gt;", ">").replace("<Response></Response>", "<Response/>").replace(/>\s+</g, "><");
