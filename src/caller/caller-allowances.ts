import { Allowance } from "./allowance.ts";

/**
 * Sustained rates stop a flood. The bursts are what a connection gives at once after it stalled for 30 s (media at 50 messages a
 * second and pcm16@48000, the widest): a bad line is no attack.
 */
const mediaPerSecond = 120;
const mediaBurst = 1_500;
const bytesPerSecond = 128 * 1024;
const bytesBurst = 3 * 1024 * 1024;
const controlPerSecond = 20;
const controlBurst = 40;

/** What one caller may send. */
export class CallerAllowances {
  /** Messages. */
  readonly media: Allowance;
  readonly bytes: Allowance;
  /** Messages, with pings and pongs. */
  readonly control: Allowance;

  constructor(nowMs: number) {
    this.media = new Allowance(mediaPerSecond, mediaBurst, nowMs);
    this.bytes = new Allowance(bytesPerSecond, bytesBurst, nowMs);
    this.control = new Allowance(controlPerSecond, controlBurst, nowMs);
  }

  refill(nowMs: number): void {
    for (const allowance of [this.media, this.bytes, this.control]) allowance.refill(nowMs);
  }
}
