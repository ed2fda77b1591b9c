import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backoffMs } from "../kernel/backoff.ts";
import type { Clock, Timer } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Random } from "../kernel/random.ts";
import { Known } from "./known.ts";
import { nextOf, quietLooks, takesCalls } from "./spread.ts";
import type { FromProcess, MachineState, Order, ToProcess } from "./words.ts";

export interface PrimaryParts {
  /** Processes, 2 at least. */
  readonly of: number;
  /** What each is given as its environment. */
  readonly environmentOf: (number: number) => Readonly<Record<string, string | undefined>>;
  /** The file that each runs. */
  readonly program: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** All have left; the exit code says how. */
  readonly left: (code: number) => void;
}

/** One of the processes, and how it is. */
interface Seat {
  readonly number: number;
  child: ChildProcess | undefined;
  isReady: boolean;
  calls: number;
  refuses: boolean;
  /** Connections that it was given since it was started, and how many of them it has told of. */
  given: number;
  told: number;
  /** Connections that it was given and that are not on their way yet: the line to it takes one after the other. */
  readonly queued: Set<Socket>;
  /** Looks since it last said anything. */
  silentLooks: number;
  /** Deaths in a row, each soon after it was started. */
  deaths: number;
  startedMs: number;
  restart: Timer | undefined;
}

const lookMs = 1_000;
/** Who says nothing for so many looks hangs: its callers hear nothing, and come back once it is gone. */
const silentLooksLimit = 30;
/** Starting takes its time on a machine that is busy, and models have to be read. */
const startingLooksLimit = 300;
/** Who lived so long did not die of how it was started. */
const soundMs = 60_000;
/** Connections that come while no process is there to take them, and how long they wait. */
const waitingLimit = 1_000;
const waitingLimitMs = 15_000;

/**
 * The first process of a machine: listens, starts the others, gives each connection to the one with the fewest calls, carries news
 * between them, and starts again whoever dies. It reads nothing of what a connection says and holds no call, so that there is little in
 * it that could fail.
 */
export class Primary {
  readonly #parts: PrimaryParts;
  readonly #seats: readonly Seat[];
  readonly #server: Server;
  readonly #known = new Known();
  readonly #secret = randomBytes(32).toString("base64url");
  readonly #up = Promise.withResolvers<readonly string[]>();
  readonly #waiting = new Set<Socket>();
  #folder = "";
  #url = "";
  #state: "starting" | "serving" | "leaving" = "starting";
  #code = 0;
  #look: Timer | undefined;
  #restarts = 0;
  #dropped = 0;
  #toldState = "";

  constructor(parts: PrimaryParts) {
    this.#parts = parts;
    this.#seats = Array.from({ length: parts.of }, (_, index) => ({
      number: index + 1,
      child: undefined,
      isReady: false,
      calls: 0,
      refuses: false,
      given: 0,
      told: 0,
      queued: new Set(),
      silentLooks: 0,
      deaths: 0,
      startedMs: 0,
      restart: undefined,
    }));
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#came(socket));
  }

  get url(): string {
    return this.#url;
  }

  /**
   * Listens and starts all processes. Port 0: any free one.
   * @returns what the first of them says to whoever starts the server, once all are ready
   * @throws the error of `listen`, for the caller to put in words
   */
  async start(host: string, port: number): Promise<readonly string[]> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    const { address, port: bound } = this.#server.address() as AddressInfo; // A string only for a server on a pipe.
    this.#url = `http://${address.includes(":") ? `[${address}]` : address}:${bound}/`;
    this.#folder = await mkdtemp(join(tmpdir(), "linekeeper-"));
    for (const seat of this.#seats) this.#begin(seat);
    this.#look = this.#parts.clock.setTimeout(() => this.#lookAround(), lookMs);
    return this.#up.promise;
  }

  order(order: Order): void {
    if (order !== "reload") this.#leave();
    for (const seat of this.#seats) this.#say(seat, { type: "order", order });
  }

  /** Ends all processes that are still there without asking them. */
  kill(): void {
    for (const { child } of this.#seats) child?.kill("SIGKILL");
  }

  #leave(): void {
    if (this.#state === "leaving") return;
    this.#state = "leaving";
    for (const seat of this.#seats) if (seat.restart !== undefined) this.#parts.clock.clearTimeout(seat.restart);
    void this.#leftIfAll();
  }

  #begin(seat: Seat): void {
    seat.restart = undefined;
    seat.startedMs = this.#parts.clock.now();
    seat.silentLooks = 0;
    const child = fork(this.#parts.program, ["process"], {
      env: this.#parts.environmentOf(seat.number),
      // A process group of its own: what a terminal tells all, the primary tells in words.
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    seat.child = child;
    child.on("message", (message: FromProcess) => this.#heard(seat, message)); // Only our own program is at the other end.
    child.on("error", (error) => this.#parts.log.error("process_failed", { process: seat.number, err: error }));
    child.once("exit", (code, signal) => this.#ended(seat, code, signal));
    const { number } = seat;
    const standing = { number, of: this.#seats.length, url: this.#url, secret: this.#secret, folder: this.#folder };
    this.#say(seat, { type: "place", standing, known: this.#known.all() });
  }

  #heard(seat: Seat, message: FromProcess): void {
    seat.silentLooks = 0;
    if (message.type === "ready") this.#ready(seat, message.words);
    else if (message.type === "beat") {
      Object.assign(seat, { calls: message.calls, refuses: message.refuses, told: message.connections });
      this.#tellState();
    } else {
      const told = { from: seat.number, news: message.news };
      this.#known.keep(told, this.#parts.clock.wallNow());
      for (const other of this.#seats) if (other !== seat) this.#say(other, { type: "news", told });
    }
  }

  #ready(seat: Seat, words: readonly string[]): void {
    Object.assign(seat, { isReady: true, calls: 0, refuses: false, given: 0, told: 0 });
    this.#tellState();
    for (const socket of this.#waiting) this.#give(socket);
    if (this.#state !== "starting" || !this.#seats.every(({ isReady }) => isReady)) return;
    this.#state = "serving";
    this.#up.resolve(words);
  }

  #ended(seat: Seat, code: number | null, signal: string | null): void {
    const { clock, random, log } = this.#parts;
    Object.assign(seat, { child: undefined, isReady: false });
    if (this.#state === "leaving") {
      this.#code = Math.max(this.#code, code ?? 1);
      return void this.#leftIfAll();
    }
    if (this.#state === "starting") {
      // What is wrong with one is wrong with all, and it has said what.
      this.#code = code ?? 1;
      this.#leave();
      for (const { child } of this.#seats) child?.kill("SIGKILL");
      return;
    }
    seat.deaths = clock.now() - seat.startedMs > soundMs ? 1 : seat.deaths + 1;
    const waitMs = backoffMs(seat.deaths, random);
    log.error("process_died", {
      process: seat.number,
      ...(code === null ? { signal } : { code }),
      deaths: seat.deaths,
      wait_ms: Math.round(waitMs),
      message: "it is started again, and its calls wait for their callers",
    });
    this.#restarts += 1;
    seat.restart = clock.setTimeout(() => this.#begin(seat), waitMs);
    this.#giveToOthers(seat);
  }

  /** What was on its way to a process that died is closed by Node; of what had still to go nobody would ever hear again. */
  #giveToOthers(seat: Seat): void {
    const queued = [...seat.queued];
    seat.queued.clear();
    for (const socket of queued) if (!socket.destroyed) this.#give(socket);
  }

  async #leftIfAll(): Promise<void> {
    if (this.#seats.some(({ child }) => child !== undefined)) return;
    if (this.#look !== undefined) this.#parts.clock.clearTimeout(this.#look);
    this.#server.close();
    for (const socket of this.#waiting) socket.destroy();
    await rm(this.#folder, { recursive: true, force: true });
    this.#parts.left(this.#code);
  }

  #lookAround(): void {
    this.#look = this.#parts.clock.setTimeout(() => this.#lookAround(), lookMs);
    for (const seat of this.#seats) {
      seat.silentLooks += 1;
      if (seat.isReady && seat.silentLooks === quietLooks)
        this.#parts.log.warning("process_silent", { process: seat.number, message: "new callers go to the others, while there are any" });
      const limit = seat.isReady ? silentLooksLimit : startingLooksLimit;
      if (seat.child === undefined || seat.silentLooks < limit) continue;
      this.#parts.log.error("process_hangs", { process: seat.number, message: `no word for ${limit} s: it is ended` });
      seat.silentLooks = 0;
      seat.child.kill("SIGKILL");
    }
    this.#tellState();
  }

  #came(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    this.#give(socket);
  }

  #give(socket: Socket): void {
    const seat = nextOf(this.#seats);
    if (seat?.child === undefined) return this.#wait(socket);
    this.#waiting.delete(socket);
    seat.given += 1;
    seat.queued.add(socket);
    seat.child.send({ type: "connection" } satisfies ToProcess, socket, (error) => {
      const wasQueued = seat.queued.delete(socket);
      // It died before: the next one may take it, if it is still there.
      if (wasQueued && error !== null && !socket.destroyed) this.#wait(socket);
    });
  }

  #wait(socket: Socket): void {
    if (this.#waiting.has(socket)) return;
    if (this.#waiting.size >= waitingLimit || this.#state === "leaving") {
      this.#dropped += 1;
      return void socket.destroy();
    }
    this.#waiting.add(socket);
    this.#parts.clock.setTimeout(() => {
      if (!this.#waiting.delete(socket)) return;
      this.#dropped += 1;
      socket.destroy();
    }, waitingLimitMs);
  }

  /** How all are, where it has changed: what one of them answers depends on the others. */
  #tellState(): void {
    const taking = this.#seats.filter(takesCalls).map(({ number }) => number);
    const state: MachineState = { taking, restarts: this.#restarts, dropped: this.#dropped };
    const words = JSON.stringify(state);
    if (words === this.#toldState) return;
    this.#toldState = words;
    for (const seat of this.#seats) this.#say(seat, { type: "machine", state });
  }

  /** News that cannot be sent are lost: whoever is meant is dying. */
  #say(seat: Seat, message: ToProcess): void {
    if (seat.child?.connected === true) seat.child.send(message, () => {});
  }
}
