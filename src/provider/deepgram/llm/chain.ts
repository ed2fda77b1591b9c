import { Fault, toFault } from "../../../kernel/fault.ts";
import type { StageGuards, Thinker, ThinkPart } from "../stages.ts";

/**
 * Asks the first thinker that is not shut; when it fails before the first part of its answer, the next one, with the same
 * conversation. After the first part nobody else is asked: the caller would hear two answers.
 */
export function chain(thinkers: readonly Thinker[], guards: StageGuards): Thinker {
  return {
    name: "chain",
    async *think(request, signal) {
      const failed: { readonly thinker: string; readonly fault: Fault }[] = [];
      for (const thinker of thinkers) {
        if (signal.aborted) return;
        const { name } = thinker;
        const guard = guards(name);
        const isTried = guard.open;
        const parts = thinker.think(request, signal)[Symbol.asyncIterator]();
        const first = await begin(() => guard.run(() => harmless(parts.next()), signal), name);
        if (signal.aborted) {
          await parts.return?.();
          return;
        }
        if (first instanceof Fault) {
          // One that is left alone was told of when it was shut.
          if (isTried) request.log.warning("stage_fell_back", { stage: "llm", from: name, code: first.code, message: first.message });
          failed.push({ thinker: name, fault: first });
          continue;
        }
        if (failed.length > 0) request.log.info("stage_stood_in", { stage: "llm", service: name, for: failed.map((one) => one.thinker) });
        yield* rest(first, parts, () => {
          if (!signal.aborted) guard.failed();
        });
        return;
      }
      throw allFailed(failed);
    },
  };
}

async function begin(run: () => Promise<First>, name: string): Promise<First> {
  try {
    return await run();
  } catch (error) {
    return toFault(error, "internal", `asking ${name}`);
  }
}

/** The first part, or why there is none. */
type First = IteratorResult<ThinkPart> | Fault;

/** A refusal of this one conversation (a filter, a bad tool schema) says nothing against the service, so it does not count. */
async function harmless(next: Promise<IteratorResult<ThinkPart>>): Promise<First> {
  try {
    return await next;
  } catch (error) {
    if (error instanceof Fault && error.code === "provider-refused") return error;
    throw error;
  }
}

async function* rest(first: IteratorResult<ThinkPart>, parts: AsyncIterator<ThinkPart>, failed: () => void): AsyncGenerator<ThinkPart> {
  let isOver = false;
  try {
    for (let part = first; ; part = await parts.next()) {
      isOver = part.done === true;
      if (part.done === true) return;
      yield part.value;
    }
  } catch (error) {
    isOver = true;
    failed();
    throw error;
  } finally {
    if (!isOver) await parts.return?.();
  }
}

/** What can pass by itself counts for more than what somebody has to mend: then it is worth while to try again. */
function allFailed(failed: readonly { readonly thinker: string; readonly fault: Fault }[]): Fault {
  const [first] = failed;
  if (first === undefined) return new Fault("provider-key", "asking a language model: there is a key for none");
  const { fault } = failed.find((one) => one.fault.row.remedy === "retry") ?? first;
  const waits = failed.flatMap((one) => one.fault.retryAfterMs ?? []);
  return new Fault(
    fault.code,
    `no language model answered: ${failed.map((one) => one.fault.message).join("; ")}`,
    waits.length === failed.length ? { retryAfterMs: Math.min(...waits) } : undefined,
  );
}
