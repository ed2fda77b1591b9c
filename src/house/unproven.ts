import type { Handler, Route } from "../http/answer.ts";
import { Fault } from "../kernel/fault.ts";

/** The same routes; `told` hears of each request in a carrier's name that was not known to be its. */
export function tellUnproven(routes: readonly Route[], told: (address: string) => void): readonly Route[] {
  const watched =
    (handler: Handler): Handler =>
    async (asked, response) => {
      try {
        await handler(asked, response);
      } catch (error) {
        if (error instanceof Fault && error.code === "caller-refused") told(asked.peer.address);
        throw error;
      }
    };
  return routes.map((route) => ({
    ...route,
    answers: Object.fromEntries(Object.entries(route.answers).map(([method, handler]) => [method, watched(handler)])),
  }));
}
