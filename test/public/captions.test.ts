import { expect, test } from "vitest";
import { Captions } from "../../public/page/captions.js";

const said = (turnId: string, role: "caller" | "agent", text: string, more: object = {}): { type: string } & Record<string, unknown> => ({
  type: "caption",
  turnId,
  role,
  text,
  final: false,
  interrupted: false,
  ...more,
});

test("newer words of a turn replace the older ones in place", () => {
  const captions = new Captions();
  captions.take(said("t1", "caller", "book a"));
  captions.take(said("t2", "agent", "With"));
  captions.take(said("t1", "caller", "Book a table.", { final: true }));
  expect(captions.entries).toMatchObject([
    { key: "t1", text: "Book a table.", final: true },
    { key: "t2", text: "With", final: false },
  ]);
});

test("an interrupted turn stands as it was heard", () => {
  const captions = new Captions();
  captions.take(said("t1", "agent", "We are open from Tuesday to Sunday"));
  captions.take(said("t1", "agent", "We are open", { final: true, interrupted: true }));
  expect(captions.entries).toMatchObject([{ text: "We are open", interrupted: true }]);
  expect(captions.lastAgentText).toBe("We are open");
});

test("a withdrawn caption is gone", () => {
  const captions = new Captions();
  captions.take(said("t1", "caller", "hm"));
  captions.take({ type: "caption.withdrawn", turnId: "t1" });
  expect(captions.entries).toEqual([]);
});

test("an answer's time finds its turn, whichever comes first", () => {
  const captions = new Captions();
  captions.take({ type: "latency", turnId: "t1", firstAudioMs: 700 });
  captions.take(said("t1", "agent", "Yes"));
  captions.take(said("t2", "agent", "No"));
  captions.take({ type: "latency", turnId: "t2", firstAudioMs: 900 });
  captions.take(said("t1", "agent", "Yes, we are.", { final: true }));
  expect(captions.answerTimes).toEqual([700, 900]);
});

test("a tool is one line from its start to its end", () => {
  const captions = new Captions();
  for (const state of ["running", "done", "running"]) captions.take({ type: "tool", name: "book", state });
  expect(captions.entries).toMatchObject([
    { kind: "tool", name: "book", state: "done" },
    { kind: "tool", name: "book", state: "running" },
  ]);
});

test("what happens to the connection is told in words, and a loss is never called none", () => {
  const captions = new Captions();
  captions.take({ type: "connection.reconnecting", provider: "openai", attempt: 2 });
  captions.take({ type: "handed-over", provider: "gemini", restored: "full" });
  captions.take({ type: "handed-over", provider: "local", restored: "partial" });
  expect(captions.entries).toMatchObject([
    { text: "Reconnecting to openai (try 2). You can go on talking.", tone: "calm" },
    { text: "Handed over to gemini, nothing lost.", tone: "calm" },
    { text: "Handed over to local, a part was lost.", tone: "alert" },
  ]);
});

test("a message that is none of its business changes nothing", () => {
  const captions = new Captions();
  captions.take({ type: "phase", phase: "listening" });
  captions.take({ type: "something-new" });
  expect(captions.entries).toEqual([]);
});

test("a call of a thousand turns keeps the newest two hundred", () => {
  const captions = new Captions();
  for (let turn = 0; turn < 1_000; turn += 1) captions.take(said(`t${turn}`, "caller", "hello"));
  expect(captions.entries).toHaveLength(200);
  expect(captions.entries.at(-1)?.key).toBe("t999");
});
