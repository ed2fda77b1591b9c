import { describe, test, vi } from "vitest";
import { pcmu as law } from "../../../src/audio/g711.ts";
import { freePorts } from "./free-ports.ts";
import { openSipHouse } from "./sip-house.ts";
import { has, sipp, sippFile, steps } from "./sipp.ts";

// Programs of other makes take their time to start on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const { invite, answered, ack, request, expect: expects, pause } = steps;
const bye = (number = 2): string => `${request("BYE", number)}\n${expects(200)}`;
const call = (...middle: readonly string[]): string => [invite(), answered, ack, ...middle, bye()].join("\n");

describe.skipIf(!has("sipp"))("sipp", () => {
  for (const [name, transport] of [
    ["UDP", "u1"],
    ["TCP", "t1"],
  ] as const) {
    test.concurrent(`a call over ${name} is answered, acknowledged and ended by the caller`, async ({ expect }) => {
      await using house = await openSipHouse();
      const run = await sipp(house.port, call(pause(300)), ["-t", transport]);
      expect(run.code, run.output).toBe(0);
      expect(house.reception.last.signals).toEqual([{ type: "hung-up" }]);
      expect(house.endpoint.size).toBe(0);
    });
  }

  test.concurrent("what a caller says arrives byte for byte, and what is said comes back", async ({ expect }) => {
    await using house = await openSipHouse({}, { echo: true });
    const speech = law.encode(Int16Array.from({ length: 16_000 }, (_, at) => Math.round(8_000 * Math.sin(at / 7) * Math.sin(at / 900))));
    using file = sippFile("speech.ulaw", speech);
    const play = `<nop><action><exec rtp_stream="${file.path},1,0,PCMU/8000"/></action></nop>`;
    const run = await sipp(house.port, call(play, pause(2_300)), ["-t", "u1"]);
    expect(run.code, run.output).toBe(0);
    const { audio } = house.reception.last;
    // On a busy machine sipp itself may be late, and the gap is made up; each made-up run blends into the frame that follows.
    const made = house.qualities[0]?.concealedMs ?? 0;
    let [found, at] = [0, 0];
    for (let frame = 0; frame < speech.length; frame += 160) {
      const place = audio.indexOf(speech.subarray(frame, frame + 160), at);
      if (place >= 0) [found, at] = [found + 1, place + 160];
    }
    expect(found).toBeGreaterThanOrEqual(speech.length / 160 - (2 * made) / 20);
    expect(found).toBeGreaterThan(20);
  });

  test.concurrent("digits of a telephone keypad are told once each", async ({ expect }) => {
    await using house = await openSipHouse();
    const sdp = "[auto_media_port] RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15";
    const press = (digit: string): string =>
      `<nop><action><exec play_pcap_audio="/usr/share/sip-tester/dtmf_2833_${digit}.pcap"/></action></nop>\n${pause(900)}`;
    const run = await sipp(house.port, [invite([], sdp), answered, ack, press("1"), press("2"), press("pound"), bye()].join("\n"), [
      "-t",
      "u1",
    ]);
    expect(run.code, run.output).toBe(0);
    const digits = house.reception.last.signals.flatMap((signal) => (signal.type === "dtmf" ? [signal.digit] : []));
    expect(digits).toEqual(["1", "2", "#"]);
  });

  test.concurrent("digits that come by INFO are told too", async ({ expect }) => {
    await using house = await openSipHouse();
    const info = `<send><![CDATA[
INFO [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 2 INFO
Content-Type: application/dtmf-relay
Content-Length: [len]

Signal=*
Duration=160
]]></send>`;
    const run = await sipp(house.port, [invite(), answered, ack, info, expects(200), bye(3)].join("\n"));
    expect(run.code, run.output).toBe(0);
    expect(house.reception.last.signals).toContainEqual({ type: "dtmf", digit: "*" });
  });

  test.concurrent("who has the password is let in, who has another is not", async ({ expect }) => {
    await using house = await openSipHouse({ peers: ["192.0.2.1"], credentials: { username: "desk", password: "sesame" } });
    const refusedAck = request("ACK", 1).replace("[next_url]", "sip:bot@[remote_ip]");
    const challenged = [invite(), '<recv response="100" optional="true"/>\n<recv response="401" auth="true"/>', refusedAck];
    const again = (password: string): string =>
      invite([`[authentication username=desk password=${password}]`]).replace("CSeq: 1", "CSeq: 2");
    const right = await sipp(house.port, [...challenged, again("sesame"), answered, ack.replace("CSeq: 1", "CSeq: 2"), bye(3)].join("\n"));
    expect(right.code, right.output).toBe(0);
    const wrong = await sipp(
      house.port,
      [...challenged, again("simsim"), expects(401), refusedAck.replace("CSeq: 1", "CSeq: 2")].join("\n"),
    );
    expect(wrong.code, wrong.output).toBe(0);
    expect(house.reception.guests).toHaveLength(1);
    // Whoever shows nothing yet only asks what to show.
    expect(house.unproven).toEqual([["password", "127.0.0.1"]]);
  });

  for (const afterMs of [0, 50, 300]) {
    test.concurrent(`a call that is taken back after ${afterMs} ms is over, whoever was first`, async ({ expect }) => {
      await using house = await openSipHouse({}, { answersAfterMs: 50 });
      const cancel = `<send><![CDATA[
CANCEL sip:bot@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch-5]
From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]
To: <sip:bot@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 CANCEL
Max-Forwards: 70
Content-Length: 0
]]></send>`;
      const { code, output } = await sippCancel(house.port, cancel, afterMs);
      expect(code, output).toBe(0);
      await expect.poll(() => house.endpoint.size, { timeout: 10_000 }).toBe(0);
      for (const guest of house.reception.guests) expect(guest.signals).toEqual([{ type: "hung-up" }]);
    });
  }

  test.concurrent("a caller who holds and comes back, moves and changes the codec is still the same caller", async ({ expect }) => {
    await using house = await openSipHouse({}, { echo: true });
    const again = (number: number, sdp: string): string =>
      `${request("INVITE", number, [], sdp)}\n<recv response="100" optional="true"/>\n<recv response="200" rrs="true"/>\n${request("ACK", number)}`;
    const held =
      '<recv response="200" rrs="true"><action><ereg regexp="a=recvonly" search_in="body" check_it="true" assign_to="1"/></action></recv>';
    const middle = [
      again(2, "[rtpstream_audio_port] RTP/AVP 0\na=sendonly").replace('<recv response="200" rrs="true"/>', held),
      again(3, "[rtpstream_audio_port] RTP/AVP 0\na=sendrecv"),
      again(4, "[rtpstream_audio_port] RTP/AVP 8\na=sendrecv"),
      `<Reference variables="1"/>`,
    ];
    const run = await sipp(house.port, [invite(), answered, ack, ...middle, bye(5)].join("\n"));
    expect(run.code, run.output).toBe(0);
    expect(house.reception.guests).toHaveLength(1);
    expect(house.qualities[0]?.codec).toBe("PCMA");
    expect(house.reception.last.signals).toEqual([{ type: "paused" }, { type: "resumed" }, { type: "hung-up" }]);
    // The session hears what it heard from the first: the change is ours to bridge.
    expect(house.reception.last.leg.uplink).toBe("pcmu@8000");
  });

  test.concurrent("a caller who holds by UPDATE, or by an address of zeros, holds too, and one who only mutes does not", async ({
    expect,
  }) => {
    await using house = await openSipHouse();
    const update = (number: number, direction: string): string =>
      `${request("UPDATE", number, [], `[rtpstream_audio_port] RTP/AVP 0\na=${direction}`)}\n${expects(200)}`;
    const zeros = update(4, "sendrecv").replace("c=IN IP4 [media_ip]", "c=IN IP4 0.0.0.0");
    const middle = [update(2, "inactive"), update(3, "sendrecv"), zeros, update(5, "sendrecv"), update(6, "recvonly")];
    const run = await sipp(house.port, [invite(), answered, ack, ...middle, bye(7)].join("\n"));
    expect(run.code, run.output).toBe(0);
    const [paused, resumed] = [{ type: "paused" }, { type: "resumed" }];
    expect(house.reception.last.signals).toEqual([paused, resumed, paused, resumed, { type: "hung-up" }]);
  });

  test.concurrent("an answer that is not acknowledged is repeated until it is", async ({ expect }) => {
    await using house = await openSipHouse();
    const twice = '<recv response="200" rrs="true"/>';
    const run = await sipp(house.port, [invite(), answered, twice, twice, ack, bye()].join("\n"), ["-nr"]);
    expect(run.code, run.output).toBe(0);
  });

  test.concurrent("an INVITE without an offer gets one, and its answer is taken from the ACK", async ({ expect }) => {
    await using house = await openSipHouse({}, { echo: true });
    const late = request("ACK", 1, [], "[rtpstream_audio_port] RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000");
    const run = await sipp(house.port, [invite([], ""), answered, late, pause(300), bye()].join("\n"));
    expect(run.code, run.output).toBe(0);
    expect(house.qualities[0]?.sentPackets).toBeGreaterThan(5);
  });

  const refused: readonly (readonly [string, readonly string[], string, number])[] = [
    ["that requires reliable provisional answers", ["Require: 100rel"], "[rtpstream_audio_port] RTP/AVP 0", 420],
    ["with a session timer that is too short", ["Supported: timer", "Session-Expires: 30"], "[rtpstream_audio_port] RTP/AVP 0", 422],
    ["without a codec that we know", [], "[rtpstream_audio_port] RTP/AVP 3", 488],
    [
      "with keys over a wire that everybody can read",
      [],
      `[rtpstream_audio_port] RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${"A".repeat(40)}`,
      488,
    ],
  ];
  for (const [what, headers, sdp, status] of refused) {
    test.concurrent(`an INVITE ${what} is refused with ${status}`, async ({ expect }) => {
      await using house = await openSipHouse();
      const steps = [
        invite(headers, sdp),
        '<recv response="100" optional="true"/>',
        expects(status),
        request("ACK", 1).replace("[next_url]", "sip:bot@[remote_ip]"),
      ];
      const run = await sipp(house.port, steps.join("\n"));
      expect(run.code, run.output).toBe(0);
      expect(house.reception.guests).toHaveLength(0);
    });
  }

  test.concurrent("a caller with a session timer is told who refreshes, and OPTIONS in the call is answered", async ({ expect }) => {
    await using house = await openSipHouse();
    const steps = [
      invite(["Supported: timer", "Session-Expires: 120"]),
      answered.replace(
        'rrs="true" rtd="true"/>',
        'rrs="true"><action><ereg regexp="120;refresher=uac" search_in="hdr" header="Session-Expires:" check_it="true" assign_to="1"/></action></recv>',
      ),
      ack,
      request("OPTIONS", 2),
      expects(200),
      request("UPDATE", 3, ["Supported: timer", "Session-Expires: 120;refresher=uac"]),
      expects(200),
      bye(4),
      '<Reference variables="1"/>',
    ];
    const run = await sipp(house.port, steps.join("\n"));
    expect(run.code, run.output).toBe(0);
  });

  test.concurrent("who is told first what it is about gets the caller in our place, without ringing again", async ({ expect }) => {
    const speech = { say: async () => new Uint8Array(16_000) };
    await using house = await openSipHouse({}, { speech });
    const [port] = await freePorts();
    const human = sipp(
      port ?? 0,
      [recv("INVITE"), answer(180), answer(200, "Supported: replaces"), recv("ACK"), recv("BYE"), reply200].join("\n"),
      ["-p", String(port)],
    );
    const verdict = `<send><![CDATA[
NOTIFY [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]
To:[$2]
Call-ID: [call_id]
CSeq: 2 NOTIFY
Event: refer
Subscription-State: terminated;reason=noresource
Content-Type: message/sipfrag
Content-Length: [len]

SIP/2.0 200 OK
]]></send>`;
    const refer =
      '<recv request="REFER"><action><ereg regexp="Replaces=[^;]+%3Bto-tag%3D[^;]+%3Bfrom-tag%3D" search_in="hdr" header="Refer-To:" check_it="true" assign_to="1"/></action></recv>';
    const taken = reply200.replace("200 OK", "202 Accepted");
    const answeredWithTo = answered.replace(
      'rrs="true" rtd="true"/>',
      'rrs="true"><action><ereg regexp=".*" search_in="hdr" header="To:" assign_to="2"/></action></recv>',
    );
    const steps = [invite(), answeredWithTo, ack, refer, taken, verdict, expects(200), '<recv request="BYE"/>', reply200];
    const caller = sipp(house.port, [...steps, '<Reference variables="1,2"/>'].join("\n"));
    await expect.poll(() => house.endpoint.size, { timeout: 10_000 }).toBe(1);
    house.reception.last.leg.transfer(`sip:human@127.0.0.1:${port}`, "A call for you.");
    const runs = await Promise.all([caller, human]);
    for (const run of runs) expect(run.code, run.output).toBe(0);
    expect(house.reception.last.signals).toEqual([{ type: "transferred" }]);
    await expect.poll(() => house.endpoint.size, { timeout: 10_000 }).toBe(0);
  });

  test.concurrent("we hang up, and the caller is told", async ({ expect }) => {
    await using house = await openSipHouse();
    const running = sipp(house.port, [invite(), answered, ack, '<recv request="BYE"/>', reply200].join("\n"));
    await expect.poll(() => house.endpoint.size, { timeout: 10_000 }).toBe(1);
    house.reception.last.leg.close({ reason: "done" });
    const run = await running;
    expect(run.code, run.output).toBe(0);
  });
});

const recv = (method: string): string => `<recv request="${method}"/>`;

/** What somebody answers who is called. */
const answer = (status: number, ...headers: readonly string[]): string =>
  `<send><![CDATA[
SIP/2.0 ${status} ${status === 200 ? "OK" : "Answer"}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]human[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:human@[local_ip]:[local_port];transport=[transport]>
${headers.map((each) => `${each}\n`).join("")}${
    status === 200
      ? "Content-Type: application/sdp\nContent-Length: [len]\n\nv=0\no=- 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [rtpstream_audio_port] RTP/AVP 0"
      : "Content-Length: 0\n"
  }
]]></send>`;

const reply200 = `<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0
]]></send>`;

/** INVITE, a pause, CANCEL; then either 487, or a success that crossed it and is hung up. */
async function sippCancel(port: number, cancel: string, afterMs: number): Promise<{ code: number | null; output: string }> {
  const wait = afterMs > 0 ? '<recv response="100" optional="true"/><recv response="180"/>' : "";
  const crossed = afterMs > 100;
  const steps = crossed
    ? [invite(), answered, ack, cancel, expects(200), bye()]
    : [
        invite(),
        wait,
        afterMs > 0 ? "" : '<recv response="100"/>',
        cancel.replace("[branch-5]", afterMs > 0 ? "[branch-3]" : "[branch-2]"),
        '<recv response="180" optional="true"/><recv response="200"/>',
        expects(487),
        request("ACK", 1).replace("[next_url]", "sip:bot@[remote_ip]"),
      ];
  return sipp(port, steps.filter((step) => step !== "").join("\n"));
}
