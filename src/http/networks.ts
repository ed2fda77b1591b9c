import { BlockList, isIP } from "node:net";
import { Fault } from "../kernel/fault.ts";

/**
 * Addresses and networks ("10.0.0.0/8") as a list that can be asked.
 * @param what they are, for the person who wrote them
 * @throws {Fault} setting-invalid
 */
export function network(rows: readonly string[], what: string): BlockList {
  const list = new BlockList();
  for (const row of rows) {
    const [address = "", prefix] = row.split("/");
    if (!isNetwork(row)) throw new Fault("setting-invalid", `${what}: "${row}" is neither an address nor a network such as 10.0.0.0/8`);
    const version = isIP(address);
    list.addSubnet(address, prefix === undefined ? (version === 6 ? 128 : 32) : Number(prefix), version === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

export function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const most = isIP(address) === 6 ? 128 : 32;
  return isIP(address) !== 0 && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
}

/** `::ffff:192.0.2.1` counts as 192.0.2.1. */
export function within(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? "ipv6" : "ipv4");
}
