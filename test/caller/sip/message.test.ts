import { expect, test } from "vitest";
import { Framing } from "../../../src/caller/sip/message/framing.ts";
import { writeMessage } from "../../../src/caller/sip/message/message.ts";
import { readMessage, type Reading } from "../../../src/caller/sip/message/parse.ts";
import { responseTo } from "../../../src/caller/sip/message/respond.ts";
import { parseNameAddr, parseUri, parseVia } from "../../../src/caller/sip/message/uri.ts";
import { option, requestText } from "./wire.ts";

const read = (text: string): Reading => readMessage(Buffer.from(text, "latin1"));
const message = (text: string): Extract<Reading, { name: "message" }>["message"] => {
  const reading = read(text);
  if (reading.name !== "message") throw new Error(reading.flaw);
  return reading.message;
};

test("a message that is written and read again is the same", () => {
  const text = requestText("INVITE", { headers: ['Subject: caf\xe9 "x"', "Supported: timer, replaces"], body: "v=0\r\n" });
  const first = message(text);
  const again = message(writeMessage(first).toString("latin1"));
  expect(again).toEqual(first);
  expect(again.headers.options("supported")).toEqual(["timer", "replaces"]);
});

test("compact names, folded lines and values that share a line mean the same as the long form", () => {
  const found = message(
    "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nv: SIP/2.0/UDP a.example;branch=z9hG4bK1, SIP/2.0/TCP [::1]:5070\r\n" +
      "f: <sip:a@b>;tag=1\r\nt: Some\r\n  One <sip:c@d>\r\ni: 1@x\r\nCSEQ : 7\r\n\tOPTIONS\r\nk: timer\r\nl: 0\r\n\r\n",
  );
  expect(found.headers.all("Via")).toEqual(["SIP/2.0/UDP a.example;branch=z9hG4bK1", "SIP/2.0/TCP [::1]:5070"]);
  expect(found.headers.get("To")).toBe("Some One <sip:c@d>");
  expect(found.headers.get("cseq")).toBe("7 OPTIONS");
  expect(found.headers.options("Supported")).toEqual(["timer"]);
});

test.each([
  ["sip:alice@example.com", { user: "alice", host: "example.com", port: undefined }],
  ["sips:[2001:db8::1]:5061;transport=tls;lr", { scheme: "sips", host: "2001:db8::1", port: 5061 }],
  ["sip:user;par=u%40example.net@example.com", { user: "user;par=u%40example.net", host: "example.com" }],
])("%s is read", (text, parts) => {
  expect(parseUri(text)).toMatchObject(parts);
});

test.each(["sip:", "sip:a b@c", "sip:a@b:99999", "sip:<a@b>", "http//x", "sip:a@b;=x"])("%j is no SIP URI", (text) => {
  expect(parseUri(text)).toBeUndefined();
});

test("commas and semicolons in quotation marks and angle brackets separate nothing", () => {
  const found = parseNameAddr(String.raw`"Bell, \"A;x\"" <sip:a@b;lr>;tag=7;x="a;b"`);
  expect(found).toMatchObject({ display: 'Bell, "A;x"', uri: "sip:a@b;lr" });
  expect([...(found?.params ?? [])]).toEqual([
    ["tag", "7"],
    ["x", "a;b"],
  ]);
  expect(parseVia("SIP/2.0/TLS [::1]:5061;rport;branch=z9hG4bKa")).toMatchObject({ transport: "tls", host: "::1", port: 5061 });
});

test("a response copies what belongs to the request, and the route where a dialog may begin", () => {
  const invite = message(requestText("INVITE", { headers: ["Record-Route: <sip:p1;lr>, <sip:p2;lr>"] }));
  if (invite.kind !== "request") throw new Error("not a request");
  const ok = responseTo(invite, 200, "mine");
  expect(ok.headers.all("Record-Route")).toEqual(["<sip:p1;lr>", "<sip:p2;lr>"]);
  expect(ok.headers.get("To")).toMatch(/;tag=mine$/);
  expect(ok.headers.all("Via")).toEqual(invite.headers.all("Via"));
  expect(responseTo(invite, 486, "mine").headers.all("Record-Route")).toEqual([]);
});

test("a stream is cut into messages wherever its segments end", () => {
  const one = requestText("OPTIONS", { body: "hello" });
  const two = requestText("BYE", {});
  const stream = Buffer.from(`\r\n${one}\r\n\r\n${two}`);
  for (let size = 1; size < stream.length; size += 37) {
    const framing = new Framing();
    const framed = Array.from({ length: Math.ceil(stream.length / size) }, (_, at) =>
      framing.push(stream.subarray(at * size, (at + 1) * size)),
    ).flat();
    expect(framed.filter((each) => each.name === "message").map((each) => each.bytes.toString())).toEqual([one, two]);
  }
});

test("a stream without a length, or with too much of it, cannot be read on", () => {
  expect(new Framing().push(Buffer.from("OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n"))).toMatchObject([{ name: "broken" }]);
  expect(new Framing().push(Buffer.from("X\r\nContent-Length: 99999999\r\n\r\n"))).toMatchObject([{ name: "broken" }]);
  expect(new Framing().push(Buffer.alloc(70_000, "x"))).toMatchObject([{ name: "broken" }]);
});

test("a message may be as crooked as it likes: it is read, or it is flawed, and nothing throws", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const next = option(seed);
  const whole = Buffer.from(
    requestText("INVITE", { headers: ["Contact: <sip:a@b>", "Record-Route: <sip:p;lr>"], body: "v=0\r\n" }),
    "latin1",
  );
  for (let round = 0; round < 3_000; round += 1) {
    const bytes = Buffer.from(whole);
    for (let hits = next(8); hits >= 0; hits -= 1) bytes[next(bytes.length)] = next(256);
    const cut = bytes.subarray(0, next(4) === 0 ? next(bytes.length) : bytes.length);
    expect(() => readMessage(cut), `seed ${seed}, round ${round}`).not.toThrow();
  }
});
