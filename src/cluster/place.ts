import type { Socket } from "node:net";
import { join } from "node:path";
import type { GuardPeers } from "../guard/peers.ts";
import type { Clock } from "../kernel/clock.ts";
import { Directory } from "./directory.ts";
import { Known } from "./known.ts";
import { Newcomers } from "./newcomers.ts";
import type { FromProcess, MachineState, News, Order, Standing, ToProcess, Told } from "./words.ts";

/** The end of the line to the primary that a process has, `process` itself. */
export interface PrimaryLine {
  send(message: FromProcess): void;
  /** With "connection" comes the socket, unless it was closed on the way. */
  received(listener: (message: ToProcess, socket: Socket | undefined) => void): void;
}

/** This process among those of its machine: what it is told, and what it tells. */
export class Place {
  readonly number: number;
  readonly of: number;
  readonly url: string;
  readonly secret: string;
  readonly directory = new Directory();
  readonly #folder: string;
  readonly #line: PrimaryLine;
  readonly #followers = new Set<(told: Told) => void>();
  readonly #known = new Known();
  readonly #newcomers: Newcomers;
  readonly #clock: Clock;
  /** Whoever wants to hear of the others does. */
  #isReady = false;
  #onConnection: (socket: Socket) => void = (socket) => socket.destroy();
  /** What was ordered before anybody was there to obey. */
  readonly #early = new Set<Order>();
  #onOrder: (order: Order) => void = (order) => void this.#early.add(order);
  #machine: MachineState = { taking: [], restarts: 0, dropped: 0 };

  /** Waits for the primary's first word. */
  static async take(line: PrimaryLine, clock: Clock): Promise<Place> {
    const { promise, resolve } = Promise.withResolvers<Place>();
    let place: Place | undefined;
    line.received((message, socket) => {
      if (place !== undefined) return place.#hear(message, socket);
      if (message.type !== "place") return;
      place = new Place(line, clock, message.standing, message.known);
      resolve(place);
    });
    return promise;
  }

  private constructor(line: PrimaryLine, clock: Clock, { number, of, url, secret, folder }: Standing, known: readonly Told[]) {
    [this.#line, this.#clock] = [line, clock];
    this.#newcomers = new Newcomers(clock);
    [this.number, this.of, this.url, this.secret, this.#folder] = [number, of, url, secret, folder];
    // What it was itself before it died is over, but not what it had found out.
    for (const told of known.filter(({ from, news }) => from !== number || news.type === "guard" || news.type === "used"))
      this.#learn(told);
  }

  /** The socket at which a process answers for itself alone. */
  doorOf(number: number): string {
    return join(this.#folder, String(number));
  }

  get numbers(): readonly number[] {
    return Array.from({ length: this.of }, (_, index) => index + 1);
  }

  tell(message: FromProcess): void {
    if (message.type === "ready") this.#isReady = true;
    this.#line.send(message);
  }

  /** It lives and has these calls; `refuses`: it takes no new one just now. */
  beat(calls: number, refuses: boolean): void {
    const { size, count } = this.#newcomers;
    this.#line.send({ type: "beat", calls: calls + size, refuses, connections: count });
  }

  /** A call began. */
  hasNewCall(): void {
    this.#newcomers.becameCall();
  }

  publish(news: News): void {
    this.#line.send({ type: "news", news });
  }

  /** What the others tell, from what was told before this process began, or while it was being started. */
  follow(listener: (told: Told) => void): Disposable {
    for (const told of this.#known.all()) listener(told);
    this.#followers.add(listener);
    return { [Symbol.dispose]: () => void this.#followers.delete(listener) };
  }

  /** From now on connections come here; before, nobody takes them. */
  takeConnections(take: (socket: Socket) => void): void {
    this.#onConnection = take;
  }

  takeOrders(take: (order: Order) => void): void {
    this.#onOrder = take;
    for (const order of this.#early) take(order);
    this.#early.clear();
  }

  /** As the first process last told. */
  get machine(): MachineState {
    return this.#machine;
  }

  /** A new call that is refused here would be taken by another process. */
  get othersTake(): boolean {
    return this.#machine.taking.some((number) => number !== this.number);
  }

  /** How breakers tell each other what they saw. */
  get guardPeers(): GuardPeers {
    return {
      publish: (news) => this.publish({ type: "guard", news }),
      follow: (listener) =>
        this.follow(({ news }) => {
          if (news.type === "guard") listener(news.news);
        }),
    };
  }

  #learn(told: Told): void {
    this.directory.hear(told);
    if (!this.#isReady) this.#known.keep(told, this.#clock.wallNow());
  }

  #hear(message: ToProcess, socket: Socket | undefined): void {
    if (message.type === "connection") {
      this.#newcomers.came(socket);
      if (socket !== undefined) this.#onConnection(socket);
    } else if (message.type === "order") this.#onOrder(message.order);
    else if (message.type === "machine") this.#machine = message.state;
    else if (message.type === "news") {
      this.#learn(message.told);
      for (const follower of this.#followers) follower(message.told);
    }
  }
}
