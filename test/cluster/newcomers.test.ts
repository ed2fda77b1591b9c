import { Socket } from "node:net";
import { expect, test } from "vitest";
import { Newcomers } from "../../src/cluster/newcomers.ts";
import { nextOf, type Candidate } from "../../src/cluster/spread.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import { SimulatedClock } from "../simulated-clock.ts";

test("a connection counts as a call until it is one, is closed, or a second has passed", async () => {
  const clock = new SimulatedClock();
  const newcomers = new Newcomers(clock);
  const sockets = [new Socket(), new Socket(), new Socket()];
  for (const socket of sockets) newcomers.came(socket);
  newcomers.came(undefined);
  expect([newcomers.size, newcomers.count]).toEqual([3, 4]);
  newcomers.becameCall();
  expect(newcomers.size).toBe(2);
  sockets[2]?.destroy();
  expect(newcomers.size).toBe(1);
  await clock.advance(1_001);
  expect([newcomers.size, newcomers.count]).toEqual([0, 4]);
  newcomers.becameCall();
  expect(newcomers.size).toBe(0);
});

interface Seat extends Candidate {
  calls: number;
  given: number;
  told: number;
}

test.each([1, 2, 3, 4, 5])(
  "a burst of callers is spread evenly, however the words of the processes come between them (seed %i)",
  async (seed) => {
    const random = seededRandom(seed);
    const clock = new SimulatedClock();
    const processes = Array.from({ length: 3 }, () => {
      const seat: Seat = { isReady: true, refuses: false, silentLooks: 0, calls: 0, given: 0, told: 0 };
      return { seat, newcomers: new Newcomers(clock), onTheWay: 0, opening: 0, calls: 0 };
    });
    for (let step = 0; step < 600; step += 1) {
      const lot = random.next();
      const one = processes[Math.floor(random.next() * processes.length)];
      if (one === undefined) throw new Error("no process");
      if (lot < 0.4) {
        const seat = nextOf(processes.map((each) => each.seat));
        const chosen = processes.find((each) => each.seat === seat);
        if (chosen === undefined) throw new Error("nobody was chosen");
        chosen.seat.given += 1;
        chosen.onTheWay += 1;
      } else if (lot < 0.6 && one.onTheWay > 0) {
        one.onTheWay -= 1;
        one.opening += 1;
        one.newcomers.came(new Socket());
      } else if (lot < 0.8 && one.opening > 0) {
        one.opening -= 1;
        one.calls += 1;
        one.newcomers.becameCall();
      } else Object.assign(one.seat, { calls: one.calls + one.newcomers.size, told: one.newcomers.count });
      const given = processes.map(({ seat }) => seat.given);
      expect(Math.max(...given) - Math.min(...given)).toBeLessThanOrEqual(1);
    }
  },
);
