import { isIP } from "node:net";
import { expect, test } from "vitest";
import { codecNames } from "../../../src/caller/sip/rtp/codecs.ts";
import { Latch } from "../../../src/caller/sip/rtp/latch.ts";
import { parseRtp, writeRtp } from "../../../src/caller/sip/rtp/packet.ts";
import { parseRtcp, writeRtcp } from "../../../src/caller/sip/rtp/rtcp.ts";
import { answerOffer, makeOffer, readAnswer, type OwnMedia } from "../../../src/caller/sip/sdp.ts";
import { Fault } from "../../../src/kernel/fault.ts";
import { option } from "./wire.ts";

const own: OwnMedia = {
  address: "198.51.100.1",
  port: 20_000,
  sessionId: 1,
  version: 1,
  codecs: codecNames,
  secure: false,
  keyAndSalt: Buffer.alloc(30, 7),
};
const key = Buffer.alloc(30, 9).toString("base64");

const offer = (...media: readonly string[]): string =>
  ["v=0", "o=- 1 1 IN IP4 192.0.2.5", "s=-", "c=IN IP4 192.0.2.5", "t=0 0", ...media, ""].join("\r\n");

test("the first codec of the offer that we know is taken, with the offer's own numbers", () => {
  const { agreed, answer } = answerOffer(
    offer(
      "m=audio 4000 RTP/AVP 18 110 8 0 96",
      "a=rtpmap:110 opus/48000/2",
      "a=rtpmap:96 telephone-event/8000",
      "a=rtpmap:97 telephone-event/48000",
    ),
    own,
    undefined,
  );
  expect(agreed).toMatchObject({ codec: { name: "opus" }, payloadType: 110, remote: { address: "192.0.2.5", port: 4000, rtcpPort: 4001 } });
  expect(answer).toContain("m=audio 20000 RTP/AVP 110 97\r\n");
  expect(answer).toContain("a=rtpmap:110 opus/48000/2\r\n");
  expect(answer).toContain("c=IN IP4 198.51.100.1\r\n");
});

test("a new offer keeps the codec that is spoken, when it still has it", () => {
  const text = offer("m=audio 4000 RTP/AVP 8 0");
  expect(answerOffer(text, own, "PCMU").agreed.codec.name).toBe("PCMU");
  expect(answerOffer(text, own, "G722").agreed.codec.name).toBe("PCMA");
});

test("media that we do not take keep their places, refused", () => {
  const { answer } = answerOffer(offer("m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/AVP 8"), own, undefined);
  expect([...answer.matchAll(/^m=(\w+) (\d+)/gm)].map(([, type, port]) => `${type} ${port}`)).toEqual([
    "video 0",
    "audio 20000",
    "audio 0",
  ]);
});

test.each([
  ["sendrecv", "sendrecv", true, true],
  ["sendonly", "recvonly", false, false],
  ["recvonly", "sendonly", true, false],
  ["inactive", "inactive", false, false],
])("an offer that is %s is answered %s", (theirs, ours, sends, receives) => {
  const { agreed, answer } = answerOffer(offer("m=audio 4000 RTP/AVP 0", `a=${theirs}`), own, undefined);
  expect(agreed).toMatchObject({ sends, receives });
  expect(answer).toContain(`a=${ours}\r\n`);
});

test("an address of zeros holds, as it did before there were words for it", () => {
  const held = offer("m=audio 4000 RTP/AVP 0").replace("c=IN IP4 192.0.2.5", "c=IN IP4 0.0.0.0");
  expect(answerOffer(held, own, undefined).agreed).toMatchObject({ sends: false, receives: false });
});

test("keys are taken over an encrypted wire only, by the first suite that both know", () => {
  const text = offer(
    "m=audio 4000 RTP/SAVP 0",
    `a=crypto:1 AEAD_AES_256_GCM inline:${key}`,
    `a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:${key}|2^31`,
  );
  const { agreed, answer } = answerOffer(text, { ...own, secure: true }, undefined);
  expect(agreed.srtp).toEqual({ suite: "AES_CM_128_HMAC_SHA1_32", id: 2, theirs: Buffer.alloc(30, 9), ours: own.keyAndSalt });
  expect(answer).toContain(`a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:${own.keyAndSalt.toString("base64")}\r\n`);
  expect(() => answerOffer(text, own, undefined)).toThrow("no audio that we can do");
});

test("our own offer can be answered by ourselves, in every codec, plain and encrypted", () => {
  for (const secure of [false, true]) {
    for (const name of codecNames) {
      const [here, there] = [
        { ...own, secure, codecs: [name] },
        { ...own, secure, address: "203.0.113.9", keyAndSalt: Buffer.alloc(30, 3) },
      ];
      const { agreed, answer } = answerOffer(makeOffer(here), there, undefined);
      const back = readAnswer(answer, here);
      expect([agreed.codec.name, back.codec.name, back.payloadType]).toEqual([name, name, agreed.payloadType]);
      expect(back.srtp?.theirs).toEqual(secure ? there.keyAndSalt : undefined);
      expect(back.dtmf?.clockHz).toBe(agreed.codec.clockHz);
    }
  }
});

test("a codec whose name is a number is none that we know", () => {
  expect(() => answerOffer(offer("m=audio 4000 RTP/AVP 101", "a=rtpmap:101 4711/8000"), own, undefined)).toThrow(Fault);
});

test("whatever is in a description, it is read or it is a fault of the caller", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const next = option(seed);
  const whole = Buffer.from(
    offer(
      "m=audio 4000 RTP/AVP 0 8 101",
      "a=rtpmap:0 PCMU/8000",
      "a=rtpmap:101 telephone-event/8000",
      "a=ptime:20",
      "a=rtcp:4001",
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`,
    ),
  );
  for (let round = 0; round < 3_000; round += 1) {
    const bytes = Buffer.from(whole);
    for (let hits = next(6); hits >= 0; hits -= 1) bytes[next(bytes.length)] = next(128);
    try {
      const { agreed } = answerOffer(bytes.toString("latin1"), own, undefined);
      const { port, rtcpPort, address } = agreed.remote;
      for (const each of [port, rtcpPort]) expect(each > 0 && each < 65_536, `seed ${seed}, round ${round}`).toBe(true);
      expect(isIP(address), `seed ${seed}, round ${round}`).not.toBe(0);
    } catch (error) {
      expect(error, `seed ${seed}, round ${round}`).toBeInstanceOf(Fault);
      expect((error as Fault).row.blame, `seed ${seed}, round ${round}`).toBe("caller"); // Checked in the line above.
    }
  }
});

const caller = { address: "203.0.113.5", port: 4000 };
const elsewhere = { address: "198.51.100.66", port: 4000 };

test("packets go to where the caller's come from, and strangers are not let in", () => {
  const latch = new Latch(caller);
  expect(latch.lets({ ...caller, port: 4002 }, false, 0)).toBe(true);
  expect(latch.target).toEqual({ ...caller, port: 4002 });
  for (let at = 0; at < 20; at += 1) {
    expect(latch.lets({ ...caller, port: 4002 }, false, at * 20)).toBe(true);
    expect(latch.lets(elsewhere, false, at * 20)).toBe(false);
  }
  expect(latch.strangers).toBe(20);
});

test("a caller behind a NAT is found: at once by a private address or a signature, else when the same place insists", () => {
  expect(new Latch({ address: "192.168.1.7", port: 4000 }).lets(elsewhere, false, 0)).toBe(true);
  expect(new Latch(caller).lets(elsewhere, true, 0)).toBe(true);
  const latch = new Latch(caller);
  expect(Array.from({ length: 6 }, () => latch.lets(elsewhere, false, 0))).toEqual([false, false, false, false, true, true]);
});

test("a caller who moved is followed when the old place is silent", () => {
  const latch = new Latch(caller);
  latch.lets(caller, false, 0);
  expect(latch.lets({ ...caller, port: 5000 }, false, 900)).toBe(false);
  expect(latch.lets({ ...caller, port: 5000 }, false, 1_100)).toBe(true);
});

test("packets are read as they were written, extensions, contributors and padding aside", () => {
  const packet = writeRtp({ payloadType: 96, marker: true, sequence: 65_535, timestamp: 4_294_967_295, ssrc: 1 }, Buffer.from("abcd"));
  expect(parseRtp(packet)).toMatchObject({ payloadType: 96, marker: true, sequence: 65_535, timestamp: 4_294_967_295, ssrc: 1 });
  const dressed = Buffer.concat([
    packet.subarray(0, 12),
    Buffer.alloc(4),
    Buffer.from([0, 0, 0, 1, 9, 9, 9, 9]),
    Buffer.from("abcd"),
    Buffer.from([0, 2]),
  ]);
  dressed[0] = 0x80 | 0x20 | 0x10 | 1;
  expect(parseRtp(dressed)?.payload.toString()).toBe("abcd");
  for (let length = 0; length < 12; length += 1) expect(parseRtp(packet.subarray(0, length))).toBeUndefined();
});

test("reports are read as they were written, and noise is none", () => {
  const report = {
    ssrc: 2,
    lossShare: 0.25,
    lostPackets: -3,
    highestSequence: 70_000,
    jitterUnits: 160,
    lastReport: 77,
    sinceLastReport: 65_536,
  };
  const bytes = writeRtcp(1, "name", { wallMs: Date.UTC(2026, 0, 1), timestamp: 5, packets: 6, bytes: 7 }, report, true);
  expect(parseRtcp(bytes)).toMatchObject({ reports: [report], bye: true });
  expect(bytes.length % 4).toBe(0);
  const next = option(3);
  for (let round = 0; round < 2_000; round += 1) {
    const noise = Buffer.from(Array.from({ length: next(120) }, () => next(256)));
    expect(() => [parseRtcp(noise), parseRtp(noise)]).not.toThrow();
  }
});
