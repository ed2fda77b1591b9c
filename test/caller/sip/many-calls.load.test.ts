import { test } from "vitest";
import { pcmu as law } from "../../../src/audio/g711.ts";
import { openSipHouse } from "./sip-house.ts";
import { has, sipp, sippFile, steps } from "./sipp.ts";

const { invite, answered, ack, request, expect: expects, pause } = steps;
const calls = 200;
const speechMs = 4_000;

test.skipIf(!has("sipp"))("200 calls at once: no packet of any caller is lost, and each is sent an even stream", async ({ expect }) => {
  await using house = await openSipHouse({}, { echo: true });
  let most = 0;
  house.reception.onAudio = () => (most = Math.max(most, house.endpoint.size));
  using file = sippFile(
    "speech.ulaw",
    law.encode(Int16Array.from({ length: speechMs * 8 }, (_, at) => Math.round(6_000 * Math.sin(at / 9)))),
  );
  const play = `<nop><action><exec rtp_stream="${file.path},1,0,PCMU/8000"/></action></nop>`;
  const scenario = [invite(), answered, ack, play, pause(speechMs + 4_000), request("BYE", 2), expects(200)].join("\n");
  const run = await sipp(house.port, scenario, ["-r", "60", "-l", String(calls), "-m", String(calls)]);
  expect(run.code, run.output).toBe(0);
  expect(most).toBeGreaterThan(calls * 0.95);
  expect(house.qualities).toHaveLength(calls);
  const sum = (of: (quality: (typeof house.qualities)[number]) => number): number =>
    house.qualities.reduce((total, each) => total + of(each), 0);
  expect(sum((each) => each.lostPackets)).toBe(0);
  expect(sum((each) => each.receivedPackets)).toBeGreaterThanOrEqual((calls * (speechMs - 40)) / 20);
  for (const { sentPackets } of house.qualities) expect(sentPackets).toBeGreaterThan(speechMs / 20);
});
