import { plainLine, type Carrier } from "../caller/carrier.ts";
import type { CallStart } from "../caller/leg.ts";
import { Fault } from "../kernel/fault.ts";
import { isOneOf, shownSecret } from "./proof.ts";

/** An engine of one's own or a carrier that proves itself with the token it was given. Without a token only this machine is served. */
export function tokenCarrier(dialect: string, tokens: () => readonly string[]): Carrier {
  return {
    dialect,
    mayConnect({ headers, query }, local) {
      const known = tokens();
      if (known.length === 0 ? local : isOneOf(known, shownSecret(headers, query))) return;
      throw new Fault("caller-refused", known.length === 0 ? unset(dialect) : wrong(dialect));
    },
    admit: (start) => ({ start: withoutProof(start), line: plainLine }),
  };
}

const proofs: ReadonlySet<string> = new Set(["token", "ticket", "call"]);

/** What let the caller in is nobody else's business. */
export function withoutProof(start: CallStart): CallStart {
  const parameters = Object.fromEntries(Object.entries(start.parameters).filter(([name]) => !proofs.has(name)));
  return { ...start, parameters };
}

const unset = (dialect: string): string =>
  `only ${dialect} on this machine is served; set LINEKEEPER_CARRIER_TOKEN to let it in from elsewhere with that token`;
const wrong = (dialect: string): string =>
  `${dialect} needs the token in LINEKEEPER_CARRIER_TOKEN: as Authorization: Bearer, as the password of Basic, or as ?token=`;
