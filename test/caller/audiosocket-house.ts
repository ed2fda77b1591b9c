import { Ticker } from "../../src/audio/ticker.ts";
import { audioSocketServer } from "../../src/caller/audiosocket.ts";
import type { Dialect } from "../../src/caller/dialect.ts";
import { Door, doorLimits } from "../../src/caller/door.ts";
import { newLegCounts } from "../../src/caller/leg-counts.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import type { SuiteHouse } from "./conformance.ts";
import { BookedReception } from "./reception.ts";

/** The server of AudioSockets on a free port, with the reception and the clock of `openHouse`. */
export async function openAudioSocketHouse(
  dialect: Dialect,
  peers: readonly string[] = ["127.0.0.1"],
  unproven: (address: string) => void = () => {},
): Promise<SuiteHouse> {
  const clock = new SimulatedClock();
  const reception = new BookedReception();
  const counts = newLegCounts();
  const leg = { reception, clock, beat: new Ticker(clock, 250), log: silentLog, counts };
  const server = audioSocketServer({ dialect, leg, door: new Door(doorLimits, clock), peers, unproven });
  const { port } = await server.listen("127.0.0.1", 0);
  return { port, reception, clock, counts, [Symbol.asyncDispose]: () => server.close() };
}
