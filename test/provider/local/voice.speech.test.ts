import { expect, test, vi } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import { silentLog } from "../../../src/kernel/log.ts";
import { HouseVoice } from "../../../src/provider/local/voice.ts";
import { startServer } from "../../scenario/server.ts";
import { reportOf } from "../../../scripts/caller/report.ts";

test("the house says several sentences as one piece of speech", async () => {
  const voice = new HouseVoice({ voice: undefined, clock: systemClock, log: silentLog });
  const one = await voice.say("We close in ten minutes.");
  const both = await voice.say("We close in ten minutes. Please come to an end.");
  expect(one.length).toBeGreaterThan(32_000);
  expect(both.length).toBeGreaterThan(one.length + 16_000);
  expect(await voice.say("  ")).toHaveLength(0);
  await voice.close();
});

test("what an operator has to say is heard at once, in the middle of the agent's own words", async () => {
  await using server = await startServer();
  await using caller = await server.dials();
  await vi.waitFor(() => expect(reportOf(caller).turns.at(-1)?.heardMs).toBeGreaterThan(500), { timeout: 60_000 });
  const [call] = server.house.roster.calls();
  server.house.roster.say(call?.callId ?? "", "This is the operator. We close in ten minutes.");
  await vi.waitFor(
    () => {
      const said = reportOf(caller).turns.find(({ text }) => text.startsWith("This is the operator."));
      expect(said?.heardMs).toBeGreaterThan(1_500);
    },
    { timeout: 60_000 },
  );
  expect(reportOf(caller).turns[0]?.text).not.toMatch(/provider\.$/);
});
