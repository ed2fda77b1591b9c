import { Fault } from "../../kernel/fault.ts";

/** Who answers a call, by the name or number in the address that was called; undefined: the first agent. */
export type AgentOf = (dialled: string | undefined) => string | undefined;

/**
 * Each agent is called by its own name, and by the numbers and names that `rows` give it.
 * @param rows such as "+15550100=night-desk"; a plus is no difference, for some trunks leave it out
 * @throws {Fault} setting-invalid for a row whose agent is not there
 */
export function agentsByAddress(agents: readonly string[], rows: readonly string[]): AgentOf {
  const byAddress = new Map(agents.map((agent) => [plain(agent), agent]));
  for (const row of rows) {
    const [address = "", agent = ""] = row.split("=");
    if (!agents.includes(agent)) throw new Fault("setting-invalid", `SIP_AGENTS: there is no agent "${agent}"; ${agents.join(", ")} are`);
    byAddress.set(plain(address), agent);
  }
  return (dialled) => byAddress.get(plain(dialled ?? ""));
}

const plain = (address: string): string => address.replace(/^\+/, "").toLowerCase();
