// A caller as Twilio's Media Streams brings it: speaks all the time, plays what comes in real time, gives marks back when they are reached.
import type { CallBook, Books } from "./books.ts";
import { connect } from "./ends.ts";
import { frameText, readFrames } from "./frames.ts";
import type { Beats } from "./pulse.ts";
import type { WireSocket } from "./wire.ts";

const frameMs = 20;
const base64CharsPerMs = (8 * 4) / 3;
const payloadKey = Buffer.from('"payload":"');
const mediaEvent = Buffer.from('"event":"media"');
/** Where the event's name stands at the latest. */
const headChars = 40;

type Parameters = Readonly<Record<string, string>>;

/** Who is called. */
interface Callee {
  readonly url: string;
  /** Whether frames come through as they are. */
  readonly passesThrough: boolean;
  parametersOf(callSid: string): Promise<Parameters>;
}

export class Phone {
  readonly #book: CallBook;
  readonly #books: Books;
  readonly #socket: WireSocket;
  readonly #sid: string;
  readonly #passesThrough: boolean;
  readonly #seat: Disposable;
  /** When all that came will have been played. */
  #playsUntilMs = 0;
  #marks: { readonly name: string; readonly atMs: number }[] = [];
  #sequence = 1;
  /** It ended without us. */
  lost = false;

  static async call(subject: Callee, book: CallBook, books: Books, beats: Beats): Promise<Phone> {
    const sid = String(book.number).padStart(32, "0");
    const customParameters = await subject.parametersOf(`CA${sid}`);
    return new Phone(await connect(subject.url), subject, sid, customParameters, book, books, beats);
  }

  private constructor(
    socket: WireSocket,
    { passesThrough }: Callee,
    sid: string,
    customParameters: Parameters,
    book: CallBook,
    books: Books,
    beats: Beats,
  ) {
    [this.#socket, this.#passesThrough, this.#book, this.#books] = [socket, passesThrough, book, books];
    this.#sid = `MZ${sid}`;
    socket.onText = (message) => this.#heard(message);
    socket.onClose = () => {
      this.lost = true;
      this.#seat[Symbol.dispose]();
    };
    socket.send('{"event":"connected","protocol":"Call","version":"1.0.0"}');
    const start = {
      accountSid: `AC${"0".repeat(32)}`,
      streamSid: this.#sid,
      callSid: `CA${sid}`,
      tracks: ["inbound"],
      mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8_000, channels: 1 },
      customParameters,
    };
    socket.send(JSON.stringify({ event: "start", sequenceNumber: "1", start, streamSid: this.#sid }));
    this.#seat = beats.join(book.number, (nowMs) => this.#beat(nowMs));
  }

  /** As one who hangs up: a line that is only gone might come back, and is waited for. */
  leave(): void {
    this.#sequence += 1;
    this.#socket.send(JSON.stringify({ event: "stop", sequenceNumber: String(this.#sequence), streamSid: this.#sid }));
    this.hangUp();
  }

  hangUp(): void {
    this.#seat[Symbol.dispose]();
    this.#socket.onClose = () => {};
    this.#socket.destroy();
  }

  #beat(nowMs: number): void {
    const index = this.#book.up.next(nowMs);
    this.#books.plain.sentUpMs += frameMs;
    this.#sequence += 1;
    const media = `{"track":"inbound","chunk":"${index + 1}","timestamp":"${index * frameMs}","payload":"${frameText(this.#book.number, index)}"}`;
    this.#socket.send(`{"event":"media","sequenceNumber":"${this.#sequence}","media":${media},"streamSid":"${this.#sid}"}`);
    while (this.#marks[0] !== undefined && this.#marks[0].atMs <= nowMs) this.#giveBack(this.#marks.shift()?.name ?? "");
  }

  #heard(message: Buffer): void {
    const nowMs = performance.now();
    const event = message.indexOf(mediaEvent);
    if (event >= 0 && event < headChars) return this.#play(message, nowMs);
    const wire = JSON.parse(message.toString("latin1")) as { event: string; mark?: { name: string } }; // Of the subject we started.
    if (wire.event === "mark") this.#marks.push({ name: wire.mark?.name ?? "", atMs: Math.max(this.#playsUntilMs, nowMs) });
    else if (wire.event === "clear") this.#clear(nowMs);
  }

  #play(message: Buffer, nowMs: number): void {
    const from = message.indexOf(payloadKey) + payloadKey.length;
    if (!this.#passesThrough) {
      this.#books.plain.cameDownMs += (message.indexOf(0x22, from) - from) / base64CharsPerMs;
      return;
    }
    readFrames(message, from, ({ call, index, whole }) => {
      const book = this.#book;
      book.down.arrived(index, whole && call === book.number, nowMs);
      this.#playsUntilMs = Math.max(this.#playsUntilMs, nowMs) + frameMs;
      if (index < book.freshFrom) this.#books.staleFrames += 1;
    });
  }

  /** Empties the playback: the marks in it come back at once. */
  #clear(nowMs: number): void {
    const book = this.#book;
    if (book.spokeOverAtMs !== undefined) {
      this.#books.clears.add(nowMs - book.spokeOverAtMs);
      book.spokeOverAtMs = undefined;
      book.freshFrom = book.down.sent;
      book.heardMs = (book.down.reached - book.answerFrom) * frameMs - Math.max(0, this.#playsUntilMs - nowMs);
    }
    this.#playsUntilMs = 0;
    for (const { name } of this.#marks.splice(0)) this.#giveBack(name);
  }

  #giveBack(name: string): void {
    this.#sequence += 1;
    this.#socket.send(JSON.stringify({ event: "mark", sequenceNumber: String(this.#sequence), mark: { name }, streamSid: this.#sid }));
  }
}
