import { expect, test } from "vitest";
import { agentsByAddress } from "../../../src/caller/sip/agents.ts";
import { openSipHouse } from "./sip-house.ts";

const agents = ["front-desk", "night-desk"];
const agentOf = agentsByAddress(agents, ["+15550100=night-desk", "Sales=front-desk"]);

test.each([
  { dialled: "night-desk", agent: "night-desk" },
  { dialled: "Night-Desk", agent: "night-desk" },
  { dialled: "+15550100", agent: "night-desk" },
  { dialled: "15550100", agent: "night-desk" },
  { dialled: "sales", agent: "front-desk" },
  { dialled: "linekeeper", agent: undefined },
  { dialled: "+15550101", agent: undefined },
  { dialled: "", agent: undefined },
  { dialled: undefined, agent: undefined },
])("who calls $dialled is answered by $agent", ({ dialled, agent }) => {
  expect(agentOf(dialled)).toBe(agent);
});

test("an agent that is not there is told at boot, with those that are", () => {
  expect(() => agentsByAddress(agents, ["+1=day-desk"])).toThrow('there is no agent "day-desk"; front-desk, night-desk are');
});

test("the name in the address that was called decides, over the wire too", async () => {
  await using house = await openSipHouse({ agentOf });
  await using phone = await openSipHouse();
  for (const [user, agent] of [
    ["night-desk", "night-desk"],
    ["%2B15550100", "night-desk"],
    ["linekeeper", undefined],
  ] as const) {
    const before = house.reception.guests.length;
    await phone.endpoint.place({
      to: `sip:${user}@127.0.0.1:${house.port}`,
      from: undefined,
      agent: undefined,
      language: undefined,
      machine: "ignore",
      ringLimitS: 20,
    });
    await expect.poll(() => house.reception.guests.length, { timeout: 10_000 }).toBe(before + 1);
    expect(house.reception.last.start.agent).toBe(agent);
  }
});
