import { describe, expect, test } from "vitest";
import { startDeepgramFake, type DeepgramFake, type DeepgramFakeOptions } from "../../../src/fakes/deepgram/deepgram.ts";
import { silence } from "../../../src/fakes/voice.ts";
import { systemClock, type Clock } from "../../../src/kernel/clock.ts";
import { deepgram } from "../../../src/provider/deepgram/deepgram.ts";
import { fakeBench, pause, type Bench } from "../bench.ts";
import { Line } from "../line.ts";

const timeout = 30_000;
const uplink = "pcm16@16000";

/** The bench and the levers that only this fake has. */
async function desk(
  own: Readonly<Record<string, unknown>> = {},
  options: DeepgramFakeOptions = {},
): Promise<Bench & { readonly fake: DeepgramFake }> {
  const { haste = 10 } = options;
  const fake = await startDeepgramFake({ ...options, haste });
  return { ...(await fakeBench({ ...fake, haste, tells: "with-answers" }, deepgram, { providerSettings: { deepgram: own } })), fake };
}

/** Ten times as fast as the real one: waits of seconds pass while the wire stays what it is. */
const fast: Clock = {
  now: () => systemClock.now() * 10,
  wallNow: () => systemClock.wallNow(),
  setTimeout: (run, delayMs) => systemClock.setTimeout(run, delayMs / 10),
  clearTimeout: (timer) => systemClock.clearTimeout(timer),
};

const says = (bench: Bench, line: Line): Promise<void> => line.says(bench.speech(uplink), pause(bench.provider, uplink));
const hush = (ms: number): Uint8Array => silence(ms * 32, uplink);
const logged = (line: Line, event: string): string[] => line.diary.filter((entry) => entry.startsWith(`log ${event}`));
const urls = (fake: DeepgramFake, path: string): URL[] =>
  fake.panel.records.filter(({ asked }) => asked.url.startsWith(path)).map(({ asked }) => new URL(asked.url, "http://fake"));

describe("listening with Flux", { timeout, concurrent: true }, () => {
  test("an answer is begun at the eager end of a turn and heard only after its end", async () => {
    await using bench = await desk();
    await using line = await new Line(bench, { uplink }).open();
    bench.fake.panel.callerSays("two nights, please");
    bench.fake.panel.reply({ text: "From which date?", ms: 800 });
    // Silence that may be the end, but is not yet.
    await line.says(bench.speech(uplink), hush(400));
    await line.becomes(() => bench.fake.llm.hits === 1, "the draft");
    expect(line.all("caller.finished")).toEqual([]);
    await line.says(hush(600));
    await line.hears("agent.ended");
    const told = line.notices.map((notice) => notice.type).filter((type) => type.startsWith("caller.fin") || type.startsWith("agent"));
    expect(told).toEqual(["caller.finished", "agent.began", "agent.said", "agent.ended"]);
    expect(bench.fake.llm.hits).toBe(1);
    // Its stages are told once, before its first audio.
    expect(line.all("link.timed")).toEqual([
      { type: "link.timed", turnId: line.all("agent.began")[0]?.turnId, llmMs: expect.any(Number), ttsMs: expect.any(Number) },
    ]);
    expect(line.all("link.timed").every(({ llmMs, ttsMs }) => llmMs > 0 && ttsMs > 0)).toBe(true);
    expect(bench.fake.panel.violations).toEqual([]);
  });

  test("a caller who goes on takes the draft back, and is answered once, to all of it", async () => {
    await using bench = await desk();
    await using line = await new Line(bench, { uplink }).open();
    bench.fake.panel.callerSays("two nights");
    bench.fake.panel.reply("A draft that nobody hears.", "Two nights and more, certainly.");
    await line.says(bench.speech(uplink), hush(350));
    await line.becomes(() => bench.fake.llm.hits === 1, "the draft");
    await line.says(bench.speech(uplink), hush(1_000));
    const ended = await line.hears("agent.ended");
    expect(line.said(ended.turnId)).toBe("Two nights and more, certainly.");
    expect(line.all("agent.began")).toHaveLength(1);
    expect(line.all("caller.finished")).toHaveLength(1);
    expect(line.all("caller.transcribed").at(-1)).toMatchObject({ text: "two nights and more", final: true });
    expect(bench.fake.panel.violations).toEqual([]);
  });

  test("without an eager threshold nothing is begun before the end", async () => {
    await using bench = await desk({ eagerEotThreshold: null });
    await using line = await new Line(bench, { uplink }).open();
    await says(bench, line);
    await line.hears("agent.ended");
    expect(urls(bench.fake, "/v2/listen")[0]?.searchParams.has("eager_eot_threshold")).toBe(false);
    expect(bench.fake.llm.hits).toBe(1);
  });

  test("a socket that answers pings and tells nothing more is found out by the audio it owes an answer for", async () => {
    await using bench = await desk();
    await using line = await new Line(bench, { uplink }).open();
    bench.fake.panel.goSilent();
    const speaking = line.says(hush(6_000)).catch(() => {});
    const { fault } = await line.hears("link.lost");
    expect(fault.code).toBe("provider-silent");
    await speaking;
  });

  test("a caller who mutes in mid-turn is still answered, and the turn reaches no further than they spoke", async () => {
    await using bench = await desk();
    await using line = await new Line(bench, { uplink }).open();
    await line.says(bench.speech(uplink));
    const finished = await line.hears("caller.finished");
    expect(finished.uplinkMs).toBeLessThanOrEqual(1_000);
    await line.hears("agent.ended");
    await line.says(bench.speech(uplink), pause(bench.provider, uplink));
    await line.becomes(() => line.all("caller.finished").length === 2, "the second turn");
    const [, second] = line.all("caller.spoke");
    // Counted in the caller's own audio: the silence between was ours.
    expect(second?.uplinkMs).toBeGreaterThanOrEqual(1_000);
    expect(second?.uplinkMs).toBeLessThan(1_600);
    expect(bench.fake.panel.violations).toEqual([]);
  });

  test("turns ended by hand are ended by force, and one without speech is dismissed", async () => {
    await using bench = await desk({ stt: "flux-general-en" });
    await using line = await new Line(bench, { uplink, endpointing: "manual" }).open();
    line.ends.commitTurn();
    await line.hears("caller.dismissed");
    await line.says(bench.speech(uplink));
    line.ends.commitTurn();
    expect((await line.hears("caller.finished")).uplinkMs).toBeCloseTo(1_000, 0);
    await line.hears("agent.ended");
    expect(urls(bench.fake, "/v2/listen")).toHaveLength(1);
    expect(bench.fake.panel.violations).toEqual([]);
  });

  test("another language goes to the model of many, with a hint and a voice of its own", async () => {
    await using bench = await desk({ keyterms: ["Linekeeper", "Ada"], redact: ["numbers", "pci"], tag: "desk" });
    await using _line = await new Line(bench, { agent: { language: "de-DE" } }).open();
    const query = urls(bench.fake, "/v2/listen")[0]?.searchParams;
    expect(query?.get("model")).toBe("flux-general-multi");
    expect(query?.getAll("language_hint")).toEqual(["de"]);
    expect(query?.getAll("keyterm")).toEqual(["Linekeeper", "Ada"]);
    expect(query?.getAll("redact")).toEqual(["numbers"]);
    expect(urls(bench.fake, "/v1/speak")[0]?.searchParams.get("model")).toMatch(/-de$/);
    expect(bench.fake.panel.violations).toEqual([]);
  });

  test("while Flux cannot be had, Nova stands in, and the operator reads so", async () => {
    await using bench = await desk();
    bench.fake.refusals.set("/v2/listen", 503);
    const line = await new Line(bench, { uplink }).open();
    await says(bench, line);
    await line.hears("agent.ended");
    await line[Symbol.asyncDispose]();
    expect(logged(line, "stage_fell_back")).toHaveLength(1);
    expect(logged(line, "stage_fell_back")[0]).toContain("nova-3");
    for (const _ of "123") {
      await using _next = await new Line(bench).open();
    }
    // After three failures in a row it is no longer tried by every call.
    await using late = await new Line(bench).open();
    expect(logged(late, "stage_fell_back")[0]).toContain("provider-shut");
  });
});

describe("listening with Nova", { timeout, concurrent: true }, () => {
  const nova = { stt: "nova-3" };

  test("a turn that noise never ends is ended by its word gap, once", async () => {
    await using bench = await desk(nova);
    bench.fake.nova.noisy = true;
    await using line = await new Line(bench, { uplink }).open();
    bench.fake.panel.callerSays("two nights please");
    await line.says(bench.speech(uplink), hush(2_500));
    await line.hears("agent.ended");
    expect(line.all("caller.finished")).toHaveLength(1);
    expect(line.all("caller.transcribed").filter(({ final }) => final)).toMatchObject([{ text: "two nights please" }]);
  });

  test.for(["twice", "never"] as const)("a turn whose start is told %s is one turn", async (started) => {
    await using bench = await desk(nova);
    bench.fake.nova.started = started;
    await using line = await new Line(bench, { uplink }).open();
    await line.says(bench.speech(uplink), hush(2_000));
    await line.hears("agent.ended");
    expect(line.all("caller.spoke")).toHaveLength(1);
    expect(line.all("caller.finished")).toHaveLength(1);
  });

  test("noise without words is dismissed and not answered", async () => {
    await using bench = await desk(nova);
    bench.fake.nova.wordless = true;
    await using line = await new Line(bench, { uplink }).open();
    await line.says(bench.speech(uplink), hush(1_000));
    await line.hears("caller.dismissed");
    expect(line.all("caller.finished")).toEqual([]);
    expect(bench.fake.llm.hits).toBe(0);
    line.ends.takeText("are you there?");
    await line.hears("agent.ended");
  });

  test.for(["words", "empty", "never"] as const)("a turn ended by hand is answered although Finalize brings %s", async (finalize) => {
    await using bench = await desk(nova);
    bench.fake.nova.finalize = finalize;
    await using line = await new Line(bench, { uplink, endpointing: "manual" }).open();
    bench.fake.panel.callerSays("two nights please");
    await line.says(bench.speech(uplink));
    line.ends.commitTurn();
    expect((await line.hears("caller.finished")).uplinkMs).toBeCloseTo(1_000, 0);
    expect(line.all("caller.transcribed").at(-1)).toMatchObject({ text: "two nights please", final: true });
    await line.hears("agent.ended");
  });

  test("keyterms, speakers, redaction and a domain's model are asked for in the words of that model", async () => {
    await using bench = await desk({ stt: "nova-3-medical", keyterms: ["stent"], redact: ["pci", "ssn"], endpointingMs: 400 });
    await using line = await new Line(bench).open();
    const query = urls(bench.fake, "/v1/listen")[0]?.searchParams;
    expect(query?.getAll("keyterm")).toEqual(["stent"]);
    expect(query?.getAll("redact")).toEqual(["pci", "ssn"]);
    expect(query?.get("endpointing")).toBe("400");
    line.ends.close();
    await using older = await desk({ stt: "nova-2-phonecall", keyterms: ["stent"], diarize: true });
    await using _second = await new Line(older).open();
    const old = urls(older.fake, "/v1/listen")[0]?.searchParams;
    expect([old?.getAll("keywords"), old?.get("diarize")]).toEqual([["stent"], "true"]);
    expect([...bench.fake.panel.violations, ...older.fake.panel.violations]).toEqual([]);
  });
});

describe("keeping quiet", { timeout }, () => {
  test("a caller who says nothing for long is kept, before the first word as after it", async () => {
    await using bench = await desk({ stt: "nova-3" }, { idleLimitMs: 1_000 });
    await using line = await new Line(bench, { uplink, clock: fast }).open();
    const listening = (): number => bench.fake.panel.last.heard.bytes;
    await line.becomes(() => listening() > 0, "silence of ours, for KeepAlive alone does not hold a socket without audio");
    const keptUntil = systemClock.now() + 2_500;
    await line.becomes(() => systemClock.now() > keptUntil, "more than twice the limit");
    expect(line.all("link.lost")).toEqual([]);
    expect(bench.fake.panel.violations).toEqual([]);
  });

  test("a link that waits keeps one socket, which listens and is not paid for, and takes over after more than its idle limit", async () => {
    await using bench = await desk({ stt: "nova-3" }, { idleLimitMs: 1_000 });
    await using line = await new Line(bench, { uplink, clock: fast, begin: "wait" }).open();
    await line.becomes(() => bench.fake.panel.open === 1, "the voice's socket is let go");
    const keptUntil = systemClock.now() + 2_500;
    await line.becomes(() => systemClock.now() > keptUntil, "more than twice the limit");
    const heard = bench.fake.panel.records.map((record) => record.heard.bytes);
    expect(Math.max(...heard), "100 ms of silence and no more").toBeLessThanOrEqual(3_200);
    line.ends.takeOver([{ type: "caller", id: "c1", text: "Are you there?" }], "answer", undefined);
    await line.hears("agent.ended");
    expect(urls(bench.fake, "/v1/listen")).toHaveLength(1);
    expect(bench.fake.panel.violations).toEqual([]);
  });
});

describe("speaking", { timeout }, () => {
  const long = Array.from({ length: 36 }, (_, at) => `This is sentence number ${at} of a story.`).join(" ");

  test("a very long answer is spoken whole within the budget of flushes", async () => {
    await using bench = await desk();
    await using line = await new Line(bench).open();
    for (const count of [1, 2]) {
      bench.fake.panel.reply({ text: long, ms: 20_000 });
      line.ends.takeText("tell me a story");
      await line.becomes(() => line.all("agent.ended").length === count, `story ${count}`);
    }
    for (const { turnId } of line.all("agent.ended")) {
      expect(line.said(turnId)).toBe(long);
      expect(line.audioMs(turnId)).toBeCloseTo(20_000, 0);
    }
    expect(bench.fake.panel.violations).toEqual([]);
  });

  test("words have their place in the audio, and the memory is cut at the clause that was heard", async () => {
    await using bench = await desk();
    await using line = await new Line(bench).open();
    bench.fake.panel.reply({ text: "One room is free. It looks to the sea. It costs a little more than the others do.", ms: 8_000 });
    line.ends.takeText("is there a room?");
    const { turnId } = await line.hears("agent.ended");
    const [first, second] = line.all("agent.said");
    expect(first).toMatchObject({ text: "One room is free.", audioMs: 0 });
    line.ends.interrupt({ turnId, heardMs: second?.audioMs ?? 0 });
    line.ends.takeText("what else?");
    await line.becomes(() => line.all("agent.ended").length === 2, "the next answer");
    const heard = bench.fake.panel.historyTold().filter(({ by }) => by === "agent");
    expect(heard).toMatchObject([{ text: expect.stringMatching(/^One room is free\.\W*$/) }]);
  });

  test("a socket lost in mid-answer costs no word and says none twice: the rest comes over HTTP", async () => {
    await using bench = await desk();
    await using line = await new Line(bench).open();
    bench.fake.speak.dropAtMs = 700;
    bench.fake.panel.reply({ text: "There are a great many things to be said about that.", ms: 4_000 });
    line.ends.takeText("tell me all");
    const { turnId, outcome } = await line.hears("agent.ended");
    expect(outcome).toBe("complete");
    expect(line.said(turnId)).toBe("There are a great many things to be said about that.");
    // What was told before stands, and the second rendering is taken up where it ended.
    const again = bench.fake.panel.records.find(({ asked }) => asked.url.includes("container=none"))?.spoken.bytes ?? 0;
    expect(line.audio(turnId).length).toBe(again - (again % 2));
    expect(logged(line, "stage_fell_back")).toHaveLength(1);
    expect(line.all("link.lost")).toEqual([]);
  });

  test("a socket that the service closes between two answers is opened again when the next is coming", async () => {
    await using bench = await desk();
    bench.fake.speak.idleCloseMs = 600;
    await using line = await new Line(bench, { clock: fast }).open();
    line.ends.takeText("hello?");
    await line.hears("agent.ended");
    await line.becomes(() => bench.fake.panel.open === 1, "the end of the socket");
    bench.fake.speak.idleCloseMs = undefined;
    bench.fake.panel.reply({ text: "Yes, I am here.", ms: 1_000 });
    line.ends.takeText("are you there?");
    await line.becomes(() => line.all("agent.ended").length === 2, "the next answer");
    expect(line.audioMs(line.all("agent.ended")[1]?.turnId ?? "")).toBeCloseTo(1_000, 0);
    expect(urls(bench.fake, "/v1/speak").map(({ searchParams }) => searchParams.has("container"))).toEqual([false, false]);
    expect(logged(line, "stage_fell_back")).toEqual([]);
    expect(line.all("link.lost")).toEqual([]);
  });

  test("a service that takes words and never speaks is given up after three seconds, for HTTP", async () => {
    await using bench = await desk();
    bench.fake.speak.mute = true;
    await using line = await new Line(bench, { clock: fast }).open();
    line.ends.takeText("hello?");
    expect((await line.hears("agent.ended")).outcome).toBe("complete");
    expect(logged(line, "stage_fell_back")[0]).toContain("no audio for 3000 ms");
  });

  test("a Clear that is never answered does not silence the next answer", async () => {
    await using bench = await desk();
    bench.fake.speak.clears = false;
    await using line = await new Line(bench, { clock: fast }).open();
    bench.fake.panel.reply({ text: "There are a great many things to be said about that.", ms: 4_000, holdAtMs: 1_000 }, "Yes.");
    line.ends.takeText("tell me all");
    const { turnId } = await line.hears("agent.began");
    await line.becomes(() => line.audioMs(turnId) >= 500, "half a second");
    line.ends.interrupt({ turnId, heardMs: 300 });
    line.ends.takeText("yes or no?");
    await line.becomes(() => line.all("agent.ended").some(({ outcome }) => outcome === "complete"), "the next answer");
    expect(line.said(line.all("agent.ended")[1]?.turnId ?? "")).toBe("Yes.");
  });

  test.for([503, 429])("a socket refused with %s is no reason to refuse the call", async (status) => {
    await using bench = await desk();
    bench.fake.refusals.set("/v1/speak", status);
    await using line = await new Line(bench, { begin: "greet" }).open();
    const { turnId, outcome } = await line.hears("agent.ended");
    expect(outcome).toBe("complete");
    expect(line.audioMs(turnId)).toBeGreaterThan(300);
    expect(logged(line, "stage_fell_back").length).toBeGreaterThan(0);
    expect(bench.fake.panel.violations).toEqual([]);
  });

  test("a voice that the service does not have is a fault before the call", async () => {
    await using bench = await desk();
    await using line = new Line(bench, { agent: { voice: "nobody" } });
    expect((await line.refused()).code).toBe("provider-model");
  });
});

describe("the talk", { timeout, concurrent: true }, () => {
  test("what is typed while an answer runs is answered after it, once", async () => {
    await using bench = await desk();
    await using line = await new Line(bench).open();
    bench.fake.panel.reply({ text: "A long story about it all.", ms: 3_000, holdAtMs: 1_000 }, "Second.");
    line.ends.takeText("first");
    const { turnId } = await line.hears("agent.began");
    await line.becomes(() => line.audioMs(turnId) >= 1_000, "the place where it is held");
    line.ends.takeText("second");
    line.ends.takeText("third");
    expect(bench.fake.llm.hits).toBe(1);
    bench.fake.panel.release();
    await line.becomes(() => line.all("agent.ended").length === 2, "both answers");
    expect(bench.fake.llm.hits).toBe(2);
    expect(line.said(line.all("agent.ended")[1]?.turnId ?? "")).toBe("Second.");
  });

  test("a caller who speaks again before the answer is heard gets one answer to both turns", async () => {
    await using bench = await desk({ eagerEotThreshold: null });
    await using line = await new Line(bench, { uplink }).open();
    bench.fake.panel.callerSays("two nights", "no, three");
    bench.fake.llm.firstFrameMs = 1_500;
    await line.says(bench.speech(uplink), hush(700));
    await line.becomes(() => bench.fake.llm.hits === 1, "the first question");
    await line.says(bench.speech(uplink), hush(1_000));
    await line.hears("agent.ended");
    expect(line.all("agent.began")).toHaveLength(1);
    expect(bench.fake.llm.abandoned).toBe(1);
    expect(JSON.stringify(bench.fake.panel.historyTold())).toMatch(/two nights.*no, three/);
  });

  test("words before a call are spoken, and stand before it in the memory", async () => {
    await using bench = await desk();
    await using line = await new Line(bench).open();
    bench.fake.panel.reply({ text: "One moment.", ms: 500, toolCalls: [{ name: "find_room", arguments: '{"nights":2}' }] }, "Three rooms.");
    line.ends.takeText("a room for two nights");
    const called = await line.hears("tool.called");
    line.ends.answerTool({ ...called, output: '{"rooms":3}', failed: false });
    await line.becomes(() => line.all("agent.ended").length === 2, "both answers");
    expect(line.all("agent.ended").map(({ turnId }) => line.said(turnId))).toEqual(["One moment.", "Three rooms."]);
    expect(bench.fake.panel.historyTold().map(({ by }) => by)).toEqual(["caller", "agent", "tool"]);
    expect(bench.fake.panel.violations).toEqual([]);
  });

  test("a tool's result that nobody here asked for is spoken of", async () => {
    await using bench = await desk();
    await using line = await new Line(bench, {
      conversation: [
        { type: "caller", id: "c1", text: "Is a room free?" },
        { type: "tool", id: "t1", name: "find_room", arguments: "{}", output: undefined },
      ],
    }).open();
    bench.fake.panel.reply("Three rooms.");
    line.ends.answerTool({ toolCallId: "t1", name: "find_room", output: '{"rooms":3}', failed: false });
    await line.hears("agent.ended");
    line.ends.answerTool({ toolCallId: "other", name: "find_room", output: '{"rooms":4}', failed: false });
    await line.becomes(() => line.all("agent.ended").length === 2, "the second");
    expect(bench.fake.panel.last.toolResults.map(({ output }) => output)).toEqual(['{"rooms":3}', '{"rooms":4}']);
    expect(bench.fake.panel.violations).toEqual([]);
  });

  test("an answer that nobody can give hands the call over at once", async () => {
    await using bench = await desk();
    await using line = await new Line(bench).open();
    bench.fake.llm.script({ type: "refuse", kind: "key" });
    line.ends.takeText("hello");
    const { fault } = await line.hears("link.lost");
    expect(fault.code).toBe("provider-key");
    for (const secret of bench.secrets) expect(line.diary.join("\n")).not.toContain(secret);
  });

  test("a caller turn, an answer and its audio are paid for in their units", async () => {
    await using bench = await desk();
    await using line = await new Line(bench, { uplink }).open();
    bench.fake.panel.reply("From which date?");
    await says(bench, line);
    await line.hears("agent.ended");
    await line.becomes(() => line.all("link.used").some(({ usage }) => usage.quantities.spoken_characters !== undefined), "the voice's");
    const used = line.all("link.used").map(({ usage }) => usage);
    expect(used.find(({ quantities }) => quantities.spoken_characters !== undefined)?.quantities.spoken_characters).toBe(
      "From which date?".length,
    );
    const heardMs = used.reduce((sum, { quantities }) => sum + (quantities.transcribed_ms ?? 0), 0);
    expect(heardMs).toBeGreaterThan(1_000);
    expect(heardMs).toBeLessThanOrEqual(2_000);
    expect(used.some(({ quantities }) => (quantities.output_text_tokens ?? 0) > 0)).toBe(true);
  });
});

test.for(["flux-general-en", "nova-3"])(
  "%s is paid for to the last sample when the link closes, and so is what the voice was given",
  async (stt, { expect }) => {
    await using bench = await desk({ stt });
    await using line = await new Line(bench, { uplink }).open();
    bench.fake.panel.reply({ text: "There are a great many things to be said about that.", ms: 4_000, holdAtMs: 1_000 });
    line.ends.takeText("a room, please");
    await line.hears("agent.began");
    const sent = bench.speech(uplink);
    for (let at = 0; at < sent.length; at += 640) expect(line.ends.hear(sent.subarray(at, at + 640))).toBe(true);
    line.ends.close();
    const sum = (unit: "transcribed_ms" | "spoken_characters"): number =>
      line.all("link.used").reduce((all, { usage }) => all + (usage.quantities[unit] ?? 0), 0);
    // Silence that keeps the connection open is heard, and paid for, too.
    expect(sum("transcribed_ms")).toBeGreaterThanOrEqual(Math.round(sent.length / 32));
    expect(sum("spoken_characters")).toBeGreaterThan(0);
  },
);

describe("setting up", { timeout }, () => {
  test.for([
    { own: { stt: "whisper" }, says: "stt" },
    { own: { eagerEotThreshold: 0.8, eotThreshold: 0.6 }, says: "eagerEotThreshold" },
    { own: { stt: "flux-general-en", diarize: true }, says: "diarize" },
    { own: { keyterm: ["x"] }, says: "keyterm" },
  ])("an agent's wrong setting is named: $says", async ({ own, says: named }) => {
    await using bench = await desk(own);
    await using line = new Line(bench);
    const fault = await line.refused();
    expect(fault.code).toBe("setting-invalid");
    expect(fault.message).toContain(named);
    expect(bench.fake.panel.connections).toBe(0);
  });

  test("no socket is dialled a second time by the client, however it ends", async () => {
    await using bench = await desk();
    await using line = await new Line(bench).open();
    const { connections } = bench.fake.panel;
    bench.fake.panel.drop(1005);
    await line.hears("link.lost");
    await line.becomes(() => bench.fake.panel.open === 0, "nothing open");
    const later = systemClock.now() + 300;
    await line.becomes(() => systemClock.now() > later, "a while");
    expect(bench.fake.panel.connections).toBe(connections);
  });
});
