import { describe, expect, test } from "vitest";
import { startGeminiFake } from "../../../src/fakes/gemini/gemini.ts";
import { msOf } from "../../../src/audio/encodings.ts";
import type { ConversationItem } from "../../../src/provider/contract.ts";
import { gemini } from "../../../src/provider/gemini/gemini.ts";
import { fakeBench, pause } from "../bench.ts";
import { Line } from "../line.ts";

const models = [
  "gemini-2.5-flash-native-audio-preview-12-2025",
  "gemini-3.1-flash-live-preview",
  "gemini-3.8-live",
  "gemini-3.8-live-extended-thinking",
];
const ways = models.flatMap((model) => (["instructions", "turns"] as const).map((seeding) => ({ model, seeding })));

const before: readonly ConversationItem[] = [
  { type: "caller", id: "c1", text: "I need two nights." },
  { type: "agent", id: "a1", text: "From which date?", interrupted: false },
];
const since: readonly ConversationItem[] = [
  { type: "caller", id: "c2", text: "From Friday." },
  { type: "tool", id: "t1", name: "find_room", arguments: '{"nights":2}', output: '{"rooms":3}' },
  { type: "agent", id: "a2", text: "Three rooms are free.", interrupted: false },
];
const question: ConversationItem = { type: "caller", id: "c3", text: "Which is the cheapest?" };

async function bed() {
  const fake = await startGeminiFake({ playbackPace: 10 });
  const bench = await fakeBench(fake, gemini);
  return { fake, panel: fake.panel, bench, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() };
}
const own = (settings: Readonly<Record<string, unknown>>) => ({ agent: { providerSettings: { gemini: settings } } });

describe.for(ways)("$model, told by $seeding", { timeout: 30_000 }, (way) => {
  test.for(["provider", "manual"] as const)("a link that waited answers what was asked since (turns ended by: %s)", async (endpointing) => {
    await using on = await bed();
    let known = "";
    on.panel.reply((told) => ((known = JSON.stringify(told)), "Room seven."));
    await using line = await new Line(on.bench, { begin: "wait", conversation: before, endpointing, ...own(way) }).open();
    line.ends.takeOver([...since, question], "answer", undefined);
    const ended = await line.hears("agent.ended");
    expect(line.said(ended.turnId)).toBe("Room seven.");
    known = `${on.panel.sessionSettings()?.instructions} ${known}`;
    const places = [...before, ...since, question].map((item) => known.indexOf(item.type === "tool" ? "rooms" : item.text));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(on.panel.last.answers).toBe(1);
    expect(on.panel.violations).toEqual([]);
  });

  test.for([{ news: since }, { news: [] }])("a link that waited listens ($news.length items since)", async ({ news }) => {
    await using on = await bed();
    await using line = await new Line(on.bench, { begin: "wait", conversation: before, ...own(way) }).open();
    line.ends.takeOver(news, "listen", undefined);
    on.panel.callerSays("the cheapest one");
    await line.says(on.bench.speech(line.request.uplink), pause(on.bench.provider, line.request.uplink));
    const ended = await line.hears("agent.ended");
    expect(ended.outcome).toBe("complete");
    expect(on.panel.last.answers).toBe(1);
    expect(on.panel.violations).toEqual([]);
  });
});

test("a link that waits has a session of its own, whatever handle there is: the old connection still has the other", async () => {
  await using on = await bed();
  await using first = await new Line(on.bench).open();
  first.ends.takeText(on.bench.cue("short") ?? "");
  const { handle } = await first.hears("link.resumable");
  await using second = await new Line(on.bench, { begin: "wait", resumption: handle, conversation: before }).open();
  expect(on.panel.sessionSettings()?.instructions).toContain("I need two nights.");
  expect(on.panel.open).toBe(2);
  second.ends.takeOver([question], "answer", undefined);
  await second.hears("agent.ended");
  first.ends.close();
  expect(on.panel.violations).toEqual([]);
});

describe("a planned move by a handle: the old connection is closed, the next one takes its session", () => {
  test("what the caller said since the handle is heard by the next, and by the next only", { timeout: 30_000 }, async () => {
    await using on = await bed();
    on.panel.callerSays("my name is Ada");
    on.panel.reply("Noted.");
    const first = await new Line(on.bench).open();
    const speech = on.bench.speech(first.request.uplink);
    const silence = pause(on.bench.provider, first.request.uplink);
    await first.says(speech, silence);
    const { handle, uplinkMs } = await first.hears("link.resumable");
    // Half a sentence, which the handle knows nothing of.
    await first.says(speech.subarray(0, speech.length / 2));
    await first[Symbol.asyncDispose]();
    on.panel.callerSays("and I am in a hurry");
    on.panel.reply((told) => told.map((item) => (item.by === "tool" ? "" : item.text)).join(" / "));
    await using second = await new Line(on.bench, { resumption: handle }).open();
    const said = Buffer.concat([speech, silence, speech, silence]);
    await second.says(said.subarray(Math.floor(uplinkMs) * 32));
    const ended = await second.hears("agent.ended");
    expect(second.said(ended.turnId).match(/my name is Ada|and I am in a hurry/g)).toEqual(["my name is Ada", "and I am in a hurry"]);
    expect(second.all("caller.finished")[0]?.uplinkMs).toBeLessThanOrEqual(msOf(said.length, second.request.uplink) - uplinkMs);
    expect(on.panel.violations).toEqual([]);
  });

  test("a turn whose words are known and that nobody answered is answered at once", { timeout: 30_000 }, async () => {
    await using on = await bed();
    const first = await new Line(on.bench).open();
    first.ends.takeText(on.bench.cue("short") ?? "");
    const { handle } = await first.hears("link.resumable");
    await first[Symbol.asyncDispose]();
    on.panel.reply("Room seven.");
    await using second = await new Line(on.bench, { resumption: handle, conversation: [question], begin: "answer" }).open();
    const ended = await second.hears("agent.ended");
    expect(second.said(ended.turnId)).toBe("Room seven.");
    expect(on.panel.last.texts.at(-1)).toContain("Which is the cheapest?");
    expect(on.panel.violations).toEqual([]);
  });
});
