import { Duplex } from "node:stream";
import { expect, test, vi } from "vitest";
import { passBy } from "../../src/wire/intake.ts";

/** A connection, and what was taken from it: by its "data" events in capitals, past them as it came. */
function connection() {
  const stream = new Duplex({ read: () => {}, write: (_, __, done) => done() });
  const taken: string[] = [];
  stream.on("data", (chunk: Buffer) => taken.push(chunk.toString().toUpperCase()));
  stream.pause();
  passBy(stream, (chunk) => taken.push(chunk.toString()));
  return { stream, taken };
}

test("what comes on a connection that is read goes past its stream", () => {
  const { stream, taken } = connection();
  stream.resume();
  for (const text of ["one", "two", "three"]) stream.push(Buffer.from(text));
  expect(taken).toEqual(["one", "two", "three"]);
});

test("what comes while nobody reads is kept, and comes before what follows", async () => {
  const { stream, taken } = connection();
  stream.push(Buffer.from("one"));
  stream.push(Buffer.from("two"));
  expect(taken).toEqual([]);
  stream.resume();
  // It has not begun to flow.
  stream.push(Buffer.from("three"));
  await vi.waitFor(() => expect(taken.join("")).toMatch(/THREE/));
  expect(taken.join("")).toBe("ONETWOTHREE");
  stream.push(Buffer.from("four"));
  expect(taken.at(-1)).toBe("four");
});

test("the end comes after all that was taken", async () => {
  const { stream, taken } = connection();
  const ended = Promise.withResolvers<readonly string[]>();
  stream.once("end", () => ended.resolve([...taken]));
  stream.resume();
  stream.push(Buffer.from("one"));
  stream.push(null);
  expect(await ended.promise).toEqual(["one"]);
});
