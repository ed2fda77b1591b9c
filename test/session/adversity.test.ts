import { expect, test } from "vitest";
import type { Tool } from "../../src/session/tools.ts";
import { startHouse } from "./house.ts";

/** A tool that is done when the test says so. */
function slowTool(name: string): { tool: Tool; finish: () => void } {
  const done = Promise.withResolvers<void>();
  const tool: Tool = { spec: { name, description: "", parameters: {} }, run: () => done.promise.then(() => ({ done: name })) };
  return { tool, finish: () => done.resolve() };
}

test("a tool that was called while the line was quiet is counted like any other", async () => {
  const { tool, finish } = slowTool("look_up");
  const house = startHouse({ tools: [tool] });
  const caller = house.dial();
  await caller.speaks(100);
  const { link } = house.provider("alpha");
  link.tells({ type: "tool.called", toolCallId: "x1", name: "look_up", arguments: "{}" });
  link.speaks("a1", "One moment.", 400);
  await caller.speaks(1_000);
  expect(caller.leg.notices.at(-1)).toEqual({ type: "phase", phase: "thinking" });
  finish();
  await caller.speaks(20);
  link.speaks("a2", "It is done.", 400);
  await caller.speaks(1_000);
  expect(caller.leg.notices.at(-1)).toEqual({ type: "phase", phase: "listening" });
  await caller.speaks(30_000);
  expect(house.provider("alpha").links).toHaveLength(1);
});
