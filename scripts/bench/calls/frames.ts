// Audio that says who it is: 20 ms of µ-law, of which the first bytes name the call and the frame and the rest is known.
const frameBytes = 160;
const headBytes = 9;
const headChars = 12;
const frameChars = 216;
const magic = 0x4c4b;

const rest = Buffer.from(Uint8Array.from({ length: frameBytes - headBytes }, (_, at) => (at * 37) % 251)).toString("base64");
const restBytes = Buffer.from(rest, "latin1");
const head = Buffer.alloc(headBytes);
const first = Buffer.alloc(headBytes);

/** What a frame says of itself; the object is used again for the next one. */
export interface FrameName {
  call: number;
  index: number;
  /** The rest of it came as it was sent. */
  whole: boolean;
}

/** The frame as base64. */
export function frameText(call: number, index: number): string {
  head.writeUInt16BE(magic, 0);
  head.writeUInt16BE(call, 2);
  head.writeUInt32BE(index, 4);
  return head.toString("base64") + rest;
}

const name: FrameName = { call: 0, index: 0, whole: false };

/** Reads the frames in base64 that begins at `from` in `message` and ends with a quote; what is no frame of ours is passed over. */
export function readFrames(message: Buffer, from: number, found: (frame: FrameName) => void): void {
  const end = message.indexOf(0x22, from);
  if (end - from === frameChars) {
    first.write(message.toString("latin1", from, from + headChars), "base64");
    name.whole = restBytes.compare(message, from + headChars, end) === 0;
    tell(first, 0, found);
    return;
  }
  // Several at once, or cut elsewhere.
  const bytes = Buffer.from(message.toString("latin1", from, end), "base64");
  for (let at = 0; at + frameBytes <= bytes.length; at += frameBytes) {
    name.whole = bytes.toString("base64", at + headBytes, at + frameBytes) === rest;
    tell(bytes, at, found);
  }
}

function tell(bytes: Buffer, at: number, found: (frame: FrameName) => void): void {
  if (bytes.readUInt16BE(at) !== magic) return;
  name.call = bytes.readUInt16BE(at + 2);
  name.index = bytes.readUInt32BE(at + 4);
  found(name);
}
