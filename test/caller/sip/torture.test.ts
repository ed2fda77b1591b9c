import { createSocket, type Socket } from "node:dgram";
import { connect } from "node:net";
import { expect, test, vi } from "vitest";
import { readMessage } from "../../../src/caller/sip/message/parse.ts";
import { openSipHouse, type SipHouse } from "./sip-house.ts";
import { tortures, type Fate } from "./torture.ts";
import { option, requestText } from "./wire.ts";

vi.setConfig({ testTimeout: 30_000 });

function fateOf(text: string): Fate {
  const reading = readMessage(Buffer.from(text, "latin1"));
  if (reading.name === "message") return "taken";
  return reading.request === undefined ? "dropped" : reading.status;
}

test.each(tortures)("RFC 4475 $name", ({ text, fate }) => {
  expect(fateOf(text)).toBe(fate);
});

/** A socket of somebody who says what they like, and hears what comes back. */
class Stranger implements Disposable {
  readonly heard: string[] = [];
  readonly #socket: Socket;
  readonly #port: number;

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
    socket.on("message", (bytes) => void this.heard.push(bytes.toString("latin1")));
  }

  static knock(house: SipHouse): Promise<Stranger> {
    const socket = createSocket("udp4");
    return new Promise((resolve) => socket.bind(0, "127.0.0.1", () => resolve(new Stranger(socket, house.port))));
  }

  says(text: string): void {
    this.#socket.send(Buffer.from(text, "latin1"), this.#port, "127.0.0.1");
  }

  /** Says it, again and again as clients do, until there is an answer to that call. */
  async asks(text: string, callId: string): Promise<string> {
    const answer = (): string | undefined => this.heard.find((each) => each.includes(callId));
    const again = (): string | undefined => {
      if (answer() === undefined) this.says(text);
      return answer();
    };
    await expect.poll(again, { timeout: 20_000 }).toBeDefined();
    return answer() ?? "";
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

test("an endpoint that was told all of it goes on answering", async () => {
  await using house = await openSipHouse();
  using stranger = await Stranger.knock(house);
  for (const { text } of tortures) stranger.says(text);
  expect(await stranger.asks(requestText("OPTIONS", { callId: "still@there" }), "still@there")).toMatch(/^SIP\/2\.0 200 OK/);
});

test("what is malformed is answered in words, in the transaction that it names", async () => {
  await using house = await openSipHouse();
  using stranger = await Stranger.knock(house);
  const answer = await stranger.asks(requestText("INVITE", { callId: "bad@cseq", cseq: "1 BYE" }), "bad@cseq");
  expect(answer).toMatch(/^SIP\/2\.0 400 CSeq names another method/);
  expect(answer).toMatch(/;rport=\d+/);
});

test.each([
  [
    "an extension that we do not know",
    requestText("INVITE", { callId: "x@1", headers: ["Require: nothingSupportsThis"] }),
    /^SIP\/2\.0 420 [\s\S]*Unsupported: nothingsupportsthis/,
  ],
  [
    "a body that is no session description",
    requestText("INVITE", { callId: "x@1", headers: ["Content-Type: application/unknownformat"], body: "<audio/>" }),
    /^SIP\/2\.0 415 [\s\S]*Accept: application\/sdp/,
  ],
  ["a URI of another scheme", requestText("INVITE", { callId: "x@1", uri: "urn:service:sos" }), /^SIP\/2\.0 416 /],
  [
    "a description that is none",
    requestText("INVITE", { callId: "x@1", headers: ["Content-Type: application/sdp"], body: "hello" }),
    /^SIP\/2\.0 (?:100|400) /,
  ],
  ["a method that we do not serve", requestText("SUBSCRIBE", { callId: "x@1" }), /^SIP\/2\.0 405 [\s\S]*Allow: INVITE/],
  ["a call that does not exist", requestText("BYE", { callId: "x@1", to: "<sip:linekeeper@127.0.0.1>;tag=gone" }), /^SIP\/2\.0 481 /],
])("%s is refused as the standard says", async (_, text, wanted) => {
  await using house = await openSipHouse();
  using stranger = await Stranger.knock(house);
  expect(await stranger.asks(text, "x@1")).toMatch(wanted);
  expect(house.reception.guests).toHaveLength(0);
});

test("strangers are refused before anybody is troubled, and a scan is not answered for long", async () => {
  await using house = await openSipHouse({ peers: ["192.0.2.0/24"] });
  using stranger = await Stranger.knock(house);
  for (let at = 0; at < 200; at += 1) stranger.says(requestText(at % 2 === 0 ? "INVITE" : "REGISTER", { callId: `scan${at}@x` }));
  await expect.poll(() => house.endpoint.strangers, { timeout: 20_000 }).toBeGreaterThan(50);
  expect(stranger.heard.every((each) => /^SIP\/2\.0 403 /.test(each))).toBe(true);
  expect(stranger.heard.length).toBeLessThan(60);
  // A flood is told of as far as it is answered.
  expect(house.unproven.length).toBeGreaterThan(0);
  expect(house.unproven.length).toBeLessThan(60);
  expect(new Set(house.unproven.map(([lacking]) => lacking))).toEqual(new Set(["address"]));
  expect(house.reception.guests).toHaveLength(0);
  const socket = connect(house.port, "127.0.0.1").on("error", () => {});
  await new Promise((resolve) => socket.once("close", resolve));
});

test("noise on the signalling port leaves calls alone", async () => {
  await using house = await openSipHouse();
  using stranger = await Stranger.knock(house);
  const next = option(7);
  for (let at = 0; at < 500; at += 1)
    stranger.says(Buffer.from(Array.from({ length: 16 + next(400) }, () => next(256))).toString("latin1"));
  expect(await stranger.asks(requestText("OPTIONS", { callId: "after@noise" }), "after@noise")).toMatch(/^SIP\/2\.0 200 OK/);
});
