import { expect, test } from "vitest";
import { Fault } from "../../src/kernel/fault.ts";
import type { Tool } from "../../src/session/tools.ts";
import { startHouse } from "./house.ts";

const dropped = new Fault("provider-dropped", "the socket closed with 1006");

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

test("an answer that does not come is missed again after the next link opened", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "hello?", 200);
  house.provider("alpha").refusal = new Fault("provider-unreachable", "connection refused");
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(25_000);
  house.provider("alpha").refusal = undefined;
  await caller.speaks(20_000);
  expect(house.provider("alpha").links).toHaveLength(2);
  await caller.speaks(15_000);
  expect(house.provider("alpha").links).toHaveLength(3);
});

test("a link that never answers is told as lost, and the hand-over as a failure", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("alpha").link.hearsTurn("c1", "hello?", 200);
  await caller.speaks(45_000);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "link.lost", provider: "alpha", code: "provider-silent" }));
  const moves = house.events.filter((event) => event.type === "call.handed-over");
  expect(moves).toMatchObject([{ mode: "failover", cause: "provider-silent" }]);
});

test("a provider that asks for a minute's wait is not waited for where another tier is", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  house.provider("alpha").refusal = new Fault("provider-limited", "429", { retryAfterMs: 60_000 });
  const caller = house.dial();
  await caller.speaks(200);
  expect(house.provider("beta").links).toHaveLength(1);
});
