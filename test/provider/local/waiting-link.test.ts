import { expect, test } from "vitest";
import { Fault } from "../../../src/kernel/fault.ts";
import type { ConversationItem, LinkNotice, OpenRequest } from "../../../src/provider/contract.ts";
import { WaitingLink } from "../../../src/provider/local/waiting-link.ts";
import { Parlour, say } from "./parlour.ts";

const asked: ConversationItem = { type: "caller", id: "c1", text: "Are you open?" };

function waiting(start: (request: OpenRequest) => ReturnType<ConstructorParameters<typeof WaitingLink>[1]>) {
  const abort = new AbortController();
  const notices: LinkNotice[] = [];
  const { request } = new Parlour([]);
  const report = { audio: () => {}, notice: (notice: LinkNotice) => void notices.push(notice) };
  return { link: new WaitingLink({ ...request, begin: "wait", signal: abort.signal, report }, start), notices, abort };
}

test("what a link holds is taken when it takes over, and given back when it closes", async () => {
  const asks: OpenRequest[] = [];
  const parlours: Parlour[] = [];
  const { link } = waiting((request) => {
    asks.push(request);
    const parlour = new Parlour([[say("Yes.")]], request);
    parlours.push(parlour);
    return parlour.link;
  });
  expect(link.hear(new Uint8Array(640))).toBe(false);
  expect(asks).toEqual([]);
  link.takeOver([asked], "answer");
  link.takeOver([asked], "answer");
  expect(asks.map(({ begin, conversation }) => ({ begin, conversation }))).toEqual([{ begin: "answer", conversation: [asked] }]);
  await parlours[0]?.passes(0);
  expect(parlours[0]?.mind).toEqual(['caller "Are you open?"']);
  expect(link.hear(new Uint8Array(640))).toBe(true);
  link.close();
  expect(parlours[0]?.ear.isOpen).toBe(false);
  expect(link.hear(new Uint8Array(640))).toBe(false);
});

test("with no place left it is lost once, after the call, and other providers are worth a try", async () => {
  const { link, notices } = waiting(() => {
    throw new Fault("provider-busy", "this machine can hear 2 local calls at once and has 2");
  });
  link.takeOver([], "listen");
  link.takeOver([], "listen");
  expect(notices).toEqual([]);
  await Promise.resolve();
  expect(notices).toHaveLength(1);
  const [lost] = notices;
  expect(lost?.type === "link.lost" ? lost.fault.row.remedy : undefined).toBe("other-provider");
});

test.for(["close", "abort"] as const)("given up by %s it never begins", (how) => {
  const { link, abort } = waiting(() => expect.unreachable("started"));
  if (how === "close") link.close();
  else abort.abort();
  link.takeOver([], "greet");
  expect(link.hear(new Uint8Array(640))).toBe(false);
});
