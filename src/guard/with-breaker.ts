import { Fault } from "../kernel/fault.ts";
import type { Link, LinkNotice, LinkReport, OpenRequest, Provider } from "../provider/contract.ts";
import type { Breaker, Trial } from "./breaker.ts";

/** A handshake is no success: a session has to live so long, or to answer a turn. */
const provenMs = 5_000;

/**
 * The same provider, refused at once while its breaker is open. Failed opens, mid-call losses and what the call gave up for a fault
 * (`signal.reason`: an unanswered turn) count against it, a caller's own hang-up never does.
 */
export function withBreaker(provider: Provider, breaker: Breaker): Provider {
  return {
    ...provider,
    admit: () => breaker.refusal() ?? provider.admit(),
    open: async (request) => {
      const trial = breaker.begin();
      try {
        const link = await provider.open({ ...request, report: observed(request.report, trial) });
        return watched(link, request, trial);
      } catch (error) {
        judge(trial, request.signal.aborted ? request.signal.reason : error);
        throw error;
      }
    },
  };
}

function observed(report: LinkReport, trial: Trial): LinkReport {
  return {
    audio: (bytes, turnId) => report.audio(bytes, turnId),
    notice(notice: LinkNotice) {
      if (notice.type === "agent.ended" && notice.outcome === "complete") trial.succeeded();
      if (notice.type === "link.lost") judge(trial, notice.fault);
      report.notice(notice);
    },
  };
}

function watched(link: Link, { clock, signal }: OpenRequest, trial: Trial): Link {
  const timer = clock.setTimeout(() => trial.succeeded(), provenMs);
  const over = (): void => clock.clearTimeout(timer);
  const givenUp = (): void => {
    over();
    judge(trial, signal.reason);
  };
  signal.addEventListener("abort", givenUp, { once: true });
  return {
    hear: (frame) => link.hear(frame),
    takeOver: (since, begin) => link.takeOver(since, begin),
    takeText: (text) => link.takeText(text),
    commitTurn: () => link.commitTurn(),
    interrupt: (heard) => link.interrupt(heard),
    answerTool: (result) => link.answerTool(result),
    close() {
      over();
      trial.abandoned();
      link.close();
    },
  };
}

/** A time that was over, a machine that was full and a caller who hung up say nothing of how well the provider is. */
function judge(trial: Trial, reason: unknown): void {
  const isAboutCall = reason instanceof Fault && (reason.code === "provider-expired" || reason.code === "provider-busy");
  const isHangUp = reason instanceof DOMException && reason.name === "AbortError";
  if (isAboutCall || isHangUp) trial.abandoned();
  else trial.failed();
}
