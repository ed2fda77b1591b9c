import { connect } from "node:net";
import { expect, test, vi } from "vitest";
import { openHouse, type House } from "../caller/open-house.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { Switchboard } from "./switchboard.ts";

/** Waits for a fact, also on a busy machine. */
const until = (fact: () => void): Promise<void> => vi.waitFor(fact, { timeout: 20_000, interval: 5 });

interface Happening {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

interface Desk extends AsyncDisposable {
  readonly board: Switchboard;
  readonly clock: SimulatedClock;
  readonly house: House;
  reads(options?: { lastId?: string; query?: string }): Promise<Reader>;
}

async function open(epoch = "e1"): Promise<Desk> {
  const clock = new SimulatedClock();
  const board = new Switchboard(clock, epoch);
  const house = await openHouse({ routes: board.routes });
  return {
    board,
    clock,
    house,
    async reads({ lastId, query = "" } = {}) {
      const leave = new AbortController();
      const headers: Record<string, string> = lastId === undefined ? {} : { "last-event-id": lastId };
      const answer = await fetch(`${house.url}/v1/events${query}`, { headers, signal: leave.signal });
      return new Reader(answer, leave);
    },
    [Symbol.asyncDispose]: async () => {
      board[Symbol.dispose]();
      await house[Symbol.asyncDispose]();
    },
  };
}

/** Reads along and keeps what was told. */
class Reader {
  readonly status: number;
  readonly type: string | null;
  readonly happenings: Happening[] = [];
  text = "";
  ended = false;
  readonly #leave: AbortController;

  constructor(answer: Response, leave: AbortController) {
    this.status = answer.status;
    this.type = answer.headers.get("content-type");
    this.#leave = leave;
    void this.#read(answer).then(
      () => (this.ended = true),
      () => (this.ended = true),
    );
  }

  leaves(): void {
    this.#leave.abort();
  }

  get names(): string[] {
    return this.happenings.map(({ event }) => event);
  }

  async #read(answer: Response): Promise<void> {
    const decoder = new TextDecoder();
    let unread = "";
    for await (const part of answer.body ?? []) {
      const piece = decoder.decode(part as Uint8Array, { stream: true }); // A body's chunks are bytes.
      this.text += piece;
      unread += piece;
      const blocks = unread.split("\n\n");
      unread = blocks.pop() ?? "";
      for (const block of blocks) {
        const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
        const [event, data] = [field("event"), field("data")];
        if (event !== undefined && data !== undefined)
          this.happenings.push({ id: field("id"), event, data: JSON.parse(data) as Happening["data"] });
      }
    }
  }
}

test("what happens to calls and providers is told as it happens, without what comes ten times a second", async () => {
  await using desk = await open();
  const reader = await desk.reads();
  expect([reader.status, reader.type]).toEqual([200, "text/event-stream; charset=utf-8"]);
  desk.board.calls.add("c1");
  desk.board.calls.tell({ type: "audio.flowed", callId: "c1", provider: "gemini", sentChunks: 1, receivedChunks: 1 });
  desk.board.calls.hangUp("c1");
  desk.board.providers.order("openai", "open");
  await desk.clock.advance(1_000);
  await until(() => expect(reader.names).toEqual(["call.started", "call.ended", "provider.changed"]));
  expect(reader.happenings[0]).toMatchObject({
    id: "e1-1",
    event: "call.started",
    data: { at: "2026-01-05T09:00:00.000Z", type: "call.started", callId: "c1", dialect: "browser" },
  });
  expect(reader.happenings[2]?.data).toMatchObject({ provider: "openai", breaker: { state: "open", order: "open" } });
});

test("who comes back with the last id it saw is told what it missed, and only that", async () => {
  await using desk = await open();
  for (const id of ["c1", "c2", "c3"]) desk.board.calls.add(id);
  const reader = await desk.reads({ lastId: "e1-1" });
  desk.board.calls.add("c4");
  await until(() => expect(reader.happenings.map(({ data }) => data["callId"])).toEqual(["c2", "c3", "c4"]));
  const newest = await desk.reads({ lastId: "e1-4" });
  desk.board.calls.add("c5");
  await until(() => expect(newest.happenings.map(({ data }) => data["callId"])).toEqual(["c5"]));
});

test.each([
  { query: "?last=2", told: ["c2", "c3", "c4"] },
  { query: "?last=99", told: ["c1", "c2", "c3", "c4"] },
  { query: "?last=-1", told: ["c4"] },
  { query: "?last=many", told: ["c4"] },
  { query: "", told: ["c4"] },
])("who comes for the first time with '$query' hears of $told", async ({ query, told }) => {
  await using desk = await open();
  for (const id of ["c1", "c2", "c3"]) desk.board.calls.add(id);
  const reader = await desk.reads({ query });
  desk.board.calls.add("c4");
  await until(() => expect(reader.happenings.map(({ data }) => data["callId"])).toEqual(told));
});

test.each([
  { name: "of another process", lastId: "e0-7" },
  { name: "from the future", lastId: "e1-999999" },
  { name: "that is none", lastId: "x" },
])("an id $name is answered with what is kept, and with the word that something is missing", async ({ lastId }) => {
  await using desk = await open();
  desk.board.calls.add("c1");
  const reader = await desk.reads({ lastId });
  await until(() => expect(reader.names[0]).toBe("missed"));
});

test("more than is kept is told as missed, and the ring stays within its bound", async () => {
  await using desk = await open();
  for (let at = 0; at < 600; at += 1) desk.board.calls.add(`c${at}`);
  const reader = await desk.reads({ lastId: "e1-1" });
  await until(() => expect(reader.names).toHaveLength(501));
  expect(reader.names[0]).toBe("missed");
  expect(reader.happenings.at(-1)?.data["callId"]).toBe("c599");
});

test("who wants it sees the calls each second, and everybody a sign of life every 15 s", async () => {
  await using desk = await open();
  desk.board.calls.add("c1", { turns: [{ turnId: "t1", role: "agent", text: "secret words", interrupted: false, startMs: 0, endMs: 1 }] });
  const [with_, without] = [await desk.reads({ query: "?calls=1" }), await desk.reads()];
  await until(() => expect(with_.names).toEqual(["calls"]));
  expect(with_.happenings[0]?.data).toMatchObject({ total: 1, calls: [{ callId: "c1", levels: { caller: 0.12, agent: 0 } }] });
  expect(with_.text).not.toContain("secret words");
  for (let second = 1; second <= 15; second += 1) {
    await desk.clock.advance(1_000);
    await until(() => expect(with_.names).toHaveLength(1 + second));
  }
  for (const reader of [with_, without]) await until(() => expect(reader.text).toContain(": still here"));
  expect(without.names).toEqual([]);
});

test("when nobody reads, nothing ticks", async () => {
  await using desk = await open();
  expect(desk.clock.armed).toBe(0);
  const reader = await desk.reads();
  expect(desk.clock.armed).toBe(1);
  reader.leaves();
  await until(() => expect(desk.board.feed.readers).toBe(0));
  await desk.clock.advance(1_000);
  expect(desk.clock.armed).toBe(0);
});

test("a reader that does not read is cut off and counted; the others read on", { timeout: 30_000 }, async () => {
  await using desk = await open();
  const stuck = connect(desk.house.port, "127.0.0.1");
  stuck.on("error", () => {}).write("GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await new Promise((resolve) => stuck.once("data", resolve));
  stuck.pause();
  const reader = await desk.reads();
  const message = "x".repeat(100_000);
  let told = 0;
  // The kernel buffers some megabytes on both sides before the server has to.
  while (desk.board.feed.droppedReaders === 0 && told < 1_000) {
    told += 1;
    const times = { durationMs: 1, retryAfterMs: undefined };
    desk.board.calls.tell({
      type: "link.failed",
      callId: "c1",
      provider: "gemini",
      code: "provider-dropped",
      message,
      attempt: told,
      ...times,
    });
    await until(() => expect(reader.names).toHaveLength(told));
  }
  expect(desk.board.feed.droppedReaders).toBe(1);
  expect(desk.board.feed.readers).toBe(1);
  expect(desk.board.log.lines).toMatchObject([{ event: "event_reader_dropped", droppedReaders: 1 }]);
  stuck.destroy();
});

test("no more than 32 read at once", async () => {
  await using desk = await open();
  for (let at = 0; at < 32; at += 1) await desk.reads();
  const one = await fetch(`${desk.house.url}/v1/events`);
  expect([one.status, one.headers.get("retry-after")]).toEqual([503, "10"]);
});

test("when the server closes, its readers are let go", async () => {
  const desk = await open();
  const reader = await desk.reads();
  await desk[Symbol.asyncDispose]();
  await until(() => expect(reader.ended).toBe(true));
});
