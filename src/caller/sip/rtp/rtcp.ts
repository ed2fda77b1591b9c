// RTCP: RFC 3550 section 6.

/** What one side reports of the other's stream. */
export interface ReceptionReport {
  readonly ssrc: number;
  /** Share of packets lost since the last report, 0 to 1. */
  readonly lossShare: number;
  readonly lostPackets: number;
  readonly highestSequence: number;
  /** In units of the RTP clock. */
  readonly jitterUnits: number;
  /** The middle 32 bits of the NTP stamp of the last sender report, and how long ago it came, in 1/65536 s. */
  readonly lastReport: number;
  readonly sinceLastReport: number;
}

export interface SenderInfo {
  /** Unix time, ms. */
  readonly wallMs: number;
  readonly timestamp: number;
  readonly packets: number;
  readonly bytes: number;
}

export interface RtcpNews {
  /** The middle 32 bits of the peer's NTP stamp, of its sender report. */
  readonly senderStamp: number | undefined;
  readonly reports: readonly ReceptionReport[];
  readonly bye: boolean;
}

const senderReport = 200;
const receiverReport = 201;
const sourceDescription = 202;
const goodbye = 203;
const ntpEpochMs = Date.UTC(1900, 0, 1);
const longestPackets = 32;

/** The middle 32 bits of an NTP stamp: 16 of seconds, 16 of fraction. */
export const compactNtp = (wallMs: number): number => Math.floor(((wallMs - ntpEpochMs) / 1000) * 65_536) % 2 ** 32;

/** A compound packet: a report (of a sender when `sender` is there), our name, and a goodbye when it is the last. */
export function writeRtcp(
  ssrc: number,
  cname: string,
  sender: SenderInfo | undefined,
  report: ReceptionReport | undefined,
  bye: boolean,
): Buffer {
  const parts = [writeReport(ssrc, sender, report), writeName(ssrc, cname)];
  if (bye) parts.push(header(goodbye, 1, ssrc, Buffer.alloc(0)));
  return Buffer.concat(parts);
}

/** Undefined: this is no RTCP. Unknown packets in it are passed over. */
export function parseRtcp(bytes: Buffer): RtcpNews | undefined {
  const reports: ReceptionReport[] = [];
  let [senderStamp, bye, at]: [number | undefined, boolean, number] = [undefined, false, 0];
  for (let count = 0; at + 8 <= bytes.length && count < longestPackets; count += 1) {
    const [first, type, words] = [bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes.readUInt16BE(at + 2)];
    const end = at + 4 + 4 * words;
    if (first >> 6 !== 2 || end > bytes.length) return undefined;
    const body = bytes.subarray(at + 8, Math.max(at + 8, end));
    if (type === senderReport && body.length >= 20) senderStamp = body.readUInt32BE(2);
    if (type === senderReport || type === receiverReport)
      reports.push(...readReports(body.subarray(type === senderReport ? 20 : 0), first & 0x1f));
    if (type === goodbye) bye = true;
    at = end;
  }
  return at === 0 ? undefined : { senderStamp, reports, bye };
}

function readReports(bytes: Buffer, count: number): ReceptionReport[] {
  const reports: ReceptionReport[] = [];
  for (let at = 0; at + 24 <= bytes.length && reports.length < count; at += 24) {
    reports.push({
      ssrc: bytes.readUInt32BE(at),
      lossShare: (bytes[at + 4] ?? 0) / 256,
      lostPackets: bytes.readIntBE(at + 5, 3),
      highestSequence: bytes.readUInt32BE(at + 8),
      jitterUnits: bytes.readUInt32BE(at + 12),
      lastReport: bytes.readUInt32BE(at + 16),
      sinceLastReport: bytes.readUInt32BE(at + 20),
    });
  }
  return reports;
}

function writeReport(ssrc: number, sender: SenderInfo | undefined, report: ReceptionReport | undefined): Buffer {
  const info = Buffer.alloc(sender === undefined ? 0 : 20);
  if (sender !== undefined) {
    const seconds = (sender.wallMs - ntpEpochMs) / 1000;
    info.writeUInt32BE(Math.floor(seconds) % 2 ** 32, 0);
    info.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32), 4);
    info.writeUInt32BE(sender.timestamp, 8);
    info.writeUInt32BE(sender.packets % 2 ** 32, 12);
    info.writeUInt32BE(sender.bytes % 2 ** 32, 16);
  }
  const block = Buffer.alloc(report === undefined ? 0 : 24);
  if (report !== undefined) {
    block.writeUInt32BE(report.ssrc, 0);
    block[4] = Math.min(255, Math.floor(report.lossShare * 256));
    block.writeIntBE(Math.max(-(2 ** 23), Math.min(2 ** 23 - 1, report.lostPackets)), 5, 3);
    block.writeUInt32BE(report.highestSequence, 8);
    block.writeUInt32BE(Math.floor(report.jitterUnits), 12);
    block.writeUInt32BE(report.lastReport, 16);
    block.writeUInt32BE(Math.floor(report.sinceLastReport) % 2 ** 32, 20);
  }
  return header(sender === undefined ? receiverReport : senderReport, report === undefined ? 0 : 1, ssrc, Buffer.concat([info, block]));
}

/** SDES with the CNAME alone, padded to a whole word with at least one zero. */
function writeName(ssrc: number, cname: string): Buffer {
  const name = Buffer.from(cname).subarray(0, 255);
  const item = Buffer.alloc(Math.floor((2 + name.length) / 4) * 4 + 4);
  item[0] = 1;
  item[1] = name.length;
  name.copy(item, 2);
  return header(sourceDescription, 1, ssrc, item);
}

function header(type: number, count: number, ssrc: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(8 + body.length);
  bytes[0] = 0x80 | count;
  bytes[1] = type;
  bytes.writeUInt16BE(1 + body.length / 4, 2);
  bytes.writeUInt32BE(ssrc, 4);
  body.copy(bytes, 8);
  return bytes;
}
