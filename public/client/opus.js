const rateHz = 24_000;
const frameMs = 20;
const bitsPerSecond = 32_000;
/** Browsers decode Opus at its own rate, whatever it was made from. */
export const decodedHz = 48_000;

const encoderConfig = { codec: "opus", sampleRate: rateHz, numberOfChannels: 1, bitrate: bitsPerSecond };
const decoderConfig = { codec: "opus", sampleRate: decodedHz, numberOfChannels: 1 };

/** Whether this browser encodes and decodes Opus itself. @returns {Promise<boolean>} */
export async function canOpus() {
  if (!("AudioEncoder" in globalThis) || !("AudioDecoder" in globalThis)) return false;
  try {
    const [up, down] = await Promise.all([AudioEncoder.isConfigSupported(encoderConfig), AudioDecoder.isConfigSupported(decoderConfig)]);
    return up.supported === true && down.supported === true;
  } catch {
    return false;
  }
}

/** Frames of 20 ms in pcm16 at 24 kHz to packets, in order, one for each. */
export class OpusEncoder {
  #encoder;
  #frames = 0;

  /** @param {(packet: ArrayBuffer) => void} packet */
  constructor(packet) {
    this.#encoder = new AudioEncoder({
      output: (chunk) => {
        const bytes = new ArrayBuffer(chunk.byteLength);
        chunk.copyTo(bytes);
        packet(bytes);
      },
      error: (error) => console.error("Opus cannot be encoded", error),
    });
    this.#encoder.configure(encoderConfig);
  }

  /** @param {ArrayBuffer} frame */
  encode(frame) {
    if (this.#encoder.state !== "configured") return;
    const numberOfFrames = frame.byteLength / 2;
    const timestamp = this.#frames * frameMs * 1_000;
    this.#frames += 1;
    const audio = new AudioData({ format: "s16", sampleRate: rateHz, numberOfFrames, numberOfChannels: 1, timestamp, data: frame });
    this.#encoder.encode(audio);
    audio.close();
  }

  close() {
    if (this.#encoder.state !== "closed") this.#encoder.close();
  }
}

/** Packets to samples at 48 kHz, each still with what it was handed in with. A flush forgets what is being decoded. */
export class OpusDecoder {
  #decoder;
  #packets = 0;
  /** By the time stamp of the packet. @type {Map<number, string>} */
  #turns = new Map();

  /** @param {(samples: Float32Array<ArrayBuffer>, turnId: string) => void} decoded */
  constructor(decoded) {
    this.#decoder = new AudioDecoder({
      output: (audio) => {
        const turnId = this.#turns.get(audio.timestamp);
        this.#turns.delete(audio.timestamp);
        const samples = new Float32Array(audio.numberOfFrames);
        audio.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
        audio.close();
        if (turnId !== undefined) decoded(samples, turnId);
      },
      error: (error) => console.error("Opus cannot be decoded", error),
    });
    this.#decoder.configure(decoderConfig);
  }

  /**
   * @param {ArrayBuffer} packet
   * @param {string} turnId
   */
  decode(packet, turnId) {
    if (this.#decoder.state !== "configured") return;
    const timestamp = this.#packets * frameMs * 1_000;
    this.#packets += 1;
    this.#turns.set(timestamp, turnId);
    this.#decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, duration: frameMs * 1_000, data: packet }));
  }

  flush() {
    this.#turns.clear();
  }

  close() {
    if (this.#decoder.state !== "closed") this.#decoder.close();
  }
}
