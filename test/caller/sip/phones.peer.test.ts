import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, vi } from "vitest";
import { encodings } from "../../../src/audio/encodings.ts";
import { pcmu as law } from "../../../src/audio/g711.ts";
import { systemClock } from "../../../src/kernel/clock.ts";
import { BadWire } from "./bad-wire.ts";
import { Baresip } from "./baresip.ts";
import { openSipHouse } from "./sip-house.ts";
import { has } from "./sipp.ts";
import { longestGapMs, talk } from "./talk.ts";

// Programs of other makes take their time to start on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const tone = (rateHz: number, channels: number): { samples: Int16Array; rateHz: number; channels: number } => ({
  samples: Int16Array.from({ length: 15 * rateHz * channels }, (_, at) =>
    Math.round(8_000 * Math.sin((2 * Math.PI * 440 * Math.floor(at / channels)) / rateHz)),
  ),
  rateHz,
  channels,
});

/** Share of the energy that lies at 440 Hz, in most of the pieces of 50 ms: a phone's own buffer may slip now and then. */
function purity(samples: Int16Array, rateHz: number): number {
  const length = rateHz / 20;
  const shares = Array.from({ length: Math.floor(samples.length / length) }, (_, piece) => {
    let [re, im, energy] = [0, 0, 1];
    for (let at = 0; at < length; at += 1) {
      const sample = samples[piece * length + at] ?? 0;
      re += sample * Math.cos((2 * Math.PI * 440 * at) / rateHz);
      im += sample * Math.sin((2 * Math.PI * 440 * at) / rateHz);
      energy += sample * sample;
    }
    return (2 * (re * re + im * im)) / length / energy;
  });
  return shares.toSorted((a, b) => a - b)[Math.floor(shares.length / 4)] ?? 0;
}

const loudest = (samples: Int16Array): number => samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
const samplesOf = (bytes: Buffer): Int16Array => new Int16Array(new Uint8Array(bytes).buffer, 0, bytes.length >> 1);

function certificate(): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), "cert-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert, ...subject], {
    stdio: "ignore",
  });
  const made = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  rmSync(folder, { recursive: true });
  return made;
}

describe.skipIf(!has("baresip"))("baresip", () => {
  for (const [codec, name, rateHz, channels, uplink] of [
    ["PCMU", "PCMU", 8_000, 1, "pcmu@8000"],
    ["PCMA", "PCMA", 8_000, 1, "pcma@8000"],
    ["G722/16000/1", "G722", 16_000, 1, "pcm16@16000"],
    ["opus/48000/2", "opus", 48_000, 2, "pcm16@24000"],
  ] as const) {
    test.concurrent(`a call in ${name} is heard on both sides`, async ({ expect }) => {
      await using house = await openSipHouse({}, { echo: true });
      await using phone = await Baresip.start({ codec, says: tone(rateHz, channels) });
      phone.command("dial", `sip:bot@127.0.0.1:${house.port}`);
      await phone.event("CALL_ESTABLISHED");
      const leg = house.reception.last.leg;
      expect(leg.uplink).toBe(uplink);
      const { bytesPerMs, rateHz: legHz, codec: written } = encodings[uplink];
      await expect.poll(() => house.reception.last.audio.length, { timeout: 20_000 }).toBeGreaterThan(2_000 * bytesPerMs);
      if (written === "pcm16") expect(purity(samplesOf(house.reception.last.audio).subarray(legHz), legHz)).toBeGreaterThan(0.9);
      phone.command("hangup");
      await expect.poll(() => house.reception.last.signals, { timeout: 10_000 }).toEqual([{ type: "hung-up" }]);
      expect(house.qualities[0]).toMatchObject({ codec: name });
      const heard = await phone.heard();
      expect(loudest(heard)).toBeGreaterThan(6_000);
      const left = heard.filter((_, at) => at % channels === 0);
      expect(purity(left.subarray(left.length >> 1), rateHz)).toBeGreaterThan(0.9);
    });
  }

  test.concurrent("a call over TLS with encrypted audio is heard on both sides", async ({ expect }) => {
    const { cert, key } = certificate();
    await using house = await openSipHouse({ tls: { port: 0, cert, key, ca: undefined } }, { echo: true });
    await using phone = await Baresip.start({ transport: "tls", account: "mediaenc=srtp-mand", says: tone(8_000, 1), ca: cert });
    const uri = house.endpoint.uris.find((each) => each.includes("transport=tls")) ?? "";
    phone.command("dial", uri);
    await phone.event("CALL_ESTABLISHED");
    await expect.poll(() => house.reception.last.audio.length, { timeout: 20_000 }).toBeGreaterThan(16_000);
    house.reception.last.leg.close({ reason: "done" });
    await phone.event("CALL_CLOSED");
    const heard = await phone.heard();
    expect(purity(heard.subarray(heard.length >> 1), 8_000)).toBeGreaterThan(0.9);
  });

  // It runs in real time: a machine that stands still for a moment is no line, and another run tells them apart.
  test.concurrent("over a line that loses 3 %, with 40 ms of jitter, no gap is heard", { retry: 2 }, async ({ expect }) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    await using house = await openSipHouse({}, { echo: true });
    await using wire = await BadWire.open(house.port, { loss: 0.03, delayMs: 80, jitterMs: 40, duplicates: 0.01 }, seed, systemClock);
    await using phone = await Baresip.start({ says: { samples: talk(15_000), rateHz: 8_000, channels: 1 } });
    phone.command("dial", `sip:bot@127.0.0.1:${wire.port}`);
    await phone.event("CALL_ESTABLISHED");
    const guest = house.reception.last;
    await expect.poll(() => guest.audio.length, { timeout: 40_000 }).toBeGreaterThan(12 * 8_000);
    const heard = law.decode(guest.audio);
    phone.command("hangup");
    await expect.poll(() => house.qualities.length, { timeout: 10_000 }).toBe(1);
    const about = `seed ${seed}: ${JSON.stringify([wire.counts, house.qualities[0]])}`;
    expect(house.qualities[0]?.mosEstimate, about).toBeGreaterThan(4.0);
    expect(house.qualities[0]?.lossShare, about).toBeGreaterThan(0.01);
    expect(longestGapMs(heard.subarray(8_000)), about).toBeLessThanOrEqual(60);
  });

  test.concurrent("a phone that holds is not heard, and heard again when it comes back; its digits arrive", async ({ expect }) => {
    await using house = await openSipHouse({}, { echo: true });
    await using phone = await Baresip.start({ says: tone(8_000, 1) });
    phone.command("dial", `sip:bot@127.0.0.1:${house.port}`);
    await phone.event("CALL_ESTABLISHED");
    const guest = house.reception.last;
    await expect.poll(() => guest.audio.length, { timeout: 20_000 }).toBeGreaterThan(4_000);
    const heardAt: number[] = [];
    guest.onSignal = () => void heardAt.push(guest.audio.length);
    phone.command("hold");
    await expect.poll(() => guest.signals, { timeout: 10_000 }).toEqual([{ type: "paused" }]);
    phone.command("resume");
    await expect.poll(() => guest.signals, { timeout: 10_000 }).toEqual([{ type: "paused" }, { type: "resumed" }]);
    expect(heardAt[1]).toBe(heardAt[0]);
    await expect.poll(() => guest.audio.length, { timeout: 20_000 }).toBeGreaterThan((heardAt[1] ?? 0) + 4_000);
    phone.command("sndcode", "5");
    await expect.poll(() => guest.signals, { timeout: 10_000 }).toContainEqual({ type: "dtmf", digit: "5" });
    expect(house.reception.guests).toHaveLength(1);
  });

  test.concurrent("a caller is sent on to another phone, and told when that does not work", async ({ expect }) => {
    await using house = await openSipHouse();
    await using phone = await Baresip.start({});
    await using human = await Baresip.start({ answers: true });
    phone.command("dial", `sip:bot@127.0.0.1:${house.port}`);
    await phone.event("CALL_ESTABLISHED");
    const guest = house.reception.last;
    guest.leg.transfer("nobody at all", "");
    expect(guest.signals).toMatchObject([{ type: "transfer-failed" }]);
    guest.leg.transfer(`sip:phone@127.0.0.1:${human.port}`, "");
    await human.event("CALL_ESTABLISHED");
    await expect.poll(() => guest.signals.at(-1), { timeout: 20_000 }).toEqual({ type: "transferred" });
    expect(house.endpoint.size).toBe(0);
  });

  test.concurrent("a person is told before the caller comes, and their telephone rings once more where it cannot take over", async ({
    expect,
  }) => {
    const words = new Uint8Array(tone(16_000, 1).samples.slice(0, 16_000).buffer);
    await using house = await openSipHouse({}, { speech: { say: async () => words } });
    await using phone = await Baresip.start({ says: tone(8_000, 1) });
    await using human = await Baresip.start({ answers: true, says: tone(8_000, 1) });
    phone.command("dial", `sip:bot@127.0.0.1:${house.port}`);
    await phone.event("CALL_ESTABLISHED");
    const guest = house.reception.last;
    guest.leg.transfer(`sip:phone@127.0.0.1:${human.port}`, "A call for you.");
    await human.event("CALL_ESTABLISHED", 1);
    await expect.poll(() => guest.signals, { timeout: 20_000 }).toEqual([{ type: "transferred" }]);
    await human.event("CALL_CLOSED");
    expect(house.endpoint.size).toBe(0);
    const heard = await human.heard();
    expect(loudest(heard)).toBeGreaterThan(6_000);
  });

  test.concurrent("a phone that we call picks up and talks to us", async ({ expect }) => {
    await using house = await openSipHouse({}, { echo: true });
    await using phone = await Baresip.start({ answers: true, says: tone(8_000, 1) });
    const order = { from: undefined, agent: "desk", language: "de", machine: "ignore", ringLimitS: 20 } as const;
    const placed = await house.endpoint.place({ ...order, to: `sip:phone@127.0.0.1:${phone.port}` });
    await phone.event("CALL_ESTABLISHED");
    await expect.poll(() => house.reception.guests.length, { timeout: 10_000 }).toBe(1);
    const guest = house.reception.last;
    expect(guest.start).toMatchObject({ carrierCallId: placed.carrierCallId, agent: "desk", language: "de" });
    await expect.poll(() => guest.audio.length, { timeout: 20_000 }).toBeGreaterThan(8_000);
    guest.leg.close({ reason: "done" });
    await phone.event("CALL_CLOSED");
  });
});
