import { readFileSync } from "node:fs";
import { Fault, toFault } from "../../kernel/fault.ts";
import { agentsByAddress } from "./agents.ts";
import type { SipOptions } from "./endpoint.ts";
import { codecNames, type CodecName } from "./rtp/codecs.ts";
import type { PortRange } from "./rtp/ports.ts";
import { trunkOf, type Trunk } from "./trunk.ts";

/** The value of a setting by its name, as text. */
type Lookup = (name: string) => string | undefined;

/** While the agent gets ready the caller hears it ring for so long at most. */
const answerLimitMs = 4_000;
const defaultUser = "linekeeper";

/**
 * The options that the operator has set. Undefined: SIP is off, SIP_PORT is not set.
 * @param agents the names of those that there are
 * @throws {Fault} setting-invalid for what only shows when it is used: files, ranges, unknown codecs
 */
export function sipOptions(setting: Lookup, agents: readonly string[]): SipOptions | undefined {
  const port = setting("SIP_PORT");
  if (port === undefined) return undefined;
  const password = setting("SIP_PASSWORD");
  return {
    host: setting("SIP_HOST") ?? "127.0.0.1",
    port: Number(port),
    publicHost: setting("SIP_PUBLIC_HOST"),
    tls: tlsOf(setting),
    rtpPorts: portsOf(setting("SIP_RTP_PORTS") ?? ""),
    peers: namesOf(setting("SIP_PEERS")),
    credentials: password === undefined ? undefined : { username: setting("SIP_USER") ?? defaultUser, password },
    codecs: codecsOf(setting("SIP_CODECS")),
    trunk: readTrunk(setting),
    agentOf: agentsByAddress(agents, namesOf(setting("SIP_AGENTS"))),
    answerLimitMs,
  };
}

function tlsOf(setting: Lookup): SipOptions["tls"] {
  const [cert, key, ca] = [setting("SIP_TLS_CERT"), setting("SIP_TLS_KEY"), setting("SIP_TLS_CA")];
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new Fault("setting-invalid", "SIP_TLS_CERT and SIP_TLS_KEY belong together; set both or none");
  return {
    port: Number(setting("SIP_TLS_PORT")),
    cert: pem("SIP_TLS_CERT", cert),
    key: pem("SIP_TLS_KEY", key),
    ca: ca === undefined ? undefined : pem("SIP_TLS_CA", ca),
  };
}

function readTrunk(setting: Lookup): Trunk | undefined {
  const [uri, username, password] = [setting("SIP_TRUNK"), setting("SIP_TRUNK_USER"), setting("SIP_TRUNK_PASSWORD")];
  if (uri === undefined) return undefined;
  const credentials = username === undefined || password === undefined ? undefined : { username, password };
  return trunkOf(uri, { credentials, from: setting("SIP_TRUNK_FROM"), register: setting("SIP_TRUNK_REGISTER") === "yes" });
}

function pem(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw toFault(error, "setting-invalid", name);
  }
}

function portsOf(text: string): PortRange {
  const [first, last] = text.split("-").map(Number);
  if (first === undefined || last === undefined || !(first >= 1 && first + 1 <= last && last <= 65_535)) {
    throw new Fault("setting-invalid", `SIP_RTP_PORTS: ${text} is no range of ports such as 20000-29999`);
  }
  return { first, last };
}

const namesOf = (text: string | undefined): string[] =>
  (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

function codecsOf(text: string | undefined): readonly CodecName[] {
  return namesOf(text).map((name) => {
    const known = codecNames.find((each) => each.toLowerCase() === name.toLowerCase());
    if (known === undefined) throw new Fault("setting-invalid", `SIP_CODECS: ${name} is not served; ${codecNames.join(", ")} are`);
    return known;
  });
}
