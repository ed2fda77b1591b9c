import { describe, test, vi } from "vitest";
import { pcm16Wav } from "./baresip.ts";
import { Linphone } from "./linphone.ts";
import { openSipHouse } from "./sip-house.ts";
import { has } from "./sipp.ts";

// Programs of other makes take their time to start on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const patience = { timeout: 20_000 };
const words = { say: async () => new Uint8Array(16_000) };

describe.skipIf(!has("linphonec"))("linphone", () => {
  test.concurrent("a caller is heard, holds, comes back, and is put into our place with a person who was told first", async ({
    expect,
  }) => {
    await using house = await openSipHouse({ codecs: ["PCMU"] }, { speech: words });
    await using phone = await Linphone.start();
    await using human = await Linphone.start(true);
    phone.write(
      "says.wav",
      pcm16Wav(
        Int16Array.from({ length: 80_000 }, (_, at) => Math.round(8_000 * Math.sin(at / 3))),
        8_000,
      ),
    );
    phone.command(`call sip:bot@127.0.0.1:${house.port}`);
    await expect.poll(() => house.reception.guests.length, patience).toBe(1);
    await phone.says("Media streams established");
    phone.command(`play ${phone.file("says.wav")}`);
    const guest = house.reception.last;
    await expect.poll(() => guest.audio.length, patience).toBeGreaterThan(8_000);
    phone.command("pause 1");
    await expect.poll(() => guest.signals, patience).toEqual([{ type: "paused" }]);
    phone.command("resume 1");
    await expect.poll(() => guest.signals, patience).toEqual([{ type: "paused" }, { type: "resumed" }]);
    guest.leg.transfer(`sip:human@127.0.0.1:${human.port}`, "A call for you.");
    await expect.poll(() => guest.signals.at(-1), patience).toEqual({ type: "transferred" });
    expect(phone.output).toContain("?Replaces=");
    await human.says("Call 2 with");
    await expect.poll(() => house.endpoint.size, patience).toBe(0);
  });
});
