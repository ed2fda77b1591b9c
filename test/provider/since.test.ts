import { expect, test } from "vitest";
import type { ConversationItem } from "../../src/provider/contract.ts";
import { joined, newsOf } from "../../src/provider/since.ts";

const caller = (id: string): ConversationItem => ({ type: "caller", id, text: `words of ${id}` });
const tool = (id: string, output: string | undefined): ConversationItem => ({ type: "tool", id, name: "find", arguments: "{}", output });

test("what joined a conversation follows it; what was known is told no second time", () => {
  const before = [caller("c1"), tool("t1", "1")];
  expect(newsOf(before, [caller("c1"), caller("c2"), caller("c2")])).toEqual([{ item: caller("c2"), outputOnly: false }]);
  expect(joined(before, [tool("t1", "1"), caller("c2")])).toEqual([...before, caller("c2")]);
});

test("the output of a call that was known without one joins the call", () => {
  const before = [tool("t1", undefined), caller("c1")];
  expect(newsOf(before, [tool("t1", "1"), tool("t1", "1")])).toEqual([{ item: tool("t1", "1"), outputOnly: true }]);
  expect(joined(before, [tool("t1", "1"), caller("c2")])).toEqual([tool("t1", "1"), caller("c1"), caller("c2")]);
});

test("a call and its output that both came since are one item, in its place", () => {
  expect(joined([], [tool("t1", undefined), caller("c1"), tool("t1", "1")])).toEqual([tool("t1", "1"), caller("c1")]);
});
