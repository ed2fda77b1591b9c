import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A network between a page and a server. */
export interface Road extends AsyncDisposable {
  readonly url: string;
  /** Every connection dies without a goodbye; new ones get through. */
  cut(): void;
  /** Nobody gets through any more: connections die, and so do new ones. */
  close(): void;
  /** Nothing gets through any more, and nobody is told: what is sent waits. */
  hold(): void;
  /** All is well again; what waited arrives. */
  open(): void;
}

export async function openRoad(url: string): Promise<Road> {
  const { hostname, port } = new URL(url);
  const pairs = new Set<readonly [near: Socket, far: Socket]>();
  let state: "open" | "closed" | "held" = "open";
  const road = createServer((near) => {
    if (state === "closed") return void near.resetAndDestroy();
    const pair = [near, connect(Number(port), hostname)] as const;
    pairs.add(pair);
    for (const socket of pair) socket.on("error", () => {}).on("close", () => (destroy(pair), pairs.delete(pair)));
    if (state === "open") join(pair);
  });
  road.listen(0, "127.0.0.1");
  await once(road, "listening");
  // A server that listens on a port has such an address.
  const address = road.address() as AddressInfo;
  const cut = (): void => pairs.forEach(destroy);
  return {
    url: `http://127.0.0.1:${address.port}/`,
    cut,
    close() {
      state = "closed";
      cut();
    },
    hold() {
      state = "held";
      pairs.forEach(part);
    },
    open() {
      if (state === "held") pairs.forEach(join);
      state = "open";
    },
    async [Symbol.asyncDispose]() {
      cut();
      road.close();
      await once(road, "close");
    },
  };
}

type Pair = readonly [near: Socket, far: Socket];

const join = ([near, far]: Pair): void => void near.pipe(far).pipe(near);

function part([near, far]: Pair): void {
  near.unpipe(far).pause();
  far.unpipe(near).pause();
}

const destroy = (pair: Pair): void => pair.forEach((socket) => socket.destroy());
