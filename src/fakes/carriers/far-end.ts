import type { ClientOptions } from "ws";
import { encodings, type Encoding } from "../../audio/encodings.ts";
import { pcma, pcmu } from "../../audio/g711.ts";
import { isObject, type Shape } from "../shape.ts";
import { connectSocket, type SocketEnd } from "./caller-socket.ts";
import { digitsIn } from "./tone-ear.ts";

/** What a fake caller does on its socket whatever it speaks; the same names as in `FakeCaller`. */
export interface FarEnd {
  readonly closed: Promise<SocketEnd>;
  raw(message: string | Uint8Array): void;
  close(code: number): void;
  vanish(): void;
  stall(): void;
}

/** @throws {Refused} */
export async function farEnd(
  url: string,
  heard: (message: string | Buffer) => void,
  options: ClientOptions = {},
  subprotocols: readonly string[] = [],
): Promise<FarEnd> {
  const { socket, closed } = await connectSocket(url, heard, options, subprotocols);
  return {
    closed,
    raw: (message) => {
      if (socket.readyState === socket.OPEN) socket.send(message);
    },
    close: (code) => socket.close(code),
    vanish: () => socket.terminate(),
    stall: () => socket.pause(),
  };
}

/** Audio in base64, with its padding. */
export const base64: Shape = (value, path) =>
  typeof value === "string" && value.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(value)
    ? undefined
    : { kind: "value", param: path, text: `Invalid '${path}': expected base64.` };

export type Wire = Readonly<Record<string, unknown>>;

/** What the server said, if the real peer would have understood it; else what is wrong with it stands among the violations. */
export function understood(message: string | Buffer, expected: Shape, violations: string[]): Wire | undefined {
  if (typeof message !== "string") return void violations.push("a binary message on a wire of text");
  let wire: unknown;
  try {
    wire = JSON.parse(message);
  } catch {
    return void violations.push("a message that is no JSON");
  }
  const complaint = expected(wire, "");
  if (complaint !== undefined) return void violations.push(complaint.text);
  return isObject(wire) ? wire : undefined;
}

/** What stands at a path of keys that the shape has promised to be text. */
export function textAt(wire: Wire, ...path: readonly string[]): string {
  let value: unknown = wire;
  for (const key of path) value = isObject(value) ? value[key] : undefined;
  if (typeof value !== "string") throw new TypeError(`${path.join(".")} is no text`);
  return value;
}

/** The digits that sound in what a telephone was sent. */
export function digitsHeardIn(audio: Buffer, encoding: Encoding): string {
  const { codec, rateHz } = encodings[encoding];
  if (codec !== "pcm16") return digitsIn((codec === "pcmu" ? pcmu : pcma).decode(audio), rateHz);
  return digitsIn(new Int16Array(Uint8Array.from(audio).buffer), rateHz);
}
