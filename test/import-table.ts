import { posix } from "node:path";

/**
 * Who may import whom: a folder of `src/`, and beside itself what it may name. `folder`, `folder/file.ts` or a package.
 * The rows stand in the order of knowledge; Node's own modules are open to all.
 */
export const mayImport: Readonly<Record<string, string>> = {
  kernel: "",
  audio: "kernel opusscript",
  config: "kernel zod",
  desk: "kernel provider/contract.ts zod",
  prompts: "kernel audio zod",
  crisis: "kernel provider/contract.ts",
  notify: "kernel session/words.ts zod",
  wire: "kernel",
  caller: "kernel audio wire zod",
  "caller/sip": "kernel audio caller sdp-transform",
  provider: "kernel audio wire",
  "provider/openai": "kernel audio provider wire openai zod",
  "provider/gemini": "kernel audio provider wire @google/genai zod",
  "provider/deepgram-sdk": "kernel provider @deepgram/sdk ws",
  "provider/deepgram": "kernel audio provider provider/deepgram-sdk @deepgram/sdk @google/genai openai @anthropic-ai/sdk ws zod",
  "provider/deepgram-agent": "kernel audio provider provider/deepgram-sdk @deepgram/sdk ws zod",
  "provider/local": "kernel audio provider onnxruntime-web onnxruntime-node llama-tokenizer-js chrono-node openai zod",
  "provider/emergency": "kernel audio prompts provider",
  carriers: "kernel caller http/answer.ts carriers/twilio",
  "carriers/twilio": "kernel caller http/answer.ts carriers/book.ts carriers/signature.ts carriers/tickets.ts carriers/xml.ts twilio",
  guard: "kernel caller/leg.ts provider/contract.ts",
  session: "kernel crisis audio prompts/prompts.ts caller/leg.ts provider/contract.ts provider/voices.ts provider/languages.ts xstate",
  store: "kernel audio wire session/snapshot.ts zod",
  costs: "kernel provider/contract.ts session/words.ts zod",
  watch:
    "kernel session/words.ts pino pino-pretty prom-client @opentelemetry/api @opentelemetry/sdk-trace-node @opentelemetry/exporter-trace-otlp-http",
  http: "kernel audio/encodings.ts guard/view.ts session/roster.ts session/control.ts session/words.ts watch caller wire zod jose",
  cluster: "kernel caller/leg.ts caller/dialect.ts guard/peers.ts guard/view.ts http session/control.ts session/words.ts wire",
  fakes: "kernel audio ws",
};

/** The only files that know every name: what the house is made of, and how it is started. */
const composition = /^(house|main)\.ts$|^house\//;
/** The list of providers names one file of each folder, and nothing else does. */
const providerList = "provider/providers.ts";

/** Folders that get time, randomness and ids from outside, so that whole calls can be simulated. */
const timeless = ["session", "audio", "guard", "caller", "provider"];
/** Files of those folders that run in a thread or process of their own, where no clock can be handed in; with the reason. */
export const ownTime: Readonly<Record<string, string>> = {
  "provider/local/mouth/wasi.ts": "answers the synthesiser's own system call for the time",
};

const strings = String.raw`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|${"`"}(?:[^${"`"}\\]|\\.)*${"`"}`;
const comments = String.raw`\/\/[^\n]*|\/\*[\s\S]*?\*\/`;

/** The source without its comments; strings that look like comments stay. */
const withoutComments = (source: string): string =>
  source.replace(new RegExp(`(${strings})|${comments}`, "g"), (_, text: string | undefined) => text ?? "");

/** Every module a file names: imports and exports with and without bindings, of types too, `import()`, and files started by URL. */
export function importsOf(source: string): string[] {
  const patterns = [
    /^\s*(?:import|export)\s[^"';]*?\bfrom\s*["']([^"']+)["']/gm,
    /^\s*import\s*["']([^"']+)["']/gm,
    /\bimport\(\s*["']([^"']+)["']/g,
    /new URL\(\s*["'](\.[^"']+\.(?:ts|js|json))["'],\s*import\.meta\.url/g,
  ];
  const bare = withoutComments(source);
  return patterns.flatMap((pattern) => [...bare.matchAll(pattern)].map((match) => match[1] ?? ""));
}

/** What is wrong with one file of `src/`; `path` is relative to it. Empty: nothing. */
export function offencesOf(path: string, source: string): string[] {
  return [...(composition.test(path) ? [] : importOffences(path, source)), ...outsideOffences(path, source)];
}

function importOffences(path: string, source: string): string[] {
  const [folder, row] = rowOf(path);
  if (row === undefined) return [`${path}: its folder has no row in the import table`];
  const allowed = row.split(" ");
  const offences: string[] = [];
  for (const name of importsOf(source)) {
    if (name.startsWith("node:")) continue;
    const wanted = name.startsWith(".") ? posix.join(posix.dirname(path), name) : packageOf(name);
    if (wanted.startsWith("..")) offences.push(`${path}: ${name} is outside src/`);
    else if (name.startsWith(".") && (isWithin(wanted, folder) || isListed(path, wanted))) continue;
    else if (!allowed.some((place) => allows(place, wanted))) offences.push(`${path}: may not import ${wanted}`);
  }
  return offences;
}

function outsideOffences(path: string, source: string): string[] {
  const bare = withoutComments(source);
  const offences: string[] = [];
  if (!path.startsWith("config/") && path !== "main.ts" && /\bprocess\.env\b/.test(bare))
    offences.push(`${path}: only config/ reads process.env`);
  if (timeless.some((folder) => isWithin(path, folder)) && ownTime[path] === undefined) {
    const found = /\b(?:Date\.now|performance\.now|Math\.random|randomUUID)\b|(?<![.#\w])(?:setTimeout|setInterval)\(|\bnew Date\(\)/.exec(
      bare,
    );
    if (found !== null) offences.push(`${path}: ${found[0]} must come from outside`);
  }
  return offences;
}

/** The most exact row: a provider's own before that of all providers. */
function rowOf(path: string): readonly [string, string | undefined] {
  const [first = "", second = ""] = path.split("/");
  const own = `${first}/${second}`;
  if (mayImport[own] !== undefined) return [own, mayImport[own]];
  // The folder of a provider without a row is not covered by the row for the files around it.
  if (first === "provider" && path.split("/").length > 2) return [own, undefined];
  return [first, mayImport[first]];
}

const isWithin = (path: string, folder: string): boolean =>
  path.startsWith(`${folder}/`) && !(folder === "provider" && path.split("/").length > 2);

const isListed = (path: string, wanted: string): boolean => path === providerList && wanted.startsWith("provider/");

/** `provider` opens the files around the providers' folders, never another provider's folder; what two share has a row of its own. */
const allows = (place: string, wanted: string): boolean => place !== "" && (wanted === place || isWithin(wanted, place));

const packageOf = (name: string): string =>
  name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/");
