import { parseArgs } from "node:util";

export const usage = `usage: scripts/call FILE.wav [options]

  --url URL         which server (default: this machine, PORT or 8080)
  --save OUT.wav    keep what was heard: mono, at the rate it came in, on the call's own time line
  --json            end with one line of JSON; the rest goes to stderr
  --calls N         N calls at once, and a table of how they went
  --text "..."      a typed turn (alone, or after the file)
  --agent NAME      which agent to ask for
  --rate 16000|8000 samples a second on the wire, both for speaking (default 16000) and, with 8000, for hearing
  --at-once         do not wait for the greeting
  --dialect NAME    browser
  --quiet           no captions

LINEKEEPER_API_KEY is sent as the key where it is set.
Exit: 0 the call went well, 1 it failed, 2 the file or an option is wrong, 3 busy, 4 the server is not there.`;

export interface CallOptions {
  readonly file: string | undefined;
  readonly url: string;
  readonly save: string | undefined;
  readonly json: boolean;
  readonly calls: number;
  readonly text: string | undefined;
  readonly agent: string | undefined;
  readonly rateHz: 8_000 | 16_000;
  readonly atOnce: boolean;
  readonly quiet: boolean;
}

/** What was asked for is not possible; the message says what is. */
export class WrongUse extends Error {
  override readonly name = "WrongUse";
}

/** Undefined: help was asked for. @throws {WrongUse} */
export function readOptions(argv: readonly string[], port: string | undefined): CallOptions | undefined {
  const { values, positionals } = parse(argv);
  if (values.help) return undefined;
  const [file, ...more] = positionals;
  if (more.length > 0) throw new WrongUse(`one file at a time: ${positionals.join(", ")}`);
  if (file === undefined && values.text === undefined) throw new WrongUse("name a WAV file, or give --text");
  if (values.dialect !== "browser") throw new WrongUse(`--dialect ${values.dialect}: there is browser`);
  if (values.rate !== "8000" && values.rate !== "16000") throw new WrongUse(`--rate ${values.rate}: 8000 or 16000`);
  const calls = Number(values.calls);
  if (!Number.isInteger(calls) || calls < 1 || calls > 1_000) throw new WrongUse(`--calls ${values.calls}: a whole number from 1 to 1000`);
  if (calls > 1 && values.save !== undefined) throw new WrongUse("--save keeps one call; leave out --calls");
  return {
    file,
    url: address(values.url ?? `http://127.0.0.1:${port ?? "8080"}`),
    save: values.save,
    json: values.json,
    calls,
    text: values.text,
    agent: values.agent,
    rateHz: values.rate === "8000" ? 8_000 : 16_000,
    atOnce: values["at-once"],
    quiet: values.quiet,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        url: { type: "string" },
        save: { type: "string" },
        json: { type: "boolean", default: false },
        calls: { type: "string", default: "1" },
        text: { type: "string" },
        agent: { type: "string" },
        rate: { type: "string", default: "16000" },
        dialect: { type: "string", default: "browser" },
        "at-once": { type: "boolean", default: false },
        quiet: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new WrongUse(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function address(url: string): string {
  if (URL.canParse(url) && /^(?:https?|wss?):$/.test(new URL(url).protocol)) return url;
  throw new WrongUse(`--url ${url}: expected http://HOST:PORT or ws://HOST:PORT`);
}
