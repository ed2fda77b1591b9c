import { expect, test } from "vitest";
import { Everywhere } from "../../src/cluster/everywhere.ts";
import { Place, type PrimaryLine } from "../../src/cluster/place.ts";
import type { FromProcess, News, ToProcess } from "../../src/cluster/words.ts";
import type { CallView } from "../../src/session/control.ts";
import { SimulatedClock } from "../simulated-clock.ts";

const standing = { number: 1, of: 2, url: "http://127.0.0.1:8080/", secret: "s", folder: "/nowhere" };

/** As old as its number. */
const view = (number: number): CallView => ({
  callId: `call_${number}`,
  agent: "desk",
  dialect: "twilio",
  language: "en-US",
  from: undefined,
  startedAt: "2026-11-21T03:12:09.000Z",
  ageMs: number,
  provider: "openai",
  tiers: ["openai"],
  phase: "listening",
  states: {},
  levels: { caller: 0, agent: 0 },
  quality: undefined,
  held: false,
  muted: false,
  replayedMs: 0,
  lostMs: 0,
});

/** The first of two processes, with so many calls of its own, the oldest first; readers are shown at most ten. */
async function first(own: number) {
  const sent: FromProcess[] = [];
  const asked: (number | undefined)[] = [];
  let hears = (_message: ToProcess): void => {};
  const line: PrimaryLine = {
    send: (message) => void sent.push(message),
    received: (listener) => (hears = (message) => listener(message, undefined)),
  };
  const clock = new SimulatedClock();
  const taken = Place.take(line, clock);
  hears({ type: "place", standing, known: [] });
  const here = {
    size: own,
    calls: (most = Infinity) => {
      asked.push(most);
      return Array.from({ length: own }, (_, at) => view(2 * (own - at))).slice(0, most);
    },
    follow: () => ({ [Symbol.dispose]: () => {} }),
  };
  const everywhere = new Everywhere(here, await taken, { isTold: () => true, picturedCalls: 10 }, clock);
  const told = (news: News): void => hears({ type: "news", told: { from: 2, news } });
  return { clock, everywhere, told, sent, asked };
}

test("readers are shown the oldest calls of all processes, and told how many there are", async () => {
  const { everywhere, told } = await first(300);
  using _ = everywhere;
  told({ type: "pictured", total: 500, calls: Array.from({ length: 10 }, (__, at) => view(599 - 2 * at)) });
  expect(everywhere.size).toBe(800);
  expect(everywhere.calls().map(({ ageMs }) => ageMs)).toEqual([600, 599, 598, 597, 596, 595, 594, 593, 592, 591]);
  expect(everywhere.calls(3)).toHaveLength(3);
});

test("of hundreds of calls no more are pictured for another process than its readers are shown", async () => {
  const { clock, everywhere, told, sent, asked } = await first(300);
  using _ = everywhere;
  told({ type: "watching", on: true });
  await clock.advance(2_500);
  const pictures = sent.flatMap((message) => (message.type === "news" && message.news.type === "pictured" ? [message.news] : []));
  expect(pictures.map(({ total, calls }) => [total, calls.length])).toEqual([
    [300, 10],
    [300, 10],
    [300, 10],
  ]);
  expect(new Set(asked)).toEqual(new Set([10]));
});
