import { createHash } from "node:crypto";

/** As many calls as live at once on a large node. */
const mostKept = 10_000;
const kept = new Map<string, string>();

/**
 * The trace of a call: 32 hexadecimal digits that follow from its id, so that whoever knows the call, in whatever process, writes the
 * same one, whether or not traces are sent anywhere.
 */
export function traceIdOf(callId: string): string {
  const known = kept.get(callId);
  if (known !== undefined) return known;
  if (kept.size >= mostKept) kept.clear();
  const made = createHash("sha256").update(callId).digest("hex").slice(0, 32);
  kept.set(callId, made);
  return made;
}
