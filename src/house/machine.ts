import { rm, rmdir } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { dirname } from "node:path";
import { Sorter } from "../cluster/callers.ts";
import { peerHeader } from "../cluster/own-door.ts";
import type { Place } from "../cluster/place.ts";
import { hearSamples, samplesRoute, wholeApi, wholeCarriers, wholeReadyz, type Machine } from "../cluster/whole.ts";
import type { Access } from "../http/access.ts";
import type { Route } from "../http/answer.ts";
import { metrics as metricsRoute } from "../http/metrics.ts";
import { createServer, type Server, type ServerParts } from "../http/server.ts";
import type { Log } from "../kernel/log.ts";
import { systemClock } from "../kernel/clock.ts";
import { textOfAll, type Metrics } from "../watch/metrics.ts";

/** What one process serves, by what becomes of it when there are several. */
export interface Doors extends Omit<ServerParts, "routes" | "sort" | "access"> {
  readonly api: readonly Route[];
  readonly ofCarriers: readonly Route[];
  readonly readyz: Route;
  /** Sets what a scrape asks for and nobody tells. */
  readonly beforeScrape: () => void;
  /** Pages, and what says the same everywhere. */
  readonly pages: readonly Route[];
  /** A call with that token is here. */
  readonly isHere: (resumeToken: string) => boolean;
  readonly accessFrom: (addressOf: (request: IncomingMessage) => string) => Access;
}

/**
 * The server of one process among several: for everybody, on the connections that the primary hands it, it speaks for the machine; at
 * its own door, where only the other processes come in, it speaks for itself.
 */
export function serverAmong(place: Place, doors: Doors, common: ServerParts, metrics: Metrics, log: Log): Server {
  const machine: Machine = {
    doors: place.numbers.map((number) => place.doorOf(number)),
    doorOf(names) {
      const at = place.directory.find(names);
      return at === undefined ? undefined : place.doorOf(at);
    },
    drainOthers: () => place.publish({ type: "drain" }),
    log: log.with({ logger: "machine" }),
  };
  const told = { restarts: 0, dropped: 0 };
  const samples = async (): Promise<object[]> => {
    doors.beforeScrape();
    const { taking, restarts, dropped } = place.machine;
    metrics.processesTaking.set(taking.length);
    metrics.processRestarts.inc(restarts - told.restarts);
    metrics.connectionsUntaken.inc(dropped - told.dropped);
    Object.assign(told, { restarts, dropped });
    return metrics.samples();
  };
  const own = createServer({
    ...common,
    routes: [...common.routes, samplesRoute(samples)],
    access: doors.accessFrom((request) => [request.headers[peerHeader]].flat()[0] ?? ""),
    // Whoever was asked first has counted it.
    answered: () => {},
  });
  const whole = async () => ({ type: metrics.contentType, text: await textOfAll(await hearSamples(machine)) });
  const sorter = new Sorter({
    doorOf: ({ resume, carrierCallId }) =>
      machine.doorOf({ resumeToken: resume }) ?? machine.doorOf({ carrierCallId: carrierCallId ?? resume }),
    isHere: doors.isHere,
    clock: systemClock,
    log: machine.log,
  });
  const shared = createServer({
    ...common,
    routes: [
      ...wholeApi(doors.api, machine),
      ...wholeCarriers(doors.ofCarriers, machine),
      wholeReadyz(doors.readyz, machine),
      metricsRoute(whole),
      ...doors.pages,
    ],
    sort: (visitor, serve) => sorter.sort(visitor, serve),
  });
  const door = place.doorOf(place.number);
  return {
    ...shared,
    async listen() {
      // Of the one that had this number before.
      await rm(door, { force: true });
      await own.listenAt(door);
      place.takeConnections((socket) => shared.take(socket));
      const { hostname, port } = new URL(place.url);
      return { address: hostname.replace(/^\[|\]$/g, ""), family: "", port: Number(port) };
    },
    async close() {
      place.takeConnections((socket) => socket.destroy());
      await Promise.all([shared.close(), own.close()]);
      // The last to go takes the folder along, should the primary be there no more.
      await rmdir(dirname(door)).catch(() => undefined);
    },
  };
}
