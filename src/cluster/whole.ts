import type { ServerResponse } from "node:http";
import type { GuardView } from "../guard/view.ts";
import { answerJson, type Asked, type Handler, type Method, type Route } from "../http/answer.ts";
import type { Log } from "../kernel/log.ts";
import type { CallNames } from "./directory.ts";
import { handOn, hear } from "./own-door.ts";

/** The processes of a machine, as one of them sees them. */
export interface Machine {
  /** The own doors of all, this one's among them. */
  readonly doors: readonly string[];
  /** The door of the process that has that call; undefined: none other has. */
  readonly doorOf: (names: CallNames) => string | undefined;
  /** Nobody on this machine is to take a new call. */
  readonly drainOthers: () => void;
  readonly log: Log;
}

const samplesPath = "/own/samples";

/** What each process that answers says; who is being started again says nothing. */
async function hearAll<T>({ doors, log }: Machine, path: string): Promise<readonly { readonly status: number; readonly said: T }[]> {
  const heard = await Promise.allSettled(
    doors.map(async (door) => {
      const { status, body } = await hear(door, path);
      return { status, said: JSON.parse(body) as T }; // From the same program, by the same route.
    }),
  );
  for (const each of heard) if (each.status === "rejected") log.warning("process_not_heard", { path, err: each.reason });
  return heard.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}

/** For a route that another process may have to answer: it knows which by what is asked. */
function answeredThere(route: Route, machine: Machine, names: (asked: Asked) => readonly CallNames[]): Route {
  const there = (handler: Handler): Handler => {
    return async (asked, response) => {
      const door = names(asked)
        .map((each) => machine.doorOf(each))
        .find((each) => each !== undefined);
      if (door === undefined) return handler(asked, response);
      try {
        await handOn(asked, response, door);
      } catch (error) {
        // It does not come back; whoever asks gets what is known here.
        machine.log.warning("request_not_handed_on", { path: route.path, err: error });
        if (!response.headersSent) await handler(asked, response);
      }
    };
  };
  return withHandlers(route, there);
}

/** The same route, with GET answered by all processes together. */
function gathered<T>(route: Route, machine: Machine, join: (said: readonly T[]) => object): Route {
  const all: Handler = async ({ request }, response) => {
    const heard = await hearAll<T>(machine, request.url ?? route.path);
    const well = heard.filter(({ status }) => status === 200);
    const [first] = heard;
    if (well.length > 0) answerJson(response, 200, join(well.map(({ said }) => said)));
    else answerJson(response, first?.status ?? 503, (first?.said as object | undefined) ?? {}); // Every route of these answers with one.
  };
  return { ...route, answers: { ...route.answers, GET: all } };
}

const withHandlers = (route: Route, change: (handler: Handler) => Handler): Route => ({
  ...route,
  answers: Object.fromEntries(Object.entries(route.answers).map(([method, handler]) => [method as Method, change(handler)])), // Its own keys.
});

/** The API as one server has it, whichever process is asked. */
export function wholeApi(routes: readonly Route[], machine: Machine): readonly Route[] {
  return routes.map((route) => {
    if (route.path === "/v1/calls/{id}/rating") return answeredThere(route, machine, ({ ids }) => [{ pastCallId: ids["id"] }]);
    if (route.path.startsWith("/v1/calls/{id}")) return answeredThere(route, machine, ({ ids }) => [{ callId: ids["id"] }]);
    if (route.path === "/v1/calls") return gathered<Calls>(route, machine, joinCalls);
    if (route.path === "/v1/node") return gathered<Node>(route, machine, joinNodes);
    if (route.path === "/v1/providers") return gathered<Providers>(route, machine, joinProviders);
    if (route.path === "/v1/providers/{name}") return gathered<GuardView>(route, machine, joinViews);
    if (route.path === "/v1/drain") return withHandlers(route, (handler) => drainAll(handler, machine));
    return route;
  });
}

/** Carriers' webhooks are answered by the process that has the call, wherever in its request a carrier names it. */
export const wholeCarriers = (routes: readonly Route[], machine: Machine): readonly Route[] =>
  routes.map((route) => answeredThere(route, machine, (asked) => textsIn(asked).map((carrierCallId) => ({ carrierCallId }))));

/** Ready while any process is: connections go to those that are. */
export function wholeReadyz(route: Route, machine: Machine): Route {
  const all: Handler = async (_asked, response) => {
    const heard = await hearAll<Readiness>(machine, route.path);
    const isReady = heard.some(({ status }) => status === 200);
    const every = (list: (said: Readiness) => readonly string[]): string[] => [...new Set(heard.flatMap(({ said }) => list(said)))];
    answerJson(response, isReady ? 200 : 503, {
      status: isReady ? "ready" : "not ready",
      reasons: isReady ? [] : every(({ reasons }) => reasons),
      degraded: every(({ degraded }) => degraded),
      processes: { ready: heard.filter(({ status }) => status === 200).length, of: machine.doors.length },
    });
  };
  return { ...route, answers: { GET: all } };
}

/** The samples of every process, for whoever puts them together. */
export const hearSamples = async (machine: Machine): Promise<readonly object[][]> =>
  (await hearAll<object[]>(machine, samplesPath)).map(({ said }) => said);

/** At a process's own door only: its metrics, to be put together with those of the others. */
export const samplesRoute = (read: () => Promise<object[]>): Route => ({
  path: samplesPath,
  for: "known",
  bodyLimitBytes: 0,
  answers: {
    async GET(_asked, response: ServerResponse) {
      answerJson(response, 200, await read());
    },
  },
});

function drainAll(handler: Handler, { drainOthers }: Machine): Handler {
  return async (asked, response) => {
    drainOthers();
    await handler(asked, response);
  };
}

interface Calls {
  readonly calls: readonly { readonly startedAt: string }[];
}
interface Node {
  readonly version: string;
  readonly state: "serving" | "draining";
  readonly calls: number;
  readonly refuses?: string;
  readonly cost?: {
    readonly day: string;
    readonly usd: number;
    readonly unpricedCalls: number;
    readonly budgetUsed: { readonly day?: number; readonly month?: number };
  };
}
interface Providers {
  readonly providers: readonly GuardView[];
}
interface Readiness {
  readonly reasons: readonly string[];
  readonly degraded: readonly string[];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const most = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
};

function joinCalls(said: readonly Calls[]): Calls {
  return { calls: said.flatMap(({ calls }) => calls).toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : 1)) };
}

function joinNodes(said: readonly Node[]): object {
  const costs = said.flatMap(({ cost }) => cost ?? []);
  const [first] = costs;
  const { refuses, ...one } = said[0] ?? { refuses: undefined };
  // Each of them counts what all have spent.
  const used = (period: "day" | "month") => most(costs.map(({ budgetUsed }) => budgetUsed[period]));
  return {
    ...one,
    ...(said.every((each) => each.refuses !== undefined) && { refuses }),
    state: said.some(({ state }) => state === "serving") ? "serving" : "draining",
    calls: sum(said.map(({ calls }) => calls)),
    ...(first !== undefined && {
      cost: {
        day: first.day,
        usd: sum(costs.map(({ usd }) => usd)),
        unpricedCalls: sum(costs.map(({ unpricedCalls }) => unpricedCalls)),
        budgetUsed: { day: used("day"), month: used("month") },
      },
    }),
  };
}

function joinProviders(said: readonly Providers[]): object {
  const names = said[0]?.providers.map(({ provider }) => provider) ?? [];
  return {
    providers: names.map((name) => joinViews(said.flatMap(({ providers }) => providers.filter(({ provider }) => provider === name)))),
  };
}

const levels: readonly GuardView["health"][] = ["healthy", "degraded", "unhealthy"];

/** The worse of what they see; what goes on is added up. */
function joinViews(views: readonly GuardView[]): object {
  const [first] = views;
  if (first === undefined) return {};
  const shut = views.find(({ breaker }) => breaker.state === "open") ?? first;
  const times = (of: "open" | "answer"): object => ({
    p50: most(views.map(({ latencyMs }) => latencyMs[of].p50)),
    p95: most(views.map(({ latencyMs }) => latencyMs[of].p95)),
  });
  return {
    ...first,
    breaker: shut.breaker,
    health: levels[Math.max(...views.map(({ health }) => levels.indexOf(health)))] ?? first.health,
    latencyMs: { open: times("open"), answer: times("answer") },
    errorRate: most(views.map(({ errorRate }) => errorRate)) ?? 0,
    limitedForMs: most(views.map(({ limitedForMs }) => limitedForMs)) ?? 0,
    activeSessions: sum(views.map(({ activeSessions }) => activeSessions)),
    lastFault: views.flatMap(({ lastFault }) => lastFault ?? []).toSorted((a, b) => (a.at < b.at ? 1 : -1))[0],
  };
}

/** A carrier's request names few things; one that names more is not a carrier's. */
const textsLimit = 200;

/** Every value of a request's query, form or JSON: one of them may be the carrier's id of a call. */
function textsIn({ query, body }: Asked): readonly string[] {
  const texts = [...query.values()];
  const text = body.toString("utf8");
  if (text.trimStart().startsWith("{")) collect(parsed(text), texts, 0);
  else texts.push(...new URLSearchParams(text).values());
  return texts.slice(0, textsLimit);
}

function collect(value: unknown, into: string[], depth: number): void {
  if (typeof value === "string") into.push(value);
  else if (typeof value === "object" && value !== null && depth < 4)
    for (const each of Object.values(value)) collect(each, into, depth + 1);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
