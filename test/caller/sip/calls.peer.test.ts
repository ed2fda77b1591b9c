import { describe, test } from "vitest";
import { openSipHouse } from "./sip-house.ts";
import { has, sipp, steps } from "./sipp.ts";

const { invite, answered, ack, request, expect: expects, pause } = steps;
const bye = (number = 2): string => `${request("BYE", number)}\n${expects(200)}`;

describe.skipIf(!has("sipp"))("sipp", () => {
  for (const [name, transport] of [
    ["UDP", "u1"],
    ["TCP", "t1"],
  ] as const) {
    test.concurrent(`a call over ${name} is answered, acknowledged and ended by the caller`, async ({ expect }) => {
      await using house = await openSipHouse();
      const run = await sipp(house.port, [invite(), answered, ack, pause(300), bye()].join("\n"), ["-t", transport]);
      expect(run.code, run.output).toBe(0);
      expect(house.reception.last.signals).toEqual([{ type: "hung-up" }]);
      expect(house.endpoint.size).toBe(0);
    });
  }
});
