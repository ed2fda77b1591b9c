import { BlockList, isIP } from "node:net";
import { Fault } from "../../kernel/fault.ts";

/** Whose SIP is listened to: addresses and networks such as 203.0.113.0/24. */
export class Peers {
  readonly #list = new BlockList();

  /** @throws {Fault} setting-invalid for what is neither an address nor a network */
  constructor(entries: readonly string[]) {
    for (const entry of entries) this.add(entry);
  }

  includes(address: string): boolean {
    return isIP(address) !== 0 && this.#list.check(address, familyOf(address));
  }

  add(entry: string): void {
    const [address = "", bits] = entry.split("/", 2);
    const longest = isIP(address) === 4 ? 32 : 128;
    if (isIP(address) === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= longest))) {
      throw new Fault("setting-invalid", `SIP_PEERS: ${entry} is neither an address nor a network such as 203.0.113.0/24`);
    }
    if (bits === undefined) this.#list.addAddress(address, familyOf(address));
    else this.#list.addSubnet(address, Number(bits), familyOf(address));
  }
}

const familyOf = (address: string): "ipv4" | "ipv6" => (isIP(address) === 4 ? "ipv4" : "ipv6");
