import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../../src/kernel/random.ts";
import { Talk } from "./talk.ts";

describe("the beginning", () => {
  test("the greeting names the business, the offline demo and the way to a person", async () => {
    expect(await new Talk().turn({ type: "greet" })).toMatch(/the Blue Lantern.*offline demo.*person/);
  });

  test("the first piece of speech is short", async () => {
    const [first] = await new Talk().think({ type: "greet" });
    expect(first?.type === "say" && first.text.length).toBeLessThan(45);
  });
});

describe("questions and wishes", () => {
  test.each([
    ["What are your opening hours?", /Tuesday to Thursday from noon to 10 pm.*closed on Monday/],
    ["when do you guys open", /noon/],
    ["what time do you close", /10 pm/],
    ["are you open on Sunday?", /Sunday, November 22nd we are open from noon to 10 pm/],
    ["are you open on Monday", /closed/],
    ["How do I find you?", /14 Harbour Street/],
    ["what's your adress", /14 Harbour Street/],
    ["what time is it?", /10 am/],
    ["what's the date today", /Friday, November 20th/],
    ["what is seven times eight", /56/],
    ["What can you do?", /book/],
    ["who are you", /automatic receptionist of the Blue Lantern/],
    ["thank you very much", /welcome|pleasure/],
    ["hello", /Hello|here/],
    ["how do you spell that", /B, L, U, E/],
    ["ten divided by zero", /zero/],
    ["Hi, do you have anything free on Saturday night for five?", /time/],
    ["I was wondering if I could come in tomorrow around six with three friends", /name/],
    ["lunch for three tomorrow", /time/],
    ["Do you take reservations?", /people/],
    ["Are you open right now?", /Friday, November 20th we are open from noon to 11 pm/],
    ["I ordered a pizza an hour ago and it's still not here", /order number/],
    ["It's about order 47193", /4 7 1, 9 3, right\?/],
    ["I need to change my reservation from Friday to Saturday", /move|Sure/],
    ["We're going to be late for our reservation", /15 minutes/],
    ["I can't make it tonight, please cancel", /sorry to hear|can do that/],
    ["Could you please tell the manager that the music was too loud?", /name/],
    ["I'd like to speak with somebody in charge", /someone|colleague/],
    ["Are you an AI?", /automatic receptionist/],
    ["Do you speak Spanish?", /only speak English/],
    ["Okay", /What can I do|How can I help/],
    ["Nothing, bye", /Goodbye!/],
    ["I'm dying to try your fish", /What can I do|How can I help/],
    ["This queue is killing me", /What can I do|How can I help/],
    ["wait a minute", /take your time/],
  ])("%j", async (text, answer) => {
    expect(await new Talk().says(text)).toMatch(answer);
  });

  test("a person is got with a reason", async () => {
    const talk = new Talk();
    expect(await talk.says("I want to talk to a real person")).toMatch(/someone|colleague/);
    expect(talk.calls).toEqual([{ name: "transfer_to_human", arguments: { reason: "asked for a person" } }]);
  });

  test("goodbye is said before hanging up", async () => {
    const talk = new Talk();
    const parts = await talk.think({ type: "caller", text: "ok thank you very much, goodbye" });
    expect(parts.map(({ type }) => type)).toEqual([...parts.slice(1).map(() => "say"), "call"]);
    expect(parts.at(-1)).toMatchObject({ name: "end_call" });
  });

  test("no to 'anything else' is a goodbye", async () => {
    const talk = new Talk();
    await talk.saysAll("where is my order", "four seven one nine two", "yes");
    expect(await talk.says("No, thanks.")).toContain("Goodbye");
    expect(talk.calls.at(-1)).toMatchObject({ name: "end_call" });
  });

  test("the line's own state is read out, whatever it holds", async () => {
    expect(await new Talk().says("what are you doing right now?")).toMatch(
      /Provider: local\. Call: 42 seconds\. Reconnects: 0\. Phase: talking\./,
    );
  });

  test.each([
    ["Hola, quiero una mesa por favor"],
    ["Guten Tag, ich möchte einen Tisch"],
    ["Bonjour, je voudrais réserver"],
    ["こんにちは"],
  ])("%j is told politely that only English is spoken", async (text) => {
    expect(await new Talk().says(text)).toMatch(/only speak English/);
  });

  test("unclear words lead to a hint, then to a person", async () => {
    const talk = new Talk();
    expect(await talk.says("grumble wump")).toMatch(/Sorry|Pardon/);
    expect(await talk.says("fizz")).toMatch(/book a table/);
    await talk.says("mumble");
    expect(talk.calls).toMatchObject([{ name: "transfer_to_human" }]);
  });
});

describe("what was heard", () => {
  test.each([
    ["repeat after me one two three four", "1 2 3 4."],
    ["repeat after me: my number is five five five, oh one two, three four five six", "My number is 5 5 5, 0 1 2, 3 4 5 6."],
    ["repeat after me: the quick brown fox jumps", "The quick brown fox jumps."],
    ["Repeat after me, 12345 54321.", "1 2 3, 4 5 5, 4 3 2 1."],
  ])("%j", async (text, echo) => {
    expect(await new Talk().says(text)).toBe(echo);
  });

  test("what did you hear tells the caller's last words", async () => {
    const talk = new Talk();
    await talk.says("where are you");
    expect(await talk.says("what did you hear?")).toBe("I heard: where are you.");
  });

  test("repeat says the last answer again, in a task too", async () => {
    const talk = new Talk();
    const asked = await talk.says("book a table for two");
    expect(await talk.says("Sorry, can you repeat that?")).toBe(asked);
    expect(await talk.says("tomorrow")).toMatch(/time/i);
    expect(await talk.says("slower please")).toMatch(/slowly.*time/i);
  });
});

describe("phone numbers", () => {
  const random = seededRandom(20);
  const names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
  const forms: readonly ((digits: string) => string)[] = [
    (digits) => `my number is ${said(digits.slice(0, 3))}, ${said(digits.slice(3, 6))}, ${said(digits.slice(6))}`,
    (digits) => Array.from(digits).join(" "),
    (digits) => `${digits.slice(0, 3)}-${digits.slice(3, 6)}-${digits.slice(6)}`,
    (digits) => `My phone number is ${digits.slice(0, 5)} ${digits.slice(5)}.`,
    (digits) => `It's ${said(digits).replaceAll("zero", "oh")}.`,
  ];
  const said = (digits: string): string => Array.from(digits, (digit) => names[Number(digit)]).join(" ");
  const numbers = Array.from({ length: 20 }, (_, at) => {
    const digits = Array.from({ length: 10 }, () => Math.floor(random.next() * 10)).join("");
    return [forms[at % forms.length]?.(digits) ?? "", digits] as const;
  });

  test.each(numbers)("%j is read back in groups", async (text, digits) => {
    const groups = [digits.slice(0, 3), digits.slice(3, 6), digits.slice(6)].map((group) => Array.from(group).join(" ")).join(", ");
    expect(await new Talk().says(text)).toContain(groups);
  });
});

describe("crisis words", () => {
  const spoken = /9 1 1.*9 8 8/;

  test.each([
    ["I want to kill myself"],
    ["i don't want to live anymore"],
    ["my husband has a heart attack"],
    ["quiero morir"],
    ["ich will sterben"],
  ])("%j gets a number and a person at once", async (text) => {
    const talk = new Talk();
    expect(await talk.says(text)).toMatch(spoken);
    expect(talk.calls).toEqual([{ name: "transfer_to_human", arguments: { reason: "crisis" } }]);
  });

  test("in the middle of a booking too, and in place of any answer", async () => {
    const talk = new Talk();
    await talk.saysAll("book a table for two tomorrow at one", "Bob");
    const answer = await talk.says("555 019, oh what is it for, I want to end my life");
    expect(answer).toMatch(spoken);
    expect(answer).not.toMatch(/right\?|Shall/);
    expect(talk.calls).toEqual([{ name: "transfer_to_human", arguments: { reason: "crisis" } }]);
  });

  test("without a way to a person the number is still said", async () => {
    expect(await new Talk({ lacks: ["transfer_to_human"] }).says("I want to die")).toMatch(spoken);
  });
});

test("the same seed gives the same talk, another seed other words", async () => {
  const texts = ["hello", "book a table for two tomorrow at one", "Bob", "555 019 9222", "yes", "yes", "thanks", "bye"];
  const run = async (seed: number): Promise<string[]> => {
    const talk = new Talk({ seed });
    const answers = [await talk.turn({ type: "greet" })];
    for (const text of texts) answers.push(await talk.says(text));
    return answers;
  };
  expect(await run(7)).toEqual(await run(7));
  expect(await run(7)).not.toEqual(await run(8));
});

test("200 salads of words are answered with something short, and never break the talk", async () => {
  const seed = 4711;
  const random = seededRandom(seed);
  const pool =
    "yes no table four seven at tomorrow friday not change time name my is phone number five oh two double repeat after me cancel move order never mind what hear hours close people person the of to for half past quarter sorry actually Bob um , . ? 12 7:30 $ 🙂 {x} \\ (".split(
      " ",
    );
  let talk = new Talk({ seed });
  for (let at = 0; at < 200; at += 1) {
    if (at % 20 === 0) talk = new Talk({ seed: at });
    const text = Array.from({ length: 1 + Math.floor(random.next() * 9) }, () => pool[Math.floor(random.next() * pool.length)]).join(" ");
    const answer = await talk.says(text);
    expect(answer.length, `seed ${seed}, salad ${at}: ${JSON.stringify(text)}`).toBeGreaterThan(1);
    expect(answer.length, `seed ${seed}, salad ${at}: ${JSON.stringify(text)}`).toBeLessThan(320);
    expect(answer, `seed ${seed}, salad ${at}: ${JSON.stringify(text)}`).not.toMatch(/[{}]|undefined|NaN|say that once more/);
  }
});
