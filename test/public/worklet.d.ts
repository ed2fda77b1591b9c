/** The global scope of an audio worklet, which the DOM library leaves out. */
declare const sampleRate: number;
/** Of the first sample of the block that is being processed. */
declare const currentFrame: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(
  name: string,
  processor: new (options: { processorOptions: { rateHz: number } }) => AudioWorkletProcessor,
): void;
