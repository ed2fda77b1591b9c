import { parseArgs } from "node:util";

/** How live runs go about real services. A plain value: it travels to the test process. */
export interface LiveOptions {
  /** Lanes that were asked for by name; undefined: all that have their keys. */
  readonly providers: readonly string[] | undefined;
  /** How often a test is tried before it counts as failed. */
  readonly attempts: number;
  /** Wait after the first failed attempt, doubled after each further one, ms. */
  readonly baseBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Least time from one call's beginning to the next one's, for services that count calls a minute, ms. */
  readonly gapMs: number;
  /** Only tests whose name fits this expression. */
  readonly only: string | undefined;
  /** Keep all notices of every call in a file. */
  readonly diagnostics: boolean;
  /** Folder for the results. */
  readonly out: string;
}

export const usage = `usage: npm run test:live -- [options]

  --providers a,b       LIVE_PROVIDERS         lanes; else every provider whose settings are there
  --attempts 2          LIVE_ATTEMPTS          tries of each test, at most
  --base-backoff-ms 1000 LIVE_BASE_BACKOFF_MS  wait after the first failed try; doubles
  --max-backoff-ms 30000 LIVE_MAX_BACKOFF_MS   longest such wait; a service that asks for more gets more
  --gap-ms 500          LIVE_GAP_MS            least time between the beginnings of two calls
  --only EXPRESSION     LIVE_ONLY              tests whose name fits
  --diagnostics         LIVE_DIAGNOSTICS=1     keep every notice of every call
  --out FOLDER          LIVE_OUT               where results go (default .cache/live)

Real calls cost real money. Exit: 0 nothing failed, 1 something did, 2 an option is wrong.`;

/** An option that cannot be; the message says what can. */
export class WrongOption extends Error {
  override readonly name = "WrongOption";
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Flags before variables before defaults; undefined: help was asked for. @throws {WrongOption} */
export function readLiveOptions(argv: readonly string[], environment: Environment, known: readonly string[]): LiveOptions | undefined {
  const values = flags(argv);
  if (values.help === true) return undefined;
  const text = (name: "providers" | "only" | "out"): string | undefined => {
    const value = values[name] ?? environment[`LIVE_${name.toUpperCase()}`];
    return value === "" ? undefined : value;
  };
  const whole = (name: "attempts" | "base-backoff-ms" | "max-backoff-ms" | "gap-ms", fallback: number, least: number): number => {
    const value = values[name] ?? environment[`LIVE_${name.toUpperCase().replaceAll("-", "_")}`] ?? "";
    if (value === "") return fallback;
    if (!/^\d{1,7}$/.test(value) || Number(value) < least) throw new WrongOption(`--${name} ${value}: a whole number from ${least}`);
    return Number(value);
  };
  const providers = text("providers")?.split(",");
  const unknown = providers?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length > 0) throw new WrongOption(`--providers ${unknown.join(",")}: there are ${known.join(", ")}`);
  return {
    providers,
    attempts: whole("attempts", 2, 1),
    baseBackoffMs: whole("base-backoff-ms", 1_000, 0),
    maxBackoffMs: whole("max-backoff-ms", 30_000, 0),
    gapMs: whole("gap-ms", 500, 0),
    only: expression(text("only")),
    diagnostics: values.diagnostics ?? ["1", "true"].includes(environment["LIVE_DIAGNOSTICS"] ?? ""),
    out: text("out") ?? ".cache/live",
  };
}

function expression(text: string | undefined): string | undefined {
  try {
    if (text !== undefined) new RegExp(text);
    return text;
  } catch {
    throw new WrongOption(`--only ${text}: not a regular expression`);
  }
}

function flags(argv: readonly string[]) {
  const string = { type: "string" } as const;
  const boolean = { type: "boolean" } as const;
  try {
    return parseArgs({
      args: [...argv],
      options: {
        providers: string,
        attempts: string,
        "base-backoff-ms": string,
        "max-backoff-ms": string,
        "gap-ms": string,
        only: string,
        diagnostics: boolean,
        out: string,
        help: boolean,
      },
    }).values;
  } catch (error) {
    throw new WrongOption(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
