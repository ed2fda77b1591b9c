import { expect, test } from "vitest";
import { Fault } from "../../src/kernel/fault.ts";
import type { ConversationItem } from "../../src/provider/contract.ts";
import { nearestVoice } from "../../src/provider/voices.ts";
import type { Tool } from "../../src/session/tools.ts";
import { startHouse } from "./house.ts";
import { realTraits } from "./real-traits.ts";
import { openTelling, type TellingLink } from "./telling-link.ts";

/** What is said, in order: `resumes` goes on after an end that was none, of `cut` only so much is heard, and `---` is the hand-over. */
type Step =
  | readonly ["agent" | "caller" | "types", string]
  | readonly ["resumes", string, string]
  | readonly ["cut", string, { readonly ms: number; readonly heardMs: number }]
  | readonly ["tool", string, string]
  | readonly ["---"];

const golden: Readonly<Record<string, { readonly language: string; readonly voice: string | undefined; readonly steps: readonly Step[] }>> =
  {
    "a greeting and nothing yet": {
      language: "en-US",
      voice: "marin",
      steps: [["agent", "Hello, this is the desk."], ["---"], ["caller", "Good day."], ["agent", "How can I help?"]],
    },
    "a question and its answer": {
      language: "en-US",
      voice: "cedar",
      steps: [
        ["agent", "Hello."],
        ["caller", "When do you open?"],
        ["agent", "At nine."],
        ["---"],
        ["caller", "Thanks."],
        ["agent", "Welcome."],
      ],
    },
    "a question that is still to be answered": {
      language: "en-GB",
      voice: undefined,
      steps: [["agent", "Hello."], ["caller", "Are you open on Sunday?"], ["---"], ["agent", "From ten to four."]],
    },
    "a tool and what came of it": {
      language: "en-US",
      voice: "aura-2-thalia-en",
      steps: [
        ["caller", "Book a table for two."],
        ["tool", "book", '{"guests":2}'],
        ["agent", "It is booked."],
        ["---"],
        ["caller", "Lovely."],
        ["agent", "See you then."],
      ],
    },
    "several tools in one turn": {
      language: "en-US",
      voice: "Puck",
      steps: [
        ["agent", "Hello."],
        ["caller", "Is tonight free, and if so book it."],
        ["tool", "look_up", '{"day":"today"}'],
        ["tool", "book", '{"guests":4}'],
        ["agent", "It was free, and it is booked."],
        ["---"],
        ["caller", "And tomorrow?"],
        ["tool", "look_up", '{"day":"tomorrow"}'],
        ["agent", "That is free too."],
      ],
    },
    "the same tool twice with the same words": {
      language: "en-US",
      voice: "marin",
      steps: [
        ["caller", "Is it free?"],
        ["tool", "look_up", "{}"],
        ["agent", "It is."],
        ["caller", "Is it free?"],
        ["tool", "look_up", "{}"],
        ["agent", "It is."],
        ["---"],
        ["caller", "Is it free?"],
        ["agent", "It still is."],
      ],
    },
    "a reply that the caller breaks into": {
      language: "en-US",
      voice: "Charon",
      steps: [
        ["agent", "Hello."],
        ["caller", "What is on the menu?"],
        ["cut", "We have soup of the day, a salad with nuts, three kinds of fish and an apple pie.", { ms: 6_000, heardMs: 2_300 }],
        ["caller", "Stop. Is there fish?"],
        ["agent", "Three kinds."],
        ["---"],
        ["caller", "Good."],
        ["agent", "Fine."],
      ],
    },
    "a reply that is broken into just before": {
      language: "en-US",
      voice: "marin",
      steps: [
        ["caller", "Tell me the way."],
        ["cut", "Take the second street on the left and then go straight on to the old bridge.", { ms: 5_000, heardMs: 3_100 }],
        ["caller", "Which street?"],
        ["---"],
        ["agent", "The second one."],
      ],
    },
    "turns that are typed": {
      language: "en-US",
      voice: undefined,
      steps: [
        ["agent", "Hello."],
        ["types", "my name is O'Neil, spelt so"],
        ["agent", "Thank you."],
        ["caller", "Did you get it?"],
        ["agent", "I did."],
        ["---"],
        ["types", "fine"],
        ["agent", "Anything else?"],
      ],
    },
    "a turn that goes on after its end": {
      language: "en-US",
      voice: "verse",
      steps: [
        ["agent", "Hello."],
        ["resumes", "I would like", "I would like a table for six"],
        ["agent", "For when?"],
        ["---"],
        ["resumes", "On", "On Friday at eight"],
        ["agent", "Noted."],
      ],
    },
    "German, with a tool": {
      language: "de-DE",
      voice: "aura-2-julius-de",
      steps: [
        ["agent", "Guten Tag, hier ist die Anmeldung."],
        ["caller", "Ich hätte gern einen Tisch für zwei."],
        ["tool", "book", '{"gäste":2}'],
        ["agent", "Der Tisch ist für Sie reserviert."],
        ["---"],
        ["caller", "Danke schön."],
        ["agent", "Auf Wiederhören."],
      ],
    },
    "French and typed Japanese": {
      language: "fr-FR",
      voice: "aura-2-agathe-fr",
      steps: [
        ["agent", "Bonjour, que puis-je faire pour vous ?"],
        ["caller", "Vous êtes ouverts à Noël ?"],
        ["agent", "Oui, à midi."],
        ["types", "日本語のメニューはありますか"],
        ["agent", "Oui, bien sûr."],
        ["---"],
        ["caller", "Merci."],
        ["agent", "De rien."],
      ],
    },
  };

const output = (args: string): string => JSON.stringify({ done: args });
const tools: readonly Tool[] = ["book", "look_up"].map((name) => ({
  spec: { name, description: `${name} a table`, parameters: { type: "object", properties: {} } },
  run: async (args) => ({ done: JSON.stringify(args) }),
}));
const instructions = "You are the desk of a restaurant. Be brief.";

/** What the next link is to know of the steps before it; of a reply that was cut what may stand, the first words up to any of these. */
function expected(steps: readonly Step[]): readonly unknown[] {
  return steps.flatMap((step): readonly unknown[] => {
    switch (step[0]) {
      case "agent":
        return [{ type: "agent", text: step[1], interrupted: false }];
      case "caller":
      case "types":
        return [{ type: "caller", text: step[1] }];
      case "resumes":
        return [{ type: "caller", text: step[2] }];
      case "tool":
        return [{ type: "tool", name: step[1], arguments: step[2], output: output(step[2]) }];
      case "cut": {
        const [, text, { ms, heardMs }] = step;
        const may = [heardMs - 100, heardMs, heardMs + 100].map((at) => begunBy(text, at / ms));
        return [{ type: "agent", text: expect.toSatisfy((said: string) => may.includes(said)), interrupted: true }];
      }
      case "---":
        return [];
    }
  });
}

/** The words that were begun when so much of the text was said, letters taking the same time each. */
function begunBy(text: string, share: number): string {
  let at = 0;
  const begun = text.split(" ").filter((word) => {
    const isBegun = at < text.length * share;
    at += word.length + 1;
    return isBegun;
  });
  return begun.join(" ");
}

const plain = (items: readonly ConversationItem[]): unknown[] => items.map((item) => ({ ...item, id: undefined }));

async function play(fixture: string, from: string, to: string, mode: "asked" | "lost"): Promise<void> {
  const script = golden[fixture];
  const traits = { from: realTraits[from], to: realTraits[to] };
  if (script === undefined || traits.from === undefined || traits.to === undefined) throw new Error("no such row");
  const where = `${fixture}: ${from} to ${to}, ${mode}`;
  const { language, voice, steps } = script;
  const spec = { instructions, language, voice };
  // Each begins where it is to be handed over from, whoever would be asked first in that language.
  const anyLanguage = { languages: "any" } as const;
  const ofEach = { [from]: { ...traits.from, ...anyLanguage }, [to]: { ...traits.to, ...anyLanguage } };
  const house = startHouse({ tiers: [from, to], traits: ofEach, tools, spec });
  const opened = { from: openTelling(house.provider(from)), to: openTelling(house.provider(to)) };
  const caller = house.dial();
  const talk = async (ms: number): Promise<void> => {
    for (let spokenMs = 0; spokenMs < ms; spokenMs += 100) {
      caller.line.audio(new Uint8Array(3_200));
      await house.clock.advance(100);
    }
  };
  await talk(200);
  const callId = house.roster.calls()[0]?.callId ?? "";
  let link = opened.from.at(-1);
  let turns = 0;
  const hears = async (first: string | undefined, text: string): Promise<void> => {
    if (link === undefined) return;
    const turnId = `c${turns}`;
    const words = { type: "caller.transcribed", turnId, text, final: true } as const;
    link.tells({ type: "caller.spoke", turnId, uplinkMs: link.heardMs });
    await talk(300);
    if (first !== undefined) {
      link.tells({ ...words, text: first }, { type: "caller.finished", turnId, uplinkMs: link.heardMs });
      await talk(100);
      link.tells({ type: "caller.resumed", turnId });
      await talk(300);
    }
    const finished = { type: "caller.finished", turnId, uplinkMs: link.heardMs } as const;
    if (house.provider(from).traits.callerTranscript === "final") link.tells(finished, words);
    else link.tells(words, finished);
  };
  for (const [at, step] of steps.entries()) {
    turns += 1;
    if (step[0] === "---") {
      if (mode === "asked") house.roster.switchProvider(callId, to);
      else {
        house.provider(from).refusal = new Fault("provider-unreachable", "connection refused");
        link?.tells({ type: "link.lost", fault: new Fault("provider-dropped", "the socket closed with 1006") });
      }
      // A move that was asked for waits 5 s for an answer that is owed, and then goes on without it.
      await talk(6_000);
      link = nextOf(opened.to, where);
      const told = [...link.request.conversation, ...link.since];
      expect(plain(told), where).toEqual(expected(steps.slice(0, at)));
      expect(new Set(told.map(({ type, id }) => `${type} ${id}`)).size, where).toBe(told.length);
      const { agent } = link.request;
      expect(agent, where).toMatchObject({ instructions, language, voice: nearestVoice({ voice, language }, traits.to) });
      const asked = opened.from[0]?.request.agent.tools;
      expect(agent.tools, where).toEqual(asked);
      expect(agent.tools, where).toEqual(expect.arrayContaining(tools.map((tool) => tool.spec)));
    } else if (step[0] === "caller") await hears(undefined, step[1]);
    else if (step[0] === "resumes") await hears(step[1], step[2]);
    else if (step[0] === "types") caller.line.signal({ type: "text", text: step[1] });
    else if (step[0] === "tool") {
      link?.tells({ type: "tool.called", toolCallId: `x${turns}`, name: step[1], arguments: step[2] });
      await talk(100);
    } else if (step[0] === "agent") {
      link?.speaks(`a${turns}`, step[1], 600);
      await talk(900);
    } else if (step[0] === "cut") {
      const { ms, heardMs } = step[2];
      link?.speaks(`a${turns}`, step[1], ms);
      await talk(heardMs);
    }
  }
  await talk(500);
  const records = house.roster.records(callId);
  const said = expected(steps).filter((item) => !JSON.stringify(item).startsWith('{"type":"tool"'));
  expect(
    records.map(({ role, text, interrupted }) => (role === "agent" ? { type: role, text, interrupted } : { type: role, text })),
    where,
  ).toEqual(said);
  const cut = steps.find((step) => step[0] === "cut");
  if (cut !== undefined) {
    const { heardMs = 0 } = records.find(({ interrupted }) => interrupted) ?? {};
    expect(Math.abs(heardMs - cut[2].heardMs), where).toBeLessThanOrEqual(100);
  }
  const moves = house.events.filter((event) => event.type === "call.handed-over");
  expect(moves, where).toMatchObject([{ from, to, mode: mode === "asked" ? "planned" : "failover", restored: "full" }]);
}

/** Who holds the call; a link that was made ready and was not used is closed. */
function nextOf(links: readonly TellingLink[], where: string): TellingLink {
  const [link, ...others] = links.filter((each) => !each.isClosed);
  if (link === undefined || others.length > 0) throw new Error(`${where}: ${links.length} links, ${others.length + 1} of them open`);
  return link;
}

const names = Object.keys(realTraits);
const pairs = names.flatMap((from) => names.filter((to) => to !== from).map((to) => ({ from, to })));

test.each(Object.keys(golden))(
  "a conversation is handed over whole between all pairs of providers, asked for and after a loss: %s",
  { timeout: 60_000 },
  async (fixture) => {
    expect(pairs).toHaveLength(30);
    for (const { from, to } of pairs) for (const mode of ["asked", "lost"] as const) await play(fixture, from, to, mode);
  },
);
