import { seededRandom, type Random } from "../kernel/random.ts";

export interface Garbled {
  readonly message: string;
  /** No reader can take it for anything. */
  readonly unreadable: boolean;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

/**
 * Broken variants of a wire's messages: cut, scrambled, not an object, of an unknown type, without a field, with a field of another kind.
 * `typeKey` names the field that tells messages apart; on a wire without one, the top-level keys do.
 */
export function* garble(samples: readonly JsonObject[], typeKey: string | undefined, count: number, seed: number): Generator<Garbled> {
  const random = seededRandom(seed);
  for (let at = 0; at < count; at += 1) {
    const sample = pick(random, samples);
    yield pick(random, ways)(sample, typeKey, random);
  }
}

const ways: readonly ((sample: JsonObject, typeKey: string | undefined, random: Random) => Garbled)[] = [
  (sample, _key, random) => {
    const whole = JSON.stringify(sample);
    return { message: whole.slice(0, Math.floor(random.next() * (whole.length - 1))), unreadable: true };
  },
  (_sample, _key, random) => ({ message: `{"${random.id("", 40)}`, unreadable: true }),
  (_sample, _key, random) => ({ message: pick(random, ["null", "7", "[]", '"text"', "true", '[{"type":"error"}]']), unreadable: true }),
  (sample, key, random) => ({
    message: JSON.stringify(retyped(sample, key, pick(random, ["response.later", "", "\u0000", "constructor", "__proto__"]))),
    unreadable: true,
  }),
  (sample, key, random) => ({
    message: JSON.stringify(retyped(sample, key, pick<Json>(random, [7, null, {}, [], true]))),
    unreadable: true,
  }),
  (sample, key, random) => ({ message: JSON.stringify(without(sample, key, random)), unreadable: false }),
  (sample, key, random) => ({ message: JSON.stringify(replaced(sample, key, random)), unreadable: false }),
  (sample, key, random) => ({ message: JSON.stringify(replaced(sample, key, random)), unreadable: false }),
  (sample, _key, random) => ({
    message: JSON.stringify({ ...sample, [random.id("x_")]: { [random.id("y_")]: [1, 2] } }),
    unreadable: false,
  }),
];

const pick = <T>(random: Random, from: readonly T[]): T => {
  const found = from[Math.floor(random.next() * from.length)];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
};

function retyped(sample: JsonObject, key: string | undefined, type: Json): JsonObject {
  if (key !== undefined) return { ...sample, [key]: type };
  return Object.fromEntries(Object.entries(sample).map(([name, value]) => [`${name}_later`, value]));
}

/** One field less, at any depth, but not the type. */
function without(value: JsonObject, key: string | undefined, random: Random): JsonObject {
  const names = Object.keys(value).filter((name) => name !== key);
  if (names.length === 0) return value;
  const name = pick(random, names);
  const inner = value[name];
  if (isObject(inner) && random.next() < 0.5) return { ...value, [name]: without(inner, undefined, random) };
  return Object.fromEntries(Object.entries(value).filter(([other]) => other !== name));
}

/** One field of another kind, at any depth, but not the type. */
function replaced(value: JsonObject, key: string | undefined, random: Random): JsonObject {
  const names = Object.keys(value).filter((name) => name !== key);
  if (names.length === 0) return value;
  const name = pick(random, names);
  const inner = value[name];
  if (isObject(inner) && random.next() < 0.7) return { ...value, [name]: replaced(inner, undefined, random) };
  const wrong = [
    null,
    -1,
    1e308,
    0.5,
    true,
    "",
    "x",
    "\ud800",
    "A".repeat(5_000),
    [],
    [null],
    {},
    { a: { b: {} } },
  ] as const satisfies readonly Json[];
  return { ...value, [name]: pick<Json>(random, wrong) };
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);
