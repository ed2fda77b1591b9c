import type { IncomingMessage } from "node:http";
import type { ToldItem } from "../panel.ts";
import type { LlmAnswer, RefusalKind } from "./script.ts";

export interface LlmRefusal {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request as its wire understood it. */
export interface LlmAsked {
  readonly model: string;
  readonly instructions: string;
  readonly history: readonly ToldItem[];
  readonly toolNames: readonly string[];
}

/** A complaint that the real service would answer with 400, in its words; or, with a `kind`, as that kind. */
export interface LlmComplaint {
  readonly complaint: string;
  readonly kind?: RefusalKind;
}

/** A frame to write, or the place where an answer stands still. */
export type LlmFrame = { readonly sse: string } | "hold";

/** One service's way of streaming an answer over HTTP. Strict about what comes in. */
export interface LlmWire {
  readonly key: string;
  /** Looks at method, path and headers; undefined lets the request in. */
  readonly admit: (request: IncomingMessage, url: URL) => RefusalKind | "no-route" | undefined;
  readonly read: (body: unknown, request: IncomingMessage, url: URL) => LlmAsked | LlmComplaint;
  readonly frames: (answer: LlmAnswer, asked: LlmAsked) => Iterable<LlmFrame>;
  readonly refusal: (kind: RefusalKind | "no-route", words: string | undefined) => LlmRefusal;
  /** The same trouble as an object within the stream. */
  readonly failure: (kind: RefusalKind) => string;
  /** A frame of a kind that nobody knows yet. */
  readonly unknownFrame: string;
  /** Server messages in order, to be broken; and how one is framed. */
  readonly samples: readonly Sample[];
  readonly frame: (message: string) => string;
  readonly typeKey: string | undefined;
}

type Sample = { readonly [key: string]: SampleValue };
type SampleValue = null | boolean | number | string | readonly SampleValue[] | Sample;

export const refusalWords: Readonly<Record<RefusalKind | "no-route", string>> = {
  key: "The API key is not known.",
  forbidden: "The key has no permission for this model.",
  model: "The model does not exist.",
  quota: "You exceeded your current quota, check your plan and billing details.",
  limited: "Rate limit reached.",
  overloaded: "The model is overloaded.",
  invalid: "The request is invalid.",
  filtered: "The prompt was filtered.",
  broken: "Internal error.",
  "too-long": "The request is too large.",
  "no-route": "There is no such route.",
};
