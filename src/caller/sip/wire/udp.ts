import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import { plainAddress, type Wire, type WireEar } from "./wire.ts";

/** RFC 5626 keep-alives and NAT probes carry nothing. */
const shortestMessageBytes = 16;

/** Listens for datagrams. Rejects with Node's own error when the port is taken. */
export function openUdp(host: string, port: number, ear: WireEar): Promise<Wire> {
  const socket = createSocket({ type: isIPv6(host) ? "udp6" : "udp4" });
  socket.on("message", (bytes, from) => {
    if (bytes.length < shortestMessageBytes) return;
    ear.received(bytes, { transport: "udp", address: plainAddress(from.address), port: from.port });
  });
  let isOpen = true;
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, host, () => {
      socket.off("error", reject);
      // An unreachable peer is told of by whoever sent to it; the socket lives on.
      socket.on("error", () => {});
      resolve({
        transport: "udp",
        port: socket.address().port,
        send(message, to, failed) {
          // What a call has yet to say when the house is closed reaches nobody.
          if (isOpen) socket.send(message, to.port, to.address, (error) => error !== null && failed());
        },
        close() {
          isOpen = false;
          return new Promise((done) => socket.close(() => done()));
        },
      });
    });
  });
}
