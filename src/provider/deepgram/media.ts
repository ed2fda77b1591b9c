import { encodings, type Encoding } from "../../audio/encodings.ts";

const codecs = { pcm16: "linear16", pcmu: "mulaw", pcma: "alaw" } as const;

/** An encoding as Deepgram's queries name it. */
export const mediaOf = (encoding: Encoding): { readonly encoding: "linear16" | "mulaw" | "alaw"; readonly rateHz: number } => ({
  encoding: codecs[encodings[encoding].codec],
  rateHz: encodings[encoding].rateHz,
});
