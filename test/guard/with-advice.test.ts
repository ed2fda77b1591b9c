import { expect, test } from "vitest";
import { withAdvice } from "../../src/guard/with-advice.ts";
import { Fault, type FaultCode } from "../../src/kernel/fault.ts";
import type { OpenRequest } from "../../src/provider/contract.ts";
import { PuppetProvider } from "../session/house.ts";

async function refusalOf(code: FaultCode, message: string): Promise<string> {
  const provider = new PuppetProvider("alpha");
  provider.refusal = new Fault(code, message);
  // The puppet refuses before it looks at the request.
  const request = {} as OpenRequest;
  return withAdvice(provider, ["ALPHA_KEY"])
    .open(request)
    .then(
      () => "opened",
      (error: unknown) => (error instanceof Fault ? `${error.code}: ${error.message}` : "no fault"),
    );
}

test.each([
  { name: "a refused key names its setting", code: "provider-key", found: "HTTP 401", told: "provider-key: HTTP 401; check ALPHA_KEY" },
  { name: "but not twice", code: "provider-key", found: "ALPHA_KEY was refused", told: "provider-key: ALPHA_KEY was refused" },
  { name: "another refusal stays as it was", code: "provider-quota", found: "HTTP 402", told: "provider-quota: HTTP 402" },
] as const)("$name", async ({ code, found, told }) => {
  expect(await refusalOf(code, found)).toBe(told);
});
