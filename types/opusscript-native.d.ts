/** libopus as the package brings it, compiled to WebAssembly. */
declare module "opusscript/build/opusscript_native_wasm.js" {
  interface Handler {
    /** Lengths in bytes; `frameSize` in samples. The result is a length, or an error below zero. */
    _encode(audioIn: number, bytes: number, packetOut: number, frameSize: number): number;
    /** The result is a number of samples, or an error below zero. */
    _decode(packetIn: number, bytes: number, audioOut: number): number;
    _encoder_ctl(control: number, value: number): number;
  }
  interface Native {
    /** Views of its memory; new ones when it has grown. */
    readonly HEAPU8: Uint8Array;
    readonly HEAPU16: Uint16Array;
    readonly OpusScriptHandler: {
      new (rateHz: number, channels: number, application: number): Handler;
      destroy_handler(handler: Handler): void;
    };
    _malloc(bytes: number): number;
  }
  export default function open(): Native;
}
