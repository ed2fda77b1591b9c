/** Loudness is compared in steps of this length, ms: finer than a syllable, coarser than a jitter buffer's fades. */
const stepMs = 5;

/** Loudness over time: one figure (mean of the magnitudes, 0 to 1) for every 5 ms. */
export class Envelope {
  readonly steps: Float64Array;

  constructor(samples: Float32Array, rateHz: number) {
    const length = (rateHz * stepMs) / 1_000;
    this.steps = Float64Array.from({ length: Math.floor(samples.length / length) }, (_, step) => {
      let sum = 0;
      for (let at = step * length; at < (step + 1) * length; at += 1) sum += Math.abs(samples[Math.floor(at)] ?? 0);
      return sum / length;
    });
  }

  get lengthMs(): number {
    return this.steps.length * stepMs;
  }

  /** Where it is loud, ms; stretches of less silence than `pauseMs` between them are one. */
  stretches(pauseMs: number, threshold = 0.003): { readonly fromMs: number; readonly toMs: number }[] {
    const found: { fromMs: number; toMs: number }[] = [];
    this.steps.forEach((loud, step) => {
      if (loud < threshold) return;
      const last = found.at(-1);
      const [fromMs, toMs] = [step * stepMs, (step + 1) * stepMs];
      if (last !== undefined && fromMs - last.toMs < pauseMs) last.toMs = toMs;
      else found.push({ fromMs, toMs });
    });
    return found;
  }

  /** How much of that stretch is loud, ms. */
  loudMs(fromMs: number, toMs: number, threshold = 0.003): number {
    return this.steps.subarray(fromMs / stepMs, toMs / stepMs).filter((loud) => loud >= threshold).length * stepMs;
  }

  /** Where in this a piece of `other` lies best, ms, and how well: 1 is the same. */
  placeOf(other: Envelope, { fromMs }: { readonly fromMs: number }, lengthMs: number): { readonly atMs: number; readonly match: number } {
    const piece = other.steps.subarray(fromMs / stepMs, (fromMs + lengthMs) / stepMs);
    let best = { atMs: 0, match: -1 };
    for (let at = 0; at + piece.length <= this.steps.length; at += 1) {
      const match = correlation(piece, this.steps.subarray(at, at + piece.length));
      if (match > best.match) best = { atMs: at * stepMs, match };
    }
    return best;
  }
}

function correlation(a: Float64Array, b: Float64Array): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, powerA, powerB] = [0, 0, 0];
  for (let at = 0; at < a.length; at += 1) {
    const [x, y] = [(a[at] ?? 0) - meanA, (b[at] ?? 0) - meanB];
    both += x * y;
    powerA += x * x;
    powerB += y * y;
  }
  return both / Math.sqrt(powerA * powerB || 1);
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
