// RTP packets: RFC 3550 section 5.1.

export interface RtpPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  /** 16 bits. */
  readonly sequence: number;
  /** 32 bits, unsigned. */
  readonly timestamp: number;
  readonly ssrc: number;
  /** A view of the datagram. */
  readonly payload: Buffer;
}

const headerBytes = 12;

/** How long the header is with its contributors and extension; undefined: this is no RTP. */
export function rtpHeaderBytes(bytes: Buffer): number | undefined {
  const first = bytes[0] ?? 0;
  if (bytes.length < headerBytes || first >> 6 !== 2) return undefined;
  let length = headerBytes + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) {
    if (bytes.length < length + 4) return undefined;
    length += 4 + 4 * bytes.readUInt16BE(length + 2);
  }
  return length <= bytes.length ? length : undefined;
}

/** Undefined: this is no RTP. */
export function parseRtp(bytes: Buffer): RtpPacket | undefined {
  const start = rtpHeaderBytes(bytes);
  if (start === undefined) return undefined;
  const padding = ((bytes[0] ?? 0) & 0x20) === 0 ? 0 : (bytes.at(-1) ?? 0);
  if (start + padding > bytes.length) return undefined;
  const second = bytes[1] ?? 0;
  return {
    payloadType: second & 0x7f,
    marker: second >= 0x80,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    ssrc: bytes.readUInt32BE(8),
    payload: bytes.subarray(start, bytes.length - padding),
  };
}

/** The datagram for a packet; the payload is copied. */
export function writeRtp(packet: Omit<RtpPacket, "payload">, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes + payload.length);
  bytes[0] = 0x80;
  bytes[1] = (packet.marker ? 0x80 : 0) | packet.payloadType;
  bytes.writeUInt16BE(packet.sequence, 2);
  bytes.writeUInt32BE(packet.timestamp, 4);
  bytes.writeUInt32BE(packet.ssrc, 8);
  bytes.set(payload, headerBytes);
  return bytes;
}

/** RTCP shares the port with RTP: RFC 5761 section 4 tells them apart by the second byte. */
export const isRtcp = (bytes: Buffer): boolean => bytes.length >= 8 && (bytes[1] ?? 0) >= 192 && (bytes[1] ?? 0) <= 223;
