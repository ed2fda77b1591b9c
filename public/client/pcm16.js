/**
 * Signed 16-bit little-endian bytes from samples of -1 to 1; what is louder is clipped.
 * @param {Float32Array} samples
 * @returns {ArrayBuffer}
 */
export function toPcm16(samples) {
  const bytes = new ArrayBuffer(samples.length * 2);
  const view = new DataView(bytes);
  for (let i = 0; i < samples.length; i += 1) {
    const clipped = Math.max(-1, Math.min(1, samples[i] ?? 0));
    view.setInt16(i * 2, Math.round(clipped < 0 ? clipped * 0x8000 : clipped * 0x7fff), true);
  }
  return bytes;
}

/**
 * Samples of -1 to 1 from signed 16-bit little-endian bytes; an odd last byte is left out.
 * @param {ArrayBuffer} bytes
 */
export function fromPcm16(bytes) {
  const view = new DataView(bytes);
  const samples = new Float32Array(bytes.byteLength >> 1);
  for (let i = 0; i < samples.length; i += 1) samples[i] = view.getInt16(i * 2, true) / 0x8000;
  return samples;
}

/**
 * Root mean square of a piece of audio, 0 to 1.
 * @param {Float32Array} samples
 */
export function loudness(samples) {
  if (samples.length === 0) return 0;
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length);
}
