import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { Fault } from "../../../../src/kernel/fault.ts";
import { loadFlow, readFlow } from "../../../../src/provider/local/brain/flow.ts";

const example = await readFile(new URL("../../../../src/provider/local/brain/front-desk.json", import.meta.url), "utf8");

type Json = Record<string, never>;

/** The fault of the example flow after a change. */
function faultOf(change: (flow: Json) => void): Fault {
  // The example is an object; the changes below reach into known places of it.
  const flow = JSON.parse(example) as Json;
  change(flow);
  return faultOfText(JSON.stringify(flow));
}

function faultOfText(text: string): Fault {
  try {
    readFlow(text, "mine.json");
  } catch (error) {
    if (error instanceof Fault) return error;
  }
  throw new Error("the flow was accepted");
}

const set = (flow: object, path: string, value: unknown): void => {
  const keys = path.split(".");
  const holder = keys.slice(0, -1).reduce<unknown>((at, key) => Reflect.get(Object(at), key), flow);
  Reflect.set(Object(holder), keys.at(-1) ?? "", value);
};

test("the front desk that comes with the product is a good flow", async () => {
  expect((await loadFlow()).business.name).toBe("the Blue Lantern");
});

test.each([
  ["a missing part", "business.address", undefined, /business\.address: .*found nothing/],
  ["a wrong kind", "threshold", "high", /threshold: .*number.*found "high"/],
  ["a value out of range", "threshold", 7, /threshold: .*1.*found 7/],
  ["an unknown field", "busines", {}, /busines/],
  [
    "a bad opening time",
    "business.hours.friday",
    [["25:00", "26:00"]],
    /business\.hours\.friday\.0\.0: must be a time such as 17:30, found "25:00"/,
  ],
  [
    "a bad time zone",
    "business.timeZone",
    "Moon/Base",
    /business\.timeZone: must be a time zone such as Europe\/London, found "Moon\/Base"/,
  ],
  ["an unknown reader", "slots.phone.reader", "telepathy", /slots\.phone\.reader: .*"party".*found "telepathy"/],
  ["an unknown slot", "intents.book.slots", ["party_size", "colour"], /intents\.book: unknown slot "colour", there are party_size/],
  [
    "an unknown blank",
    "intents.hours.say",
    ["We are open {hourz}."],
    /intents\.hours\.say: unknown blank \{hourz\}, allowed are .*\{hours\}/,
  ],
  ["an unknown kind of intent", "intents.hours.kind", "dance", /intents\.hours/],
  ["limits without words", "slots.party_size.outside", undefined, /slots\.party_size\.outside: missing/],
  ["no phrases", "intents.hours.phrases", [], /intents\.hours\.phrases/],
])("%s is told with its place", (_, path, value, message) => {
  const fault = faultOf((flow) => set(flow, path, value));
  expect(fault.code).toBe("setting-invalid");
  expect(fault.message).toMatch(message);
  expect(fault.message).toMatch(/^the receptionist's flow mine\.json has \d+ problem/);
});

test("all problems are told at once", () => {
  const fault = faultOf((flow) => {
    set(flow, "threshold", 7);
    set(flow, "business.name", "");
  });
  expect(fault.message).toMatch(/has 2 problem\(s\)[^]*business\.name[^]*threshold/);
});

test("what is no JSON is told", () => {
  expect(faultOfText("{").message).toMatch(/mine\.json is not JSON/);
});

test("a file that is not there is told", async () => {
  await expect(loadFlow("/nowhere/flow.json")).rejects.toThrow(/reading the receptionist's flow \/nowhere\/flow\.json/);
});
