import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../../src/kernel/random.ts";
import type { LlmAnswer } from "../../../../src/fakes/llm/script.ts";
import type { StageGuards } from "../../../../src/provider/deepgram/stages.ts";
import { caller, parlour, textOf, thought, type Service } from "./parlour.ts";

const count = 2_000;
const seed = 20_261_121;
// What is tested is the reading, so nobody is left alone for failing.
const guards: StageGuards = () => ({ run: (work) => work(), failed: () => {}, open: true });
const wires: readonly Service[] = ["gemini", "anthropic", "openai"];

describe.each(wires)("%s", (service) => {
  test(`${count} answers with a broken message each end well or with a fault, and the next answer is none the worse (seed ${seed})`, async () => {
    await using house = await parlour([service], { guards });
    const fake = house.fake(service);
    const request = house.request([caller("Is Friday free?")]);
    const outcomes = new Map<string, number>();
    for (const broken of fake.broken(count, seed)) {
      fake.script(broken);
      const { parts, fault } = await thought(house.thinker(), request);
      const outcome = fault === undefined ? "answered" : `${fault.name} ${fault.code}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (fault === undefined) expect({ broken, said: textOf(parts) }).not.toMatchObject({ said: "" });
      for (const part of parts) {
        if (part.type === "call")
          expect(part).toMatchObject({ toolCallId: expect.stringMatching(/^[\w-]{1,64}$/), name: expect.any(String) });
        if (part.type === "usage") for (const amount of Object.values(part.usage.quantities)) expect(amount).toBeGreaterThanOrEqual(0);
      }
    }
    const strange = [...outcomes.keys()].filter(
      (outcome) => !/^(answered|Fault provider-(malformed|dropped|overloaded|limited|refused))$/.test(outcome),
    );
    expect({ seed, strange }).toEqual({ seed, strange: [] });
    expect(outcomes.get("answered") ?? 0).toBeGreaterThan(0);
    expect([...outcomes.values()].reduce((sum, one) => sum + one, 0)).toBe(count);
  }, 60_000);

  test(`bytes that are cut, doubled or scrambled anywhere end well or with a fault (seed ${seed})`, async () => {
    await using house = await parlour([service], { guards });
    const fake = house.fake(service);
    const request = house.request([caller("Is Friday free?")]);
    const random = seededRandom(seed);
    const at = (length: number): number => Math.floor(random.next() * length);
    for (let round = 0; round < 300; round += 1) {
      const noise = Array.from({ length: at(40) }, () => String.fromCharCode(at(random.next() < 0.5 ? 128 : 65_536))).join("");
      const raw = [
        "data: ",
        "event: error\n",
        "event: message_stop\ndata: {}\n\n",
        "data: [DONE]\n\n",
        "\n\n",
        "\r",
        ": \n",
        "id: 1\nretry: 1\n",
      ];
      const parts: LlmAnswer["parts"] = [
        { type: "text", text: "One " },
        { type: "raw", sse: `${raw[at(raw.length)] ?? ""}${noise}${raw[at(raw.length)] ?? ""}` },
        { type: "text", text: "two." },
      ];
      fake.delivery = { crlf: random.next() < 0.5, pieceBytes: random.next() < 0.5 ? 1 + at(16) : undefined };
      fake.script({ type: "answer", parts });
      const { fault } = await thought(house.thinker(), request);
      expect({ round, name: fault?.name ?? "Fault" }).toEqual({ round, name: "Fault" });
    }
  }, 60_000);
});
