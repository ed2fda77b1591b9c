import type { Encoding } from "../../audio/encodings.ts";
import type { Speaker } from "./speaker.ts";

/** What a fake of one dialect's far end can be asked to do, and what is known of the wire that it speaks. */
export interface FakeDialect {
  readonly dialect: string;
  /** How much audio the real one puts into a message, ms. */
  readonly frameMs: number;
  /** Its audio carries time stamps, so that a gap can be seen. */
  readonly clocked: boolean;
  /** The real one sends audio only once its start was answered. */
  readonly waitsForAnswer: boolean;
  /** It says who it is in a message that comes once; else whatever comes first begins the call. */
  readonly announced: boolean;
  /** Its connection ends with a code that says why. */
  readonly closeCodes: boolean;
  /** How it is asked to send the caller on: in words of the wire, or beside it. */
  readonly transfer: "in-band" | "beside" | "none";
  /** Messages that no such peer sends; three of a kind end any call. */
  readonly malformed: Readonly<Record<string, string | Uint8Array>>;
  /** @param url of the server, such as "ws://127.0.0.1:8080"; rejects when it refuses the upgrade. */
  connect(url: string): Promise<FakeCaller>;
}

/**
 * The far end of one connection: says what the real peer says in the real order, plays what it is sent, and writes down what the real
 * one would have refused. Time passes when it is told.
 */
export interface FakeCaller {
  /** How it speaks, and how it wants to be spoken to. */
  readonly uplink: Encoding;
  readonly downlink: Encoding;
  /** What the real peer would have refused, thrown away or not understood, in words. */
  readonly violations: readonly string[];
  readonly speaker: Speaker;
  /** Digits that came from the server. */
  readonly digitsHeard: string;
  /** Where the server sent the caller, in words of the wire. */
  readonly sentTo: readonly string[];
  /** How the connection ended. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;

  /** Says everything that comes before audio, once and once more if asked again; resolves when audio may flow. */
  start(): Promise<void>;
  /** One message with this audio, whole samples of `uplink`, at the present time of the caller's clock. */
  speak(audio: Uint8Array): void;
  /** The caller's clock runs on, and the audio of that time got lost on its way to the carrier. */
  loseAudio(ms: number): void;
  press(digit: string): void;
  /** The loudspeaker plays on for so long; what the real peer tells of that is told. */
  play(ms: number): void;
  /** Tells what came of the last transfer, in words of the wire. */
  answerTransfer(worked: boolean): void;
  /** As the real one does when the caller hangs up. */
  hangUp(): void;
  /** Closes the socket without the words that belong to a hang-up. */
  close(code: number): void;
  /** The network is gone: no close, no goodbye. */
  vanish(): void;
  /** These bytes as a message, whatever they are. */
  raw(message: string | Uint8Array): void;
  /** Reads no more. */
  stall(): void;
}
