import { fromCallback, type EventObject } from "xstate";
import type { LinkInput } from "./context.ts";
import { LinkSeat } from "./link-seat.ts";

/** The actor behind the chart's `linked`: a link exactly as long as the state. */
export const providerLink = fromCallback<EventObject, LinkInput>(({ input }) => {
  const { call, provider, attempt } = input;
  const seat = new LinkSeat(call, call.provider(provider), attempt);
  return () => seat[Symbol.dispose]();
});
