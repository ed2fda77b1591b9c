// How Genesys Cloud proves an AudioHook connection: HTTP message signatures (RFC 9421) with a shared secret, as its AudioHook
// documentation and reference server have it, read 2026-11.
import { plainLine, type Carrier } from "../caller/carrier.ts";
import type { Knock } from "../caller/dialect.ts";
import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import { isHmac, isOneOf } from "./proof.ts";
import { withoutProof } from "./token-carrier.ts";

const covered = [
  "@request-target",
  "@authority",
  "audiohook-organization-id",
  "audiohook-session-id",
  "audiohook-correlation-id",
  "x-api-key",
];
const oldestS = 10;
const aheadS = 3;
const shortestNonce = 22;
/** More than this are not remembered; each is forgotten when its signature has expired anyway. */
const noncesLimit = 20_000;

export interface GenesysKey {
  readonly apiKey: string;
  /** In base64; undefined: the key alone has to do. */
  readonly clientSecret: string | undefined;
}

interface GenesysParts {
  /** Those that are good just now. None: only this machine is served. */
  readonly keys: () => readonly GenesysKey[];
  readonly clock: Clock;
}

export function genesysCarrier({ keys, clock }: GenesysParts): Carrier {
  /** Nonces of signatures with the second in which they were made, oldest first. */
  const used = new Map<string, number>();

  function mustBeNew(nonce: string, createdS: number, nowS: number): void {
    if (used.has(nonce)) throw refused("a signature that was used");
    for (const [old, madeS] of used) {
      if (nowS - madeS <= oldestS && used.size < noncesLimit) break;
      used.delete(old);
    }
    used.set(nonce, createdS);
  }

  return {
    dialect: "genesys",
    mayConnect(knock, local) {
      const good = keys();
      if (good.length === 0) {
        if (local) return;
        throw new Fault(
          "caller-refused",
          "only callers on this machine are served as Genesys; set GENESYS_API_KEY to let Genesys Cloud in",
        );
      }
      const shown = good.find(({ apiKey }) => isOneOf([apiKey], knock.headers["x-api-key"]));
      if (shown === undefined) throw refused("no X-API-KEY that is the one in GENESYS_API_KEY");
      const { apiKey, clientSecret } = shown;
      if (clientSecret === undefined) return;
      const nowS = clock.wallNow() / 1000;
      const { nonce, createdS } = mustBeSigned(knock, apiKey, clientSecret, nowS);
      mustBeNew(nonce, createdS, nowS);
    },
    admit: (start) => ({ start: withoutProof(start), line: plainLine }),
  };
}

function mustBeSigned({ headers, target }: Knock, key: string, secret: string, nowS: number): { nonce: string; createdS: number } {
  const [, label = "", input = ""] = /^([\w.*-]{1,64})=(\(.{1,1000})$/.exec(headers["signature-input"] ?? "") ?? [];
  const [, of = "", signature = ""] = /^([\w.*-]{1,64})=:([A-Za-z0-9+/=]{1,128}):$/.exec(headers["signature"] ?? "") ?? [];
  if (input === "" || label !== of) throw refused("no Signature that fits its Signature-Input");
  const components = [...input.slice(0, input.indexOf(")")).matchAll(/"([^"]{1,64})"/g)].flatMap(([, name]) => name ?? []);
  if (covered.some((name) => !components.includes(name))) throw refused("a signature that does not cover all it has to");
  const parameter = (name: string): string => new RegExp(`;${name}="?([^";]{1,256})`).exec(input)?.[1] ?? "";
  if (parameter("keyid") !== key || !["", "hmac-sha256"].includes(parameter("alg"))) throw refused("a signature of another key");
  const nonce = parameter("nonce");
  if (nonce.length < shortestNonce) throw refused("a signature without a nonce");
  const createdS = Number(parameter("created"));
  const expiresS = Number(parameter("expires") || Number.POSITIVE_INFINITY);
  if (!(nowS - createdS <= oldestS && createdS - nowS <= aheadS && nowS - expiresS <= aheadS))
    throw refused("a signature that has expired");
  const values: Readonly<Record<string, string | undefined>> = {
    ...headers,
    "@request-target": target,
    "@authority": (headers["host"] ?? "").toLowerCase().replace(/:443$/, ""),
  };
  if (!isHmac(Buffer.from(secret, "base64"), signatureBase(components, values, input), signature, "base64")) {
    throw refused("a signature that GENESYS_CLIENT_SECRET has not made");
  }
  return { nonce, createdS };
}

/** What is signed, RFC 9421 section 2.5. */
export const signatureBase = (components: readonly string[], values: Readonly<Record<string, string | undefined>>, input: string): string =>
  [...components.map((name) => `"${name}": ${(values[name] ?? "").trim()}`), `"@signature-params": ${input}`].join("\n");

const refused = (what: string): Fault => new Fault("caller-refused", `Genesys: ${what}`);
