import llamaTokenizer from "llama-tokenizer-js";
import type { InferenceSession, OnnxValue } from "onnxruntime-web/wasm";
import { withoutLoop } from "./loops.ts";
import type { Runtime } from "./runtime.ts";

/** Moonshine, English, quantized: shapes as the model files declare them. */
export const weightSizes = {
  tiny: { layers: 6, heads: 8, headSize: 36 },
  base: { layers: 8, heads: 8, headSize: 52 },
} as const;

export type Weights = keyof typeof weightSizes;

/** Silence put around the samples before they are heard, ms. */
export interface Padding {
  readonly beforeMs: number;
  readonly afterMs: number;
}

export interface Hearing {
  /** At 16 kHz. */
  readonly samples: Int16Array;
  /** How much of it voice activity detection took for speech, ms. */
  readonly voicedMs: number;
}

const rateHz = 16_000;
const startToken = 1;
const endToken = 2;
/** Nobody says more; beyond it the model is talking to itself. */
const tokensPerSecond = 6.5;
/** The encoder has no frame to give for less. */
const shortestSamples = 2_000;
/** With this much voice an empty answer is wrong more often than right; with less, words forced out of it would be made up. */
const surelySpokenMs = 300;

/** A recogniser with its weights loaded. One decode at a time. */
export class Moonshine {
  readonly #runtime: Runtime;
  readonly #encoder: InferenceSession;
  readonly #decoder: InferenceSession;
  readonly #size: (typeof weightSizes)[Weights];
  readonly #padding: Padding;

  private constructor(runtime: Runtime, encoder: InferenceSession, decoder: InferenceSession, weights: Weights, padding: Padding) {
    this.#runtime = runtime;
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#size = weightSizes[weights];
    this.#padding = padding;
  }

  static async load(
    runtime: Runtime,
    weights: Weights,
    files: { readonly encoder: string; readonly decoder: string },
    padding: Padding,
  ): Promise<Moonshine> {
    const [encoder, decoder] = await Promise.all([runtime.load(files.encoder), runtime.load(files.decoder)]);
    return new Moonshine(runtime, encoder, decoder, weights, padding);
  }

  /** The words heard, as written text; empty when there were none. Undefined when `stop` said so between two tokens. */
  async transcribe(hearing: Hearing, stop: () => boolean): Promise<string | undefined> {
    const encoded = await this.#encode(hearing.samples);
    const seconds = hearing.samples.length / rateHz;
    const limit = Math.ceil(seconds * tokensPerSecond) + 2;
    const tokens = await this.#decode(encoded, { seconds, limit, mayEnd: "any time", stop });
    const text = tokens && textOf(tokens);
    if (text !== "" || hearing.voicedMs < surelySpokenMs) return text;
    // Digit strings and call signs by telephone are at times answered with nothing at all: the worst error there is, so ask again.
    const retried = await this.#decode(encoded, {
      seconds,
      limit,
      mayEnd: "after the first token",
      stop,
    });
    return retried && textOf(retried);
  }

  /**
   * The same work each time, whatever the machine: `seconds` of audio and five tokens for each, as in brisk speech. Returns its
   * processor time, ms per second of audio.
   */
  async warmUp(seconds: number): Promise<number> {
    const hiss = Int16Array.from({ length: seconds * rateHz }, (_, at) => ((at * 7_919) % 401) - 200);
    const began = process.cpuUsage();
    await this.#decode(await this.#encode(hiss), {
      seconds,
      limit: 5 * seconds,
      mayEnd: "never",
      stop: () => false,
    });
    const used = process.cpuUsage(began);
    return (used.user + used.system) / 1000 / seconds;
  }

  async #encode(samples: Int16Array): Promise<OnnxValue> {
    const before = (this.#padding.beforeMs * rateHz) / 1000;
    const after = (this.#padding.afterMs * rateHz) / 1000;
    const input = new Float32Array(Math.max(before + samples.length + after, shortestSamples));
    for (let at = 0; at < samples.length; at += 1) input[before + at] = samples[at]! / 32_768;
    const outputs = await this.#encoder.run({
      input_values: new this.#runtime.Tensor("float32", input, [1, input.length]),
    });
    return outputOf(outputs, "last_hidden_state");
  }

  /** Greedy, so that the same audio gives the same words. */
  async #decode(encoded: OnnxValue, how: DecodeOptions): Promise<number[] | undefined> {
    const { Tensor } = this.#runtime;
    const feeds: Record<string, OnnxValue> = {
      encoder_hidden_states: encoded,
      ...this.#emptyCache(),
    };
    const tokens: number[] = [];
    let last = startToken;
    for (let step = 0; step < how.limit; step += 1) {
      if (how.stop()) return undefined;
      feeds["input_ids"] = new Tensor("int64", BigInt64Array.of(BigInt(last)), [1, 1]);
      feeds["use_cache_branch"] = new Tensor("bool", [step > 0], [1]);
      const outputs = await this.#decoder.run(feeds);
      for (const name of Object.keys(outputs)) {
        // The encoder's half of the cache is made by the first step and stays.
        if (name.startsWith("present.") && (step === 0 || name.includes(".decoder.")))
          feeds[name.replace("present", "past_key_values")] = outputOf(outputs, name);
      }
      last = likeliest(outputOf(outputs, "logits"), how.mayEnd === "any time" || (how.mayEnd === "after the first token" && step > 0));
      if (last === endToken) break;
      tokens.push(last);
      const kept = withoutLoop(tokens, how.seconds);
      if (kept !== tokens) return kept;
    }
    return tokens;
  }

  #emptyCache(): Record<string, OnnxValue> {
    const { layers, heads, headSize } = this.#size;
    const empty = new this.#runtime.Tensor("float32", new Float32Array(0), [0, heads, 1, headSize]);
    const cache: Record<string, OnnxValue> = {};
    for (let layer = 0; layer < layers; layer += 1)
      for (const part of ["decoder.key", "decoder.value", "encoder.key", "encoder.value"])
        cache[`past_key_values.${layer}.${part}`] = empty;
    return cache;
  }
}

interface DecodeOptions {
  /** Length of the audio. */
  readonly seconds: number;
  /** Most tokens to make. */
  readonly limit: number;
  readonly mayEnd: "any time" | "after the first token" | "never";
  readonly stop: () => boolean;
}

function outputOf(outputs: InferenceSession.OnnxValueMapType, name: string): OnnxValue {
  const value = outputs[name];
  if (value === undefined) throw new Error(`the model gave no ${name}: these are not Moonshine's files`);
  return value;
}

function likeliest(logits: OnnxValue, mayEnd: boolean): number {
  // The model file declares its logits as float32.
  const scores = logits.data as Float32Array;
  let best = startToken;
  for (let token = 0; token < scores.length; token += 1) if (scores[token]! > scores[best]! && (mayEnd || token !== endToken)) best = token;
  return best;
}

/** The vocabulary is Llama's; the model has more ids than it, which mean nothing. */
function textOf(tokens: readonly number[]): string {
  const known = tokens.filter((token) => token < llamaTokenizer.vocabById.length);
  return llamaTokenizer.decode(known, false, false).trim();
}
