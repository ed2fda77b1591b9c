import { expect, test } from "vitest";
import { bytesOf } from "../../src/audio/encodings.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { CallSnapshot } from "../../src/session/snapshot.ts";
import { plainManners } from "../../src/session/manners.ts";
import { startHouse } from "./house.ts";
import { realTraits } from "./real-traits.ts";
import { openTelling, type TellingLink } from "./telling-link.ts";

const callMs = 3 * 60 * 60_000;
/** A question and its answer in each; the audio goes on all the while, as on a telephone line. No part of any limit, so that sessions end anywhere in it. */
const roundMs = 19_700;
const frameMs = 100;
const minutes = 60_000;

/** How each provider tells of its limit, as its link does. */
const noticeMs: Readonly<Record<string, number>> = {
  openai: 5 * minutes,
  azure: 5 * minutes,
  gemini: 2 * minutes,
  "deepgram-agent": 5 * minutes,
};
const limited = Object.keys(noticeMs);

/** A telephone where the provider takes its encoding as it is, else a browser: three hours of resampling would take long and show no more. */
const telephone = { uplink: "pcmu@8000", downlink: "pcmu@8000" } as const;
const browser = { uplink: "pcm16@16000", downlink: "pcm16@24000" } as const;

/** Sessions end at their limit, told of beforehand or not. */
function endAtLimit(link: TellingLink, limitMs: number, name: string, ends: "announced" | "unannounced"): void {
  const { clock } = link.request;
  const inMs = noticeMs[name] ?? 0;
  if (ends === "announced") clock.setTimeout(() => link.isClosed || link.tells({ type: "link.expiring", inMs }), limitMs - inMs);
  clock.setTimeout(
    () => link.isClosed || link.tells({ type: "link.lost", fault: new Fault("provider-expired", "the session is over") }),
    limitMs,
  );
}

async function threeHours(name: string, ends: "announced" | "unannounced"): Promise<void> {
  const traits = realTraits[name];
  if (traits === undefined) throw new Error(`no ${name}`);
  const { idle } = plainManners;
  const leg = traits.hears.includes("pcmu@8000") ? telephone : browser;
  const kept = new Map<string, CallSnapshot>();
  const house = startHouse({
    kept,
    tiers: [name],
    traits: { [name]: traits },
    leg,
    manners: { idle: { ...idle, repromptAfterMs: undefined } },
  });
  // Each link lives from its opening; it is ready 300 ms after it was dialled.
  house.provider(name).openMs = 300;
  const links = openTelling(house.provider(name), { opened: (link) => endAtLimit(link, traits.sessionLimitMs, name, ends) });
  const caller = house.dial();
  const frame = new Uint8Array(bytesOf(frameMs, leg.uplink)).fill(0x55);
  let sentMs = 0;
  const talk = async (ms: number): Promise<void> => {
    for (let spokenMs = 0; spokenMs < ms; spokenMs += frameMs) {
      caller.line.audio(frame);
      sentMs += frameMs;
      await house.clock.advance(frameMs);
    }
  };
  const where = `${name}, ${ends}`;
  /** Who has the call; after a loss the caller goes on until somebody has. */
  const holder = async (): Promise<TellingLink> => {
    for (let waits = 0; waits < 50; waits += 1) {
      const link = links.find((each) => !each.isClosed && each.began !== undefined);
      if (link !== undefined) return link;
      await talk(frameMs);
    }
    throw new Error(`${where}: nobody holds the call at ${sentMs} ms`);
  };
  const said: string[] = [];
  for (let round = 1; sentMs < callMs; round += 1) {
    const startMs = sentMs;
    const [question, answer] = [`question ${round}`, `answer ${round}`];
    const link = await holder();
    const fromMs = link.heardMs;
    await talk(2_000);
    // A link that took over meanwhile has heard the turn, or is given what it lacks.
    const present = await holder();
    present.hearsTurn(`c${round}`, question, present === link ? fromMs : 0);
    await talk(600);
    // Whoever is there by now answers.
    (await holder()).speaks(`a${round}`, answer, 4_000);
    said.push(question, answer);
    await talk(roundMs - (sentMs - startMs));
  }
  const { events } = house;
  const callId = house.roster.calls()[0]?.callId ?? "";
  const records = house.roster.records(callId);
  expect(
    records.map(({ text }) => text),
    where,
  ).toEqual(said);
  expect(
    records.filter(({ role, interrupted, heardMs }) => role === "agent" && (interrupted || heardMs !== 4_000)),
    where,
  ).toEqual([]);
  house.roster.save(0);
  // All but the newest are kept for good, and no snapshot writes them again.
  expect(kept.get(callId)?.turns, where).toHaveLength(said.length);
  expect(said.length - (kept.get(callId)?.sealedTurns ?? 0), where).toBeLessThanOrEqual(16);
  expect(caller.leg.playedMs, where).toBe((said.length / 2) * 4_000);
  const last = await holder();
  last.tells({ type: "tool.called", toolCallId: "x", name: "line_status", arguments: "{}" });
  await house.clock.advance(10);
  const line: unknown = JSON.parse(last.results[0]?.output ?? "{}");
  expect(line, where).toMatchObject({ heardSeconds: Math.round(sentMs / 1_000), lostMs: 0 });
  expect(
    events.filter(({ type }) => type === "audio.lost"),
    where,
  ).toEqual([]);
  // What one link had not heard the next was given.
  expect(
    links.reduce((sum, link) => sum + link.heardMs, 0),
    where,
  ).toBeGreaterThanOrEqual(sentMs);
  expect(
    events.filter(({ type }) => type === "turn.broken" || type === "call.ended" || type === "handover.failed"),
    where,
  ).toEqual([]);
  const renewed = events.filter(({ type }) => type === "link.renewed").length;
  const recovered = events.filter(({ type }) => type === "link.recovered").length;
  const lost = events.filter(({ type }) => type === "link.lost").length;
  const everyMs = traits.sessionLimitMs - (ends === "announced" ? (noticeMs[name] ?? 0) : 0);
  const limits = Math.floor(callMs / everyMs);
  const moved = ends === "announced" ? renewed : recovered;
  process.stdout.write(
    `long-call: ${JSON.stringify({ name, ends, rounds: said.length / 2, limits, links: links.length, renewed, recovered, lost, line })}\n`,
  );
  expect(moved, where).toBe(limits);
  // One link more than there were ends of sessions, and none that was opened for nothing.
  expect(links.length, where).toBe(limits + 1);
  expect(lost, where).toBe(ends === "announced" ? 0 : limits);
}

test.each(
  limited.flatMap((name) => [
    { name, ends: "announced" as const },
    { name, ends: "unannounced" as const },
  ]),
)(
  "three hours on $name, whose sessions end $ends: nothing of the caller is lost, no reply is cut, each turn stands once",
  { timeout: 120_000 },
  ({ name, ends }) => threeHours(name, ends),
);
