// Gemini's Live service, lean: PCM of 24 kHz in frames of 20 ms in real time, answer after answer, with the messages around them.
import { seededRandom } from "../../../src/kernel/random.ts";
import type { Books } from "./books.ts";
import { WireServer } from "./ends.ts";
import type { Beats } from "./pulse.ts";
import { acceptAfterMs } from "./service.ts";
import type { WireSocket } from "./wire.ts";

const frameMs = 20;
const answerFrames = 300;
const pauseFrames = 15;
const audioKey = Buffer.from('"data":"');
/** Where the audio's key stands at the latest. */
const headChars = 80;
const base64CharsPerMs = (16_000 * 2 * 4) / 3 / 1_000;

/** 20 ms of a voice-like sum of tones; the same for all, for nobody looks into it. */
const tones = [220, 660, 1_540, 2_860];
const frame = Buffer.from(
  Int16Array.from({ length: 480 }, (_, n) => tones.reduce((sum, hz) => sum + 4_000 * Math.sin((2 * Math.PI * hz * n) / 24_000), 0)).buffer,
).toString("base64");
const audio = `{"serverContent":{"modelTurn":{"role":"model","parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"${frame}"}}]}}}`;

/** Listens on a free port of this machine; talks to callers until it is disposed of. */
export const geminiService = (books: Books, beats: Beats): Promise<WireServer> =>
  WireServer.listen(acceptAfterMs, (socket) => void new Session(socket, books, beats));

let sessions = 0;

class Session {
  readonly #socket: WireSocket;
  readonly #books: Books;
  readonly #beats: Beats;
  #seat: Disposable | undefined;
  /** Frames of the answer, then of the pause after it. The first answer of each call is of any length, as OpenAI's is there. */
  #framesLeft = 0;

  constructor(socket: WireSocket, books: Books, beats: Beats) {
    [this.#socket, this.#books, this.#beats] = [socket, books, beats];
    socket.onText = (message) => this.#take(message);
    socket.onClose = () => this.#seat?.[Symbol.dispose]();
  }

  #take(message: Buffer): void {
    const key = message.indexOf(audioKey);
    if (key >= 0 && key < headChars) {
      const from = key + audioKey.length;
      this.#books.plain.cameUpMs += (message.indexOf(0x22, from) - from) / base64CharsPerMs;
    } else if (message.toString("latin1", 0, 10).startsWith('{"setup"')) {
      sessions += 1;
      this.#say({ setupComplete: { sessionId: `session-${sessions}` } });
    } else {
      // Whatever else it is told asks it to speak; an answer that came before would be cut short by that.
      this.#seat ??= this.#begin();
    }
  }

  #begin(): Disposable {
    this.#framesLeft = 1 + Math.floor(seededRandom(sessions).next() * answerFrames);
    return this.#beats.join(sessions, () => this.#beat());
  }

  #beat(): void {
    this.#framesLeft -= 1;
    if (this.#framesLeft >= 0) {
      this.#books.plain.sentDownMs += frameMs;
      this.#socket.sendBinary(audio);
    }
    if (this.#framesLeft === 0) this.#end();
    if (this.#framesLeft <= -pauseFrames) this.#framesLeft = answerFrames;
  }

  #end(): void {
    this.#say({ serverContent: { outputTranscription: { text: "This is an answer of the length that answers have." } } });
    this.#say({ serverContent: { generationComplete: true } });
    const details = (tokenCount: number): readonly object[] => [{ modality: "AUDIO", tokenCount }];
    this.#say({
      serverContent: { turnComplete: true },
      usageMetadata: {
        promptTokenCount: 700,
        responseTokenCount: 200,
        totalTokenCount: 900,
        promptTokensDetails: details(600),
        responseTokensDetails: details(150),
      },
    });
    this.#say({ sessionResumptionUpdate: { newHandle: "handle", resumable: true } });
  }

  #say(message: object): void {
    this.#socket.sendBinary(JSON.stringify(message));
  }
}
