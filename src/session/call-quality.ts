import type { Downlink } from "../audio/downlink.ts";
import { estimateMos } from "../audio/e-model.ts";
import { SoundMeter, type Sound } from "../audio/sound-meter.ts";
import type { Uplink } from "../audio/uplink.ts";
import type { LegQuality } from "../caller/leg.ts";

/** How good a leg's line is, as far as its wire tells; undefined: it does not. */
export interface LineQuality {
  /** 1 to 4.5 by the E-model, from loss and delay alone: an estimate, see `audio/e-model.ts`; undefined: neither is known. */
  readonly mosEstimate: number | undefined;
  readonly lossShare: number | undefined;
  readonly jitterMs: number | undefined;
  readonly gaps: number;
  /** Caller audio that was missing and had to be made up. */
  readonly filledMs: number;
  /** One way, as far as known: half of what a mark or report takes beside its playing, or what RTCP tells. */
  readonly delayMs: number | undefined;
  readonly caller: Sound;
  readonly agent: Sound;
}

/** What is known of how a call sounds. */
export class QualityMeter {
  readonly #downlink: Downlink;
  readonly #caller: SoundMeter;
  readonly #agent: SoundMeter;

  constructor(uplink: Uplink, downlink: Downlink) {
    this.#downlink = downlink;
    this.#caller = new SoundMeter(uplink.encoding);
    this.#agent = new SoundMeter(downlink.encoding);
  }

  /** One of the caller's frames; what the agent says at the same time is looked at along with it. */
  heard(frame: Uint8Array): void {
    this.#caller.take(frame);
    this.#agent.take(this.#downlink.latest(0));
  }

  of({ lossShare, burstRatio, jitterMs, gaps, filledMs, delayMs: toldMs, codec }: LegQuality): LineQuality {
    const { echoMs } = this.#downlink;
    const delayMs = toldMs ?? (echoMs === undefined ? undefined : echoMs / 2);
    const isKnown = lossShare !== undefined || delayMs !== undefined;
    return {
      mosEstimate: isKnown ? estimateMos({ delayMs: delayMs ?? 0, lossShare: lossShare ?? 0, burstRatio, codec }) : undefined,
      lossShare,
      jitterMs,
      gaps,
      filledMs,
      delayMs,
      caller: this.#caller.sound,
      agent: this.#agent.sound,
    };
  }
}
