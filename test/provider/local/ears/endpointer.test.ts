import { describe, expect, test } from "vitest";
import {
  Endpointer,
  usualEndpointing,
  type EndpointerEvent,
  type EndpointerOptions,
} from "../../../../src/provider/local/ears/endpointer.ts";
import { frameMs } from "../../../../src/provider/local/ears/vad-batch.ts";

interface Played {
  /** What was told and where the audio stood, ms. */
  readonly told: readonly (EndpointerEvent & { readonly atFrameMs: number })[];
  readonly types: readonly string[];
  first<Type extends EndpointerEvent["type"]>(type: Type): Extract<EndpointerEvent, { type: Type }> & { readonly atFrameMs: number };
}

interface Stretch {
  readonly ms: number;
  /** Probability of speech. */
  readonly voice: number;
  /** Whether the agent speaks meanwhile. */
  readonly agent?: boolean;
}

const voice = (ms: number, probability = 0.95): Stretch => ({ ms, voice: probability });
const pause = (ms: number): Stretch => ({ ms, voice: 0.02 });
const overAgent = (stretch: Stretch): Stretch => ({ ...stretch, agent: true });

/** `words` answers in turn; the last answer stays. */
function play(stretches: readonly Stretch[], words: readonly string[] = ["yes please"], options: Partial<EndpointerOptions> = {}): Played {
  const endpointer = new Endpointer({ ...usualEndpointing, ...options });
  const told: (EndpointerEvent & { atFrameMs: number })[] = [];
  const answers = [...words];
  let atMs = 0;
  const tell = (events: readonly EndpointerEvent[]): void => void told.push(...events.map((event) => ({ ...event, atFrameMs: atMs })));
  for (const stretch of stretches) {
    endpointer.agentIsSpeaking = stretch.agent ?? false;
    for (let ms = 0; ms < stretch.ms; ms += frameMs) {
      tell(endpointer.hear(atMs, stretch.voice));
      atMs += frameMs;
      if (endpointer.awaitsWords) tell(endpointer.words((answers.length > 1 ? answers.shift() : answers[0]) ?? ""));
    }
  }
  return {
    told,
    types: told.map(({ type }) => type).filter((type) => type !== "partial"),
    first: (type) => {
      const found = told.find((event) => event.type === type);
      if (found === undefined) throw new Error(`no ${type} among ${told.map((event) => event.type).join(", ")}`);
      // Its type was just compared.
      return found as ReturnType<Played["first"]> as never;
    },
  };
}

describe("onset", () => {
  test("a turn begins with the sounds before the first that was surely voice", () => {
    expect(play([pause(960), voice(960)]).first("spoke").atMs).toBe(960 - 300);
  });

  test("a turn never begins before the audio does", () => {
    expect(play([pause(96), voice(960)]).first("spoke").atMs).toBe(0);
  });

  test.each([
    { name: "two frames of voice are not speech", stretches: [voice(64), pause(2_000)], types: [] },
    {
      name: "blips far apart are not speech",
      stretches: [voice(64), pause(320), voice(64), pause(2_000)],
      types: [],
    },
    {
      name: "syllables close together are",
      stretches: [voice(64), pause(96), voice(64), pause(160)],
      types: ["spoke"],
    },
    { name: "a murmur is not speech", stretches: [voice(3_000, 0.45)], types: [] },
    {
      name: "a soft ending belongs to the speech before it",
      stretches: [voice(480), voice(960, 0.4)],
      types: ["spoke"],
    },
  ])("$name", ({ stretches, types }) => {
    expect(play([pause(640), ...stretches]).types).toEqual(types);
  });
});

describe("the end of a turn", () => {
  test("words are sought early in the silence and the turn ends after 0.6 s of it", () => {
    const played = play([pause(640), voice(960), pause(2_000)]);
    expect(played.types).toEqual(["spoke", "paused", "finished"]);
    expect(played.first("paused").atFrameMs - 1_600).toBeLessThanOrEqual(224);
    expect(played.first("finished").atFrameMs - 1_600).toBe(608);
    expect(played.first("finished").atMs).toBe(1_600);
  });

  test.each([
    { text: "My name is", endsAfterMs: 1_216 },
    { text: "I would like to book a table for", endsAfterMs: 1_216 },
    { text: "Um...", endsAfterMs: 1_216 },
    { text: "It's five five five,", endsAfterMs: 1_216 },
    { text: "My number is 555-123", endsAfterMs: 1_216 },
    { text: "555-1234.", endsAfterMs: 608 },
    { text: "Four one five, five five five, two six seven one.", endsAfterMs: 608 },
    { text: "At seven thirty.", endsAfterMs: 608 },
    { text: "What time is it?", endsAfterMs: 608 },
    { text: "Yes, I do.", endsAfterMs: 608 },
    { text: "", endsAfterMs: 608 },
  ])("after “$text” it comes after $endsAfterMs ms of silence", ({ text, endsAfterMs }) => {
    const played = play([voice(960), pause(2_000)], [text]);
    expect(played.first("finished").atFrameMs - 960).toBe(endsAfterMs);
  });

  test("a short pause is part of the segment and makes what was decoded stale", () => {
    const played = play([voice(960), pause(320), voice(960), pause(1_000)]);
    expect(played.types).toEqual(["spoke", "paused", "went-on", "paused", "finished"]);
    const [, last] = played.told.filter((event) => event.type === "paused");
    expect(last).toMatchObject({
      stretch: { fromMs: 0, toMs: 960 + 320 + 960 + 224, voicedMs: 1_920 },
    });
  });

  test("who goes on while held is not cut", () => {
    const played = play([voice(960), pause(960), voice(640), pause(2_000)], ["my name is", "my name is Ada"]);
    expect(played.types).toEqual(["spoke", "paused", "went-on", "paused", "finished"]);
  });

  test.each([
    { name: "a cough without words is dismissed", voicedMs: 192, text: "", ends: "dismissed" },
    { name: "a short word is not", voicedMs: 192, text: "No.", ends: "finished" },
    {
      name: "long speech without words is finished, to be asked again",
      voicedMs: 320,
      text: "",
      ends: "finished",
    },
  ])("$name", ({ voicedMs, text, ends }) => {
    expect(play([voice(voicedMs), pause(1_500)], [text]).types.at(-1)).toBe(ends);
  });
});

describe("going on after the end", () => {
  test("speech that begins soon after reopens the turn and is decoded with what was before", () => {
    const played = play([voice(960), pause(1_216), voice(640), pause(1_500)]);
    expect(played.types).toEqual(["spoke", "paused", "finished", "resumed", "went-on", "paused", "finished"]);
    expect(played.told.filter((event) => event.type === "paused").at(-1)).toMatchObject({
      stretch: { fromMs: 0 },
    });
  });

  test("speech after that is a new turn, which has none of the old one's audio", () => {
    const played = play([voice(960), pause(1_408), voice(640), pause(1_500)]);
    expect(played.types).toEqual(["spoke", "paused", "finished", "spoke", "paused", "finished"]);
    expect(played.told.filter((event) => event.type === "spoke").at(-1)).toMatchObject({
      atMs: 960 + 1_408 - 300,
    });
  });

  test("a turn that was dismissed is over", () => {
    expect(play([voice(160), pause(800), voice(640), pause(800)], ["", "yes"]).types).toEqual([
      "spoke",
      "paused",
      "dismissed",
      "spoke",
      "paused",
      "finished",
    ]);
  });
});

describe("long speech", () => {
  test("after 12 s a pause ends the segment and not the turn", () => {
    const played = play([voice(12_800), pause(320), voice(960), pause(1_500)]);
    expect(played.types).toEqual(["spoke", "paused", "paused", "finished"]);
    const [first, second] = played.told.filter((event) => event.type === "paused");
    expect(first).toMatchObject({ stretch: { fromMs: 0, toMs: 12_800 + 224 } });
    expect(second).toMatchObject({ stretch: { fromMs: 12_800 + 224, voicedMs: 960 } });
  });

  test("without a pause it is cut at 20 s, where it was quietest", () => {
    const played = play([voice(17_984), voice(32, 0.4), voice(4_000), pause(1_500)]);
    expect(played.types).toEqual(["spoke", "cut", "paused", "finished"]);
    expect(played.first("cut").atFrameMs).toBeLessThanOrEqual(20_000);
    expect(played.first("cut").stretch).toMatchObject({ fromMs: 0, toMs: 18_016 });
    expect(played.first("paused").stretch.fromMs).toBe(18_016);
  });

  test("the words so far are looked at after 0.7 s and then in even steps", () => {
    const partials = play([voice(6_400)]).told.filter((event) => event.type === "partial");
    expect(partials.map(({ atFrameMs }) => Math.round(atFrameMs / 100))).toEqual([7, 22, 37, 52]);
  });
});

describe("over the agent", () => {
  test.each([
    { name: "two clear frames are enough", stretches: [voice(64)], types: ["spoke"] },
    { name: "what would do in silence is too faint", stretches: [voice(1_500, 0.7)], types: [] },
    { name: "a single frame is not enough", stretches: [voice(32), pause(500)], types: [] },
  ])("with fast barge-in $name", ({ stretches, types }) => {
    expect(play([pause(640), ...stretches].map(overAgent)).types).toEqual(types);
  });

  test("with careful barge-in a word must be among 0.26 s of voice", () => {
    const careful = { bargeIn: "careful" } as const;
    expect(play([voice(224), pause(1_000)].map(overAgent), ["stop"], careful).types).toEqual([]);
    expect(play([voice(256)].map(overAgent), ["stop"], careful).types).toEqual(["probe", "spoke"]);
    expect(play([voice(480)].map(overAgent), [""], careful).types).toEqual(["probe"]);
    expect(play([voice(512)].map(overAgent), ["", "stop"], careful).types).toEqual(["probe", "probe", "spoke"]);
  });
});
