import { describe, expect, test, type TestContext } from "vitest";
import { encodings, msOf } from "../../src/audio/encodings.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import type { ConversationItem, Link, LinkNotice, ProviderTraits } from "../../src/provider/contract.ts";
import { pause, type Bench, type Cue } from "./bench.ts";
import { survivesFaults } from "./conformance-faults.ts";
import { standsBy } from "./conformance-standby.ts";
import { Line, wholeSamples } from "./line.ts";

/** A test ends by a bench's patience with a step, which says what was waited for; this is only the last resort. */
const timeout = 120_000;

/**
 * What every provider must do, whatever it is made of. Skips by traits, by cues the agent cannot be brought to, and without a fake
 * what only a fake can show; never by name. A provider's test file: `describe("name", () => providerConforms(async () => bench))`.
 */
export function providerConforms(make: () => Promise<Bench>): void {
  describe("talks", { timeout }, () => talks(make));
  describe("remembers", { timeout }, () => remembers(make));
  describe("keeps every byte", { timeout }, () => keepsEveryByte(make));
  describe("survives faults", { timeout }, () => survivesFaults(make));
  describe("stands by", { timeout }, () => standsBy(make));
}

const needs = (context: TestContext, bench: Bench, trait: (traits: ProviderTraits) => boolean): void =>
  context.skip(!trait(bench.provider.traits), "by trait");

/** Types what brings the agent to `cue`; skips where it cannot be brought to it. */
function ask(context: TestContext, line: Line, cue: Cue): void {
  const text = line.bench.provider.traits.text ? line.bench.cue(cue) : undefined;
  context.skip(text === undefined, `no cue for ${cue}`);
  line.ends.takeText(text ?? "");
}

/** Brings about that the other side knows all that it is ever told. */
async function told(line: Line): Promise<void> {
  if (line.bench.tells === "at-opening") return;
  const before = line.notices.length;
  line.ends.takeText(line.bench.cue("short") ?? "");
  await line.hears("agent.ended", before);
}

/** The other side remembers `heardMs` of the answer: it was told so, or is told no more than that with the next answer. */
function expectCut(bench: Bench, text: string, heardMs: number): void {
  if (bench.panel === undefined || bench.provider.traits.memoryAfterInterrupt !== "cut-to-heard") return;
  if (bench.tells === "at-opening") return expect(bench.panel.last.cuts).toEqual([heardMs]);
  const remembered = bench.panel
    .historyTold()
    .flatMap((item) => (item.by === "agent" && text.startsWith(item.text.replace(/\W+$/, "")) ? [item.text] : []));
  expect(remembered.length).toBeLessThanOrEqual(1);
  expect((remembered[0] ?? "").length).toBeLessThan(text.length * 0.6);
}

const honest = (bench: Bench): void => expect(bench.panel?.violations ?? []).toEqual([]);

const longAnswer = "There are a great many things to be said about that.";

function talks(make: () => Promise<Bench>): void {
  test("a link opens with the agent's instructions, tools and encodings, and waits", async () => {
    await using bench = await make();
    await using line = await new Line(bench).open();
    expect(line.all("link.lost")).toEqual([]);
    expect(line.all("agent.began")).toEqual([]);
    await told(line);
    const settings = bench.panel?.sessionSettings();
    if (bench.panel !== undefined) {
      expect(settings).toMatchObject({ uplink: line.request.uplink, downlink: line.request.downlink });
      expect(bench.panel.last.texts.join("\n")).toContain(line.request.agent.instructions);
      if (bench.provider.traits.tools !== "none") expect(settings?.toolNames).toEqual(line.request.agent.tools.map((tool) => tool.name));
      expect(bench.panel.connections).toBeGreaterThan(0);
    }
    honest(bench);
  });

  test("the agent greets first when told to", async () => {
    await using bench = await make();
    bench.panel?.reply({ text: "Good evening, the night desk speaking.", ms: 1_500 });
    await using line = await new Line(bench, { begin: "greet" }).open();
    const began = await line.hears("agent.began");
    const ended = await line.hears("agent.ended");
    expect(ended).toMatchObject({ turnId: began.turnId, outcome: "complete" });
    expect(line.audioMs(began.turnId)).toBeGreaterThan(300);
    expect(wholeSamples(line.audio(began.turnId), line.request.downlink)).toBe(true);
    expect(line.said(began.turnId)).not.toBe("");
    if (bench.panel !== undefined) expect(bench.panel.last.texts.join("\n")).toContain(line.request.agent.greeting);
    honest(bench);
  });

  test("a caller's turn is heard to its end, transcribed and answered", async (context) => {
    await using bench = await make();
    needs(context, bench, (traits) => traits.endpointing.includes("provider"));
    bench.panel?.callerSays("I need two nights");
    bench.panel?.reply({ text: "From which date?", ms: 1_000 });
    await using line = await new Line(bench, { endpointing: "provider" }).open();
    await line.says(bench.speech(line.request.uplink), pause(bench.provider, line.request.uplink));
    const spoke = await line.hears("caller.spoke");
    const finished = await line.hears("caller.finished");
    const ended = await line.hears("agent.ended", line.notices.indexOf(finished));
    expect(finished.turnId).toBe(spoke.turnId);
    expect(spoke.uplinkMs).toBeLessThanOrEqual(600);
    expect(finished.uplinkMs).toBeGreaterThan(spoke.uplinkMs);
    expect(ended.outcome).toBe("complete");
    expect(line.audioMs(ended.turnId)).toBeGreaterThan(300);
    if (bench.provider.traits.callerTranscript !== "none") {
      await line.becomes(() => line.all("caller.transcribed").some((notice) => notice.final), "the final transcript");
      const final = line.all("caller.transcribed").filter((notice) => notice.final);
      expect(final.at(-1)?.turnId).toBe(spoke.turnId);
      if (bench.panel !== undefined) expect(final.at(-1)?.text).toBe("I need two nights");
    }
    if (bench.panel !== undefined) expect(line.said(ended.turnId).trim()).toBe("From which date?");
    honest(bench);
  });

  test("a turn ended by hand is answered", async (context) => {
    await using bench = await make();
    needs(context, bench, (traits) => traits.endpointing.includes("manual"));
    bench.panel?.callerSays("I need two nights");
    bench.panel?.reply({ text: "From which date?", ms: 1_000 });
    await using line = await new Line(bench, { endpointing: "manual" }).open();
    await line.says(bench.speech(line.request.uplink));
    line.ends.commitTurn();
    const finished = await line.hears("caller.finished");
    const ended = await line.hears("agent.ended");
    expect(finished.uplinkMs).toBeCloseTo(msOf(bench.speech(line.request.uplink).length, line.request.uplink), 0);
    expect(line.audioMs(ended.turnId)).toBeGreaterThan(300);
    honest(bench);
  });

  test("a second turn by hand is a turn of its own", async (context) => {
    await using bench = await make();
    needs(context, bench, (traits) => traits.endpointing.includes("manual"));
    await using line = await new Line(bench, { endpointing: "manual" }).open();
    for (const count of [1, 2]) {
      await line.says(bench.speech(line.request.uplink));
      line.ends.commitTurn();
      await line.becomes(() => line.all("agent.ended").length === count, `answer ${count}`);
    }
    const turns = [...line.all("caller.finished"), ...line.all("agent.began")].map((notice) => notice.turnId);
    expect(new Set(turns).size).toBe(4);
    honest(bench);
  });

  test("a typed turn is answered", async (context) => {
    await using bench = await make();
    needs(context, bench, (traits) => traits.text);
    await using line = await new Line(bench).open();
    ask(context, line, "short");
    const ended = await line.hears("agent.ended");
    expect(ended.outcome).toBe("complete");
    expect(line.audioMs(ended.turnId)).toBeGreaterThan(300);
    if (bench.panel !== undefined) expect(bench.panel.last.texts.join("\n")).toContain("a short one, please");
    honest(bench);
  });

  test("an interrupted answer ends once, is cut to what was heard, and none of its audio comes after", async (context) => {
    await using bench = await make();
    await using line = await new Line(bench).open();
    if (bench.panel !== undefined) bench.panel.staleAudio = true;
    bench.panel?.reply({ text: longAnswer, ms: 4_000, holdAtMs: 2_000 });
    ask(context, line, "long");
    const { turnId } = await line.hears("agent.began");
    await line.becomes(() => line.audioMs(turnId) >= 500, "half a second of the answer");
    line.ends.interrupt({ turnId, heardMs: 400 });
    line.ends.interrupt({ turnId, heardMs: 400 });
    const ended = await line.hears("agent.ended");
    const audioMs = line.audioMs(turnId);
    if (ended.outcome !== "complete") expect(ended).toMatchObject({ turnId, outcome: "interrupted" });
    // The next answer shows that the link lives and that everything before it has passed.
    bench.panel?.callerSays("and so");
    bench.panel?.reply("Yes.");
    ask(context, line, "short");
    await line.becomes(() => line.all("agent.ended").some((notice) => notice.turnId !== turnId), "the next answer");
    expect(line.audioMs(turnId)).toBe(audioMs);
    expect(line.all("agent.ended").filter((notice) => notice.turnId === turnId)).toHaveLength(1);
    expectCut(bench, longAnswer, 400);
    honest(bench);
  });

  test("an answer that was sent in full is still cut to what was heard", async (context) => {
    await using bench = await make();
    context.skip(bench.panel === undefined, "needs a fake");
    needs(context, bench, (traits) => traits.memoryAfterInterrupt === "cut-to-heard");
    await using line = await new Line(bench).open();
    ask(context, line, "long");
    const ended = await line.hears("agent.ended");
    expect(ended.outcome).toBe("complete");
    line.ends.interrupt({ turnId: ended.turnId, heardMs: 1_500 });
    if (bench.tells === "at-opening") await line.becomes(() => bench.panel?.last.cuts[0] === 1_500, "the cut");
    expect(line.all("agent.ended")).toHaveLength(1);
    await told(line);
    expectCut(bench, longAnswer, 1_500);
    honest(bench);
  });

  test("the caller's speech over an answer is noticed while the answer is still coming", async (context) => {
    await using bench = await make();
    context.skip(bench.panel === undefined, "needs a fake");
    needs(context, bench, (traits) => traits.endpointing.includes("provider") && traits.text);
    await using line = await new Line(bench, { endpointing: "provider" }).open();
    bench.panel?.reply({ text: longAnswer, ms: 4_000, holdAtMs: 2_000 }, "Very well.");
    line.ends.takeText("tell me all");
    const { turnId } = await line.hears("agent.began");
    await line.becomes(() => line.audioMs(turnId) >= 1_000, "a second of the answer");
    await line.says(bench.speech(line.request.uplink), pause(bench.provider, line.request.uplink));
    await line.hears("caller.spoke");
    line.ends.interrupt({ turnId, heardMs: 600 });
    await line.hears("caller.finished");
    await line.becomes(() => line.all("agent.ended").length === 2, "the end of both answers");
    expect(line.all("agent.ended").map((notice) => notice.outcome)).toEqual(["interrupted", "complete"]);
    expectCut(bench, longAnswer, 600);
    honest(bench);
  });

  test("a tool is called, and its result answered", async (context) => {
    await using bench = await make();
    needs(context, bench, (traits) => traits.tools !== "none");
    await using line = await new Line(bench).open();
    ask(context, line, "tool");
    const called = await line.hears("tool.called");
    expect(line.request.agent.tools.map((tool) => tool.name)).toContain(called.name);
    expect(JSON.parse(called.arguments)).toBeTypeOf("object");
    const before = line.notices.length;
    bench.panel?.reply("There are three rooms free.");
    line.ends.answerTool({ toolCallId: called.toolCallId, name: called.name, output: '{"rooms":3}', failed: false });
    await line.becomes(
      () => line.all("agent.ended", before).some((notice) => line.audioMs(notice.turnId) > 0),
      "the answer with the result",
    );
    if (bench.panel !== undefined)
      expect(bench.panel.last.toolResults).toMatchObject([{ name: "find_room", output: expect.stringContaining("rooms") }]);
    honest(bench);
  });

  test("two tools called at once are answered in any order, and then spoken of once", async (context) => {
    await using bench = await make();
    needs(context, bench, (traits) => traits.tools === "parallel");
    await using line = await new Line(bench).open();
    ask(context, line, "tools");
    await line.becomes(() => line.all("tool.called").length === 2, "both calls");
    const answers = (): number => bench.panel?.last.answers ?? 0;
    const [answersBefore, before] = [answers(), line.notices.length];
    bench.panel?.reply("Three rooms for two nights, one for three.");
    for (const [at, { toolCallId, name }] of line.all("tool.called").toReversed().entries()) {
      line.ends.answerTool({ toolCallId, name, output: '{"rooms":3}', failed: false });
      if (bench.panel !== undefined && bench.tells === "at-opening")
        await line.becomes(() => bench.panel?.last.toolResults.length === at + 1, "the result at the fake");
    }
    const spoken = (): number => line.all("agent.ended", before).filter((notice) => line.audioMs(notice.turnId) > 0).length;
    await line.becomes(() => spoken() === 1, "the answer with both");
    ask(context, line, "short");
    await line.becomes(() => spoken() === 2, "the next answer");
    if (bench.panel !== undefined) expect(answers() - answersBefore).toBe(2);
    honest(bench);
  });

  test("a tool that failed is told to the agent in words", async (context) => {
    await using bench = await make();
    context.skip(bench.panel === undefined, "needs a fake");
    needs(context, bench, (traits) => traits.tools !== "none");
    await using line = await new Line(bench).open();
    ask(context, line, "tool");
    const { toolCallId, name } = await line.hears("tool.called");
    const before = line.notices.length;
    line.ends.answerTool({ toolCallId, name, output: "the booking system did not answer in 5000 ms", failed: true });
    await line.becomes(
      () => line.all("agent.ended", before).some((notice) => line.audioMs(notice.turnId) > 0),
      "the answer after the failure",
    );
    expect(bench.panel?.last.toolResults[0]?.output).toContain("did not answer");
    honest(bench);
  });

  test("what an answer used is told in units that the provider declares", async (context) => {
    await using bench = await make();
    needs(context, bench, (traits) => traits.usage.length > 0);
    await using line = await new Line(bench).open();
    ask(context, line, "short");
    await line.hears("agent.ended");
    const { usage } = await line.hears("link.used");
    expect(usage.model).not.toBe("");
    expect(bench.provider.traits.usage).toEqual(expect.arrayContaining(Object.keys(usage.quantities)));
    for (const quantity of Object.values(usage.quantities)) expect(quantity).toBeGreaterThanOrEqual(0);
  });

  test("the asked voice and language reach the provider", async (context) => {
    await using bench = await make();
    context.skip(bench.panel === undefined, "needs a fake");
    const { voices, languages } = bench.provider.traits;
    const voice = voices === "any" ? undefined : voices.at(-1);
    const language = languages === "any" ? "de-DE" : (languages.at(-1) ?? "en-US");
    await using line = await new Line(bench, { agent: { voice, language } }).open();
    const settings = bench.panel?.sessionSettings();
    if (voice !== undefined) expect(settings?.voice).toBe(voice);
    expect(settings?.language?.slice(0, 2) ?? line.request.agent.language.slice(0, 2)).toBe(language.slice(0, 2));
    honest(bench);
  });

  test("a session that closes the link on a notice hears nothing more", async (context) => {
    await using bench = await make();
    const during = (notice: LinkNotice, link: Link | undefined): void => {
      if (notice.type === "agent.began") link?.close();
    };
    await using line = await new Line(bench, { during }).open();
    ask(context, line, "long");
    await line.hears("agent.began");
    if (bench.panel !== undefined) await line.becomes(() => bench.panel?.open === 0, "the fake sees the end");
    // What was used until then is told at once.
    expect(line.diary.filter((entry) => !entry.includes("link.used")).at(-1)).toContain("agent.began");
  });

  test("nothing is reported after close, and closing twice is closing once", async (context) => {
    await using bench = await make();
    await using line = await new Line(bench).open();
    bench.panel?.reply({ text: "There are a great many things to be said about that.", ms: 4_000, holdAtMs: 1_000 });
    ask(context, line, "long");
    await line.hears("agent.began");
    line.ends.close();
    const told = line.diary.length;
    line.ends.close();
    const frame = bench.speech(line.request.uplink).subarray(0, 320);
    expect(line.ends.hear(frame)).toBe(false);
    line.ends.takeText("hello?");
    line.ends.commitTurn();
    line.ends.interrupt({ turnId: "x", heardMs: 0 });
    bench.panel?.release();
    if (bench.panel !== undefined) await line.becomes(() => bench.panel?.open === 0, "the fake sees the end");
    expect(line.diary.slice(told)).toEqual([]);
    honest(bench);
  });
}

const history: readonly ConversationItem[] = [
  { type: "caller", id: "c".repeat(32), text: "I am Ada and I need two nights." },
  { type: "tool", id: "t1", name: "find_room", arguments: '{"nights":2}', output: '{"rooms":3}' },
  { type: "agent", id: "a1", text: "Three rooms are free. Which", interrupted: true },
  { type: "caller", id: "c2", text: "The cheapest one." },
];

function remembers(make: () => Promise<Bench>): void {
  const texts = history.flatMap((item) => (item.type === "tool" ? [] : [item.text]));

  test("a new link is told the conversation so far, in order, and does not answer it unasked", async (context) => {
    await using bench = await make();
    context.skip(bench.panel === undefined, "needs a fake");
    await using line = await new Line(bench, { conversation: history }).open();
    expect(line.all("agent.began")).toEqual([]);
    expect(bench.panel?.last.answers).toBe(0);
    await told(line);
    const heard = bench.panel?.last.texts.join("\n") ?? "";
    const places = texts.map((text) => heard.indexOf(text));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(heard).toContain("rooms");
    if (bench.provider.traits.seeding === "items") {
      // With each answer, neighbouring turns may be told as one, and an interruption may be marked in the text.
      const as = (text: string | undefined): unknown => (bench.tells === "at-opening" ? text : expect.stringContaining(text ?? ""));
      expect(bench.panel?.historyTold().slice(0, 4)).toEqual([
        { by: "caller", text: as(texts[0]) },
        { by: "tool", name: "find_room", arguments: '{"nights":2}', output: '{"rooms":3}' },
        { by: "agent", text: as(texts[1]) },
        { by: "caller", text: as(texts[2]) },
      ]);
    }
    honest(bench);
  });

  test("a long conversation is told whole", async (context) => {
    await using bench = await make();
    context.skip(bench.panel === undefined, "needs a fake");
    const conversation = Array.from({ length: 60 }, (_, at): ConversationItem => {
      const spoken = { id: `i${at}`, text: `Sentence number ${at} of the talk.` };
      return at % 2 === 0 ? { type: "caller", ...spoken } : { type: "agent", ...spoken, interrupted: false };
    });
    await using line = await new Line(bench, { conversation }).open();
    await told(line);
    const heard = bench.panel?.last.texts.join("\n") ?? "";
    for (const item of conversation) if (item.type !== "tool") expect(heard).toContain(item.text);
    honest(bench);
  });

  test("asked to answer, the agent answers the last caller turn of the conversation", async (context) => {
    await using bench = await make();
    context.skip(bench.panel === undefined, "needs a fake");
    bench.panel?.reply({ text: "Then room seven.", ms: 1_000 });
    await using line = await new Line(bench, { conversation: history, begin: "answer" }).open();
    const ended = await line.hears("agent.ended");
    expect(line.said(ended.turnId).trim()).toBe("Then room seven.");
    expect(bench.panel?.last.answers).toBe(1);
    honest(bench);
  });

  test("asked to carry on, the agent goes on after what was heard of its last turn", async (context) => {
    await using bench = await make();
    context.skip(bench.panel === undefined, "needs a fake");
    bench.panel?.reply({ text: "one would you like?", ms: 1_000 });
    await using line = await new Line(bench, { conversation: history.slice(0, 3), begin: "carry-on" }).open();
    const ended = await line.hears("agent.ended");
    expect(line.said(ended.turnId).trim()).toBe("one would you like?");
    expect(bench.panel?.last.answers).toBe(1);
    honest(bench);
  });

  test("a tool call whose result never came does not stop the conversation from being told", async (context) => {
    await using bench = await make();
    context.skip(bench.panel === undefined, "needs a fake");
    const conversation: ConversationItem[] = [
      { type: "caller", id: "c1", text: "Is a room free?" },
      { type: "tool", id: "t1", name: "find_room", arguments: "{", output: undefined },
      { type: "caller", id: "c2", text: "Are you still there?" },
    ];
    await using line = await new Line(bench, { conversation, begin: "answer" }).open();
    await line.hears("agent.ended");
    expect(bench.panel?.last.texts.join("\n")).toContain("Are you still there?");
    honest(bench);
  });
}

function keepsEveryByte(make: () => Promise<Bench>): void {
  test("what is heard is what was said, byte for byte, in frames of any size", async (context) => {
    await using bench = await make();
    context.skip(bench.panel === undefined, "needs a fake");
    const seed = 20_261_121;
    const random = seededRandom(seed);
    for (const uplink of bench.provider.traits.hears) {
      const [endpointing = "provider"] = bench.provider.traits.endpointing;
      await using line = await new Line(bench, { uplink, endpointing }).open();
      const said = Buffer.concat([bench.speech(uplink), pause(bench.provider, uplink)]);
      const { bytesPerSample } = encodings[uplink];
      for (let at = 0; at < said.length;) {
        const end = at + bytesPerSample * (1 + Math.floor(random.next() * 400));
        await line.says(said.subarray(at, end));
        at = end;
      }
      const heard = (): Uint8Array => bench.panel?.last.heard.all() ?? new Uint8Array(0);
      await line.becomes(() => heard().length >= said.length, `all ${said.length} bytes of ${uplink}, seed ${seed}`);
      expect(Buffer.compare(heard(), said), `${uplink}, seed ${seed}`).toBe(0);
    }
    honest(bench);
  });

  test("the link keeps no reference to the bytes it was given", async (context) => {
    await using bench = await make();
    context.skip(bench.panel === undefined, "needs a fake");
    await using line = await new Line(bench).open();
    const said = bench.speech(line.request.uplink);
    const frame = new Uint8Array(20 * encodings[line.request.uplink].bytesPerMs);
    for (let at = 0; at + frame.length <= said.length; at += frame.length) {
      frame.set(said.subarray(at, at + frame.length));
      await line.says(frame);
      frame.fill(0x55);
    }
    const heard = (): Uint8Array => bench.panel?.last.heard.all() ?? new Uint8Array(0);
    await line.becomes(() => heard().length >= said.length, "everything heard");
    expect(Buffer.compare(heard(), said)).toBe(0);
  });

  test("an answer arrives whole in every encoding the provider speaks", async (context) => {
    await using bench = await make();
    context.skip(bench.panel === undefined, "needs a fake");
    for (const downlink of bench.provider.traits.speaks) {
      await using line = await new Line(bench, { downlink }).open();
      ask(context, line, "short");
      const ended = await line.hears("agent.ended");
      expect(line.audioMs(ended.turnId), downlink).toBeCloseTo(1_000, 0);
      expect(Buffer.compare(line.audio(ended.turnId), bench.panel?.last.spoken.all() ?? new Uint8Array(0)), downlink).toBe(0);
    }
    honest(bench);
  });
}
