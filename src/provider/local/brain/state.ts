/** A value that the caller gave for a slot. */
interface Filled {
  readonly value: string | number;
  /** Read back and agreed to, or not in need of it. */
  readonly checked: boolean;
}

export type Values = Readonly<Record<string, Filled>>;

/** What the agent's last words, as far as they were heard, asked of the caller. */
export type Asked =
  | { readonly type: "slot"; readonly slot: string }
  /** The read-back of the value that is not checked yet. */
  | { readonly type: "check" }
  /** Whether to go through with the task. */
  | { readonly type: "agree" }
  | { readonly type: "change" }
  | { readonly type: "more" };

/** What the last caller turn or tool result calls for; the reply is made of these and of the next open question. */
export type Act =
  | { readonly type: "answer"; readonly intent: string; readonly day: string | undefined }
  | { readonly type: "begin"; readonly intent: string }
  | { readonly type: "noted"; readonly slots: readonly string[] }
  /** The caller changed a value that was right before. */
  | { readonly type: "changed" }
  /** We had it wrong. */
  | { readonly type: "corrected" }
  | { readonly type: "outside"; readonly slot: string }
  | { readonly type: "closed"; readonly day: string }
  | { readonly type: "past" }
  | { readonly type: "missed" }
  | { readonly type: "unheard" }
  | { readonly type: "declined" }
  | { readonly type: "dropped"; readonly intent: string | undefined }
  | { readonly type: "invite" }
  | { readonly type: "working" }
  | {
      readonly type: "sum";
      readonly intent: string;
      readonly spoken: string;
      readonly result: number | undefined;
    }
  | { readonly type: "spell"; readonly intent: string; readonly what: string }
  | { readonly type: "heard"; readonly intent: string; readonly text: string | undefined }
  | { readonly type: "echo"; readonly intent: string; readonly text: string | undefined }
  | { readonly type: "status"; readonly intent: string }
  | { readonly type: "human"; readonly intent: string | undefined; readonly reason: string }
  | { readonly type: "crisis"; readonly index: number }
  | { readonly type: "goodbye"; readonly intent: string | undefined }
  | { readonly type: "other-language" }
  | {
      readonly type: "done";
      readonly intent: string;
      readonly values: Values;
      readonly result: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "problem"; readonly text: string }
  | { readonly type: "failed" }
  | { readonly type: "transferred" }
  /** The call ends: nothing more is to be said. */
  | { readonly type: "over" }
  | {
      readonly type: "reported";
      readonly intent: string;
      readonly result: Readonly<Record<string, unknown>>;
    };

export interface Call {
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

/**
 * All that the receptionist knows in a call. It is nothing but the conversation read from its beginning, item by item:
 * whoever opens a mind with the same conversation gets the same state, and no other memory exists.
 */
export interface State {
  readonly form: { readonly intent: string; readonly agreed: boolean } | undefined;
  readonly values: Values;
  /** A number of which only the beginning was said. */
  readonly partial: { readonly slot: string; readonly digits: string } | undefined;
  readonly asked: Asked | undefined;
  /** Caller turns in a row that brought nothing. */
  readonly misses: number;
  readonly acts: readonly Act[];
  /** The caller wants the last reply again. */
  readonly again: { readonly intent: string } | undefined;
  /** Tool calls without a result yet, by id. */
  readonly pending: Readonly<Record<string, Call>>;
  /** The caller's last words. */
  readonly heard: string | undefined;
  /** The agent's last words, as far as they were heard. */
  readonly said: { readonly text: string; readonly cut: boolean } | undefined;
}

export const blankState: State = {
  form: undefined,
  values: {},
  partial: undefined,
  asked: undefined,
  misses: 0,
  acts: [],
  again: undefined,
  pending: {},
  heard: undefined,
  said: undefined,
};

/** `values` without some of them. */
export function without(values: Values, slots: readonly string[]): Values {
  return Object.fromEntries(Object.entries(values).filter(([slot]) => !slots.includes(slot)));
}
