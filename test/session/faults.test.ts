import { expect, test } from "vitest";
import { encodings } from "../../src/audio/encodings.ts";
import { transcoder } from "../../src/audio/transcode.ts";
import type { PuppetLink } from "./house.ts";
import { talk, type Talk } from "./talk.ts";

const count = Number(process.env["LINEKEEPER_SEEDS"] ?? 40);
const seeds = Array.from({ length: count }, (_, seed) => seed + 1);
const met = new Map<string, number>();

/** Each must happen in some run, or the runs prove nothing about it. */
const classes = [
  "clock",
  "marks",
  "reports",
  "greet",
  "listen",
  "answer",
  "carry-on",
  "late words",
  "tool across a loss",
  "typed without a link",
  "leg returned",
  "same encoding",
  "transcoded",
  "resampled",
  "link.retrying",
  "link.recovered",
  "call.handed-over",
  "audio.replayed",
  "barge-in",
];

test.each(seeds)("whatever dies when, the caller is heard whole, in order and once (seed %i)", async (seed) => {
  const call = await talk(seed, true);
  note(call);
  for (const link of linksOf(call)) hearsOneStretch(link, call);
  expect(call.mostOpen, "I1: links open at once").toBeLessThanOrEqual(1);
  for (const runs of call.toolRuns.values()) expect(runs, "I5: runs of one tool call").toBeLessThanOrEqual(runsAllowed(call));
  const lost = call.house.events.filter(
    (event) => event.type === "audio.lost" && event.direction === "uplink" && event.cause !== "unheard",
  );
  expect(lost, "I2: nothing overflowed").toEqual([]);
  if (!call.met.has("call failed")) saysTheSame(call);
  await leavesNothing(call);
});

test.each([1, 2, 3])("without faults the same caller is heard by one link (seed %i)", async (seed) => {
  const call = await talk(seed, false);
  expect(linksOf(call)).toHaveLength(1);
  expect(callerWords(call)).toEqual(call.words);
  for (const runs of call.toolRuns.values()) expect(runs).toBe(1);
  await leavesNothing(call);
});

test("every class of fault was met", () => {
  expect(classes.filter((each) => !met.has(each))).toEqual([]);
});

function note({ met: also, house, uplink }: Talk): void {
  const seen = new Set<string>(also);
  for (const { type } of house.events) seen.add(type);
  if (house.events.some((event) => event.type === "turn.ended" && event.outcome === "interrupted")) seen.add("barge-in");
  for (const { request } of [...house.providers.values()].flatMap((provider) => provider.links)) {
    const sameRate = encodings[request.uplink].rateHz === encodings[uplink].rateHz;
    seen.add(request.uplink === uplink ? "same encoding" : sameRate ? "transcoded" : "resampled");
  }
  for (const each of seen) met.set(each, (met.get(each) ?? 0) + 1);
}

const linksOf = ({ house }: Talk): readonly PuppetLink[] =>
  [...house.providers.values()].flatMap((provider) => provider.links).filter((link) => link.heard.length > 0);

/** I3 and I4: one gapless stretch of what the caller sent, byte for byte where no rate changed, else at least never more or less of it. */
function hearsOneStretch(link: PuppetLink, { caller, uplink, behindMs }: Talk): void {
  const { uplink: heardAs } = link.request;
  if (encodings[heardAs].rateHz === encodings[uplink].rateHz) {
    const sent = Buffer.from(transcoder(uplink, heardAs).push(Uint8Array.from(caller.sent)));
    expect(sent.includes(Buffer.from(link.heard)), "one gapless stretch").toBe(true);
    return;
  }
  const [first = 0, ...later] = behindMs.get(link) ?? [];
  for (const each of later) expect(Math.abs(each - first), "its audio grew as the caller's").toBeLessThanOrEqual(1);
}

/** I5: each turn once, spoken ones in order and typed ones in order; what is typed does not wait for a replay. */
function saysTheSame(call: Talk): void {
  const isTyped = (words: string): boolean => words.endsWith("typed");
  const heard = callerWords(call);
  expect(heard.filter(isTyped), "I5: what the caller typed").toEqual(call.words.filter(isTyped));
  expect(
    heard.filter((words) => !isTyped(words)),
    "I5: what the caller said, as without faults",
  ).toEqual(call.words.filter((words) => !isTyped(words)));
}

const callerWords = ({ text }: Talk): readonly string[] => text.filter(({ role }) => role === "caller").map((turn) => turn.text);

/** A turn that is replayed as audio is new to the provider, which may call its tool again; our own calls run once each. */
const runsAllowed = ({ house }: Talk): number => [...house.providers.values()].flatMap((provider) => provider.links).length;

/** I9 and I10: one end, and then no timer and no event. */
async function leavesNothing({ house }: Talk): Promise<void> {
  expect(house.roster.size).toBe(0);
  expect(house.events.filter((event) => event.type === "call.started")).toHaveLength(1);
  expect(house.events.filter((event) => event.type === "call.ended")).toHaveLength(1);
  const before = house.events.length;
  await house.clock.advance(60_000);
  expect(house.events).toHaveLength(before);
  expect(house.clock.armed).toBe(0);
}
