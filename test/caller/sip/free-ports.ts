import { createSocket } from "node:dgram";

/** Four numbers that are free as UDP and most likely as TCP; the last begins a range. */
export async function freePorts(): Promise<number[]> {
  const sockets = await Promise.all(
    Array.from(
      { length: 4 },
      () =>
        new Promise<ReturnType<typeof createSocket>>((resolve) => {
          const socket = createSocket("udp4");
          socket.bind(0, "127.0.0.1", () => resolve(socket));
        }),
    ),
  );
  const ports = sockets.map((socket) => socket.address().port);
  await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  return [...ports.slice(0, 3), Math.min(65_000, (ports[3] ?? 0) & ~1)];
}
