import type { Random } from "../../kernel/random.ts";
import { isObject } from "../shape.ts";
import type { Json } from "./json.ts";

/** Messages of one instant as frames: one each, or on families that bundle, at random, all that go together in one. */
export function framed(messages: readonly Json[], bundles: boolean, random: Random): readonly Json[] {
  if (!bundles || messages.length < 2 || random.next() < 0.4) return messages;
  const frames: Record<string, unknown>[] = [];
  for (const message of messages) {
    const last = frames.at(-1);
    if (last === undefined || !joins(last, message)) frames.push({ ...message });
  }
  return frames;
}

/** Adds `message` to `frame` unless both say the same thing. */
function joins(frame: Record<string, unknown>, message: Json): boolean {
  const { serverContent: added, ...others } = message;
  const content = frame["serverContent"];
  if (isObject(added) && isObject(content) && Object.keys(added).some((key) => Object.hasOwn(content, key))) return false;
  if (Object.keys(others).some((key) => Object.hasOwn(frame, key))) return false;
  Object.assign(frame, others);
  if (isObject(added)) frame["serverContent"] = { ...(isObject(content) ? content : {}), ...added };
  return true;
}
