import { expect, test } from "vitest";
import { parseRtp, writeRtp } from "../../../src/caller/sip/rtp/packet.ts";
import { writeRtcp } from "../../../src/caller/sip/rtp/rtcp.ts";
import { derive, SrtpStream } from "../../../src/caller/sip/rtp/srtp.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const key = hex("e1f97a0d3e018be0d64fa32c06de4139");
const salt = hex("0ec675ad498afeebb6960b3aabe6");
const keyAndSalt = Buffer.concat([key, salt]);
const suite = "AES_CM_128_HMAC_SHA1_80";

test("session keys are those of RFC 3711 appendix B.3", () => {
  expect(derive(key, salt, 0, 16)).toEqual(hex("c61e7a93744f39ee10734afe3ff7a087"));
  expect(derive(key, salt, 2, 14)).toEqual(hex("30cbbc08863d8c85d49db34a9ae1"));
  expect(derive(key, salt, 1, 20)).toEqual(hex("cebe321f6ff7716b6fd4ab49af256a156d38baa4"));
});

// The packet with which libsrtp checks itself.
const plain = hex("800f1234 decafbad cafebabe abababababababababababababababab");
const sealed = hex("800f1234 decafbad cafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb");

test("a packet is sealed and opened as other implementations do it", () => {
  expect(new SrtpStream(suite, keyAndSalt).protectRtp(plain)).toEqual(sealed);
  expect(new SrtpStream(suite, keyAndSalt).openRtp(sealed)).toEqual(plain);
});

test("a packet that was changed, or comes twice, is not opened", () => {
  const stream = new SrtpStream(suite, keyAndSalt);
  for (let at = 0; at < sealed.length; at += 1) {
    const forged = Buffer.from(sealed);
    forged[at] = (forged[at] ?? 0) ^ 0x01;
    expect(stream.openRtp(forged), `byte ${at}`).toBeUndefined();
  }
  expect(stream.openRtp(sealed)).toEqual(plain);
  expect(stream.openRtp(sealed)).toBeUndefined();
  expect(stream.openRtp(sealed.subarray(0, 15))).toBeUndefined();
});

const packet = (sequence: number): Buffer =>
  writeRtp({ payloadType: 0, marker: false, sequence, timestamp: sequence * 160, ssrc: 7 }, Buffer.alloc(160, sequence & 0xff));

test("the numbers roll over and packets may change places around it", () => {
  const [out, back] = [new SrtpStream(suite, keyAndSalt), new SrtpStream(suite, keyAndSalt)];
  const sent = Array.from({ length: 40 }, (_, at) => out.protectRtp(packet((65_516 + at) & 0xffff)));
  const order = sent.map((_, at) => (at % 4 === 3 ? at - 1 : at % 4 === 2 ? at + 1 : at));
  const heard = order.map((at) => parseRtp(back.openRtp(sent[at] ?? Buffer.alloc(0)) ?? Buffer.alloc(0))?.sequence);
  expect(heard).toEqual(order.map((at) => (65_516 + at) & 0xffff));
});

test("reports are sealed too, each once", () => {
  const report = writeRtcp(7, "name", undefined, undefined, false);
  for (const each of ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"] as const) {
    const [out, back] = [new SrtpStream(each, keyAndSalt), new SrtpStream(each, keyAndSalt)];
    const [first, second] = [out.protectRtcp(report), out.protectRtcp(report)];
    expect(first.equals(second)).toBe(false);
    expect(back.openRtcp(first)).toEqual(report);
    expect(back.openRtcp(second)).toEqual(report);
    expect(back.openRtcp(first)).toBeUndefined();
    const forged = Buffer.from(out.protectRtcp(report));
    forged[9] = (forged[9] ?? 0) ^ 1;
    expect(back.openRtcp(forged)).toBeUndefined();
  }
});
