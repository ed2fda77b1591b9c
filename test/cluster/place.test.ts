import { expect, test } from "vitest";
import { Place, type PrimaryLine } from "../../src/cluster/place.ts";
import type { News, ToProcess, Told } from "../../src/cluster/words.ts";
import { SimulatedClock } from "../simulated-clock.ts";

const standing = { number: 2, of: 3, url: "http://127.0.0.1:8080/", secret: "s", folder: "/nowhere" };
const spent = (usd: number): News => ({ type: "spent", day: { key: "2026-11-21", usd }, month: { key: "2026-11", usd } });
const used = (id: string): News => ({ type: "used", id, untilMs: 9e12 });

/** The second of three processes, told this before it began; `hears` is what comes after. */
async function second(known: readonly Told[]) {
  const listeners: ((message: ToProcess) => void)[] = [];
  const line: PrimaryLine = { send: () => {}, received: (listener) => void listeners.push((message) => listener(message, undefined)) };
  const taken = Place.take(line, new SimulatedClock());
  const hears = (message: ToProcess): void => {
    for (const listener of listeners) listener(message);
  };
  hears({ type: "place", standing, known });
  return { place: await taken, hears: (from: number, news: News) => hears({ type: "news", told: { from, news } }) };
}

test("what the others tell while a process is being started is not lost on whoever listens only then", async () => {
  const { place, hears } = await second([{ from: 1, news: spent(1) }]);
  hears(1, spent(2));
  hears(3, used("token a"));
  const told: Told[] = [];
  using _ = place.follow((each) => told.push(each));
  expect(told).toEqual([
    { from: 1, news: spent(2) },
    { from: 3, news: used("token a") },
  ]);
  hears(3, spent(4));
  expect(told.at(-1)).toEqual({ from: 3, news: spent(4) });
});

test("what a process was itself before it died is over, but not what it had found out", async () => {
  const { place } = await second([
    { from: 2, news: spent(5) },
    { from: 2, news: used("token b") },
    { from: 1, news: spent(1) },
  ]);
  const told: Told[] = [];
  using _ = place.follow((each) => told.push(each));
  expect(told.map(({ from, news }) => [from, news.type])).toEqual([
    [1, "spent"],
    [2, "used"],
  ]);
});

test("once it is ready a process remembers no news for listeners to come", async () => {
  const { place, hears } = await second([]);
  place.tell({ type: "ready", words: [] });
  hears(1, used("token c"));
  const told: Told[] = [];
  using _ = place.follow((each) => told.push(each));
  expect(told).toEqual([]);
});
