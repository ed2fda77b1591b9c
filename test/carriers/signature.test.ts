import { expect, test } from "vitest";
import twilio from "twilio";
import { isSigned, signatureOf, spellings } from "../../src/carriers/signature.ts";
import { seededRandom } from "../../src/kernel/random.ts";

const { getExpectedTwilioSignature, validateRequest } = twilio;

test("the vendor's published example comes out", () => {
  const form = new URLSearchParams("CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212");
  expect(signatureOf("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form)).toBe("RSOYDt4T1cUTdK1PDd93/VVr8B8=");
});

test("for any address and form the vendor's own package signs the same, and takes ours", () => {
  const seed = 20_261_121;
  const random = seededRandom(seed);
  const text = (): string => {
    const letters = "aZ09+& =%ü漢😀_-.";
    return Array.from({ length: Math.floor(random.next() * 8) }, () => Array.from(letters)[Math.floor(random.next() * 14)]).join("");
  };
  for (let round = 0; round < 300; round += 1) {
    const url = `https://voice.example.org/twilio/voice?agent=${encodeURIComponent(text())}`;
    const form = new URLSearchParams();
    for (let field = 0; field < 6; field += 1) form.append(`Field${Math.floor(random.next() * 4)}`, text());
    const params = Object.fromEntries([...new Set(form.keys())].map((name) => [name, form.getAll(name)]));
    const ours = signatureOf("token", url, form);
    expect(ours, `seed ${seed}, round ${round}`).toBe(getExpectedTwilioSignature("token", url, params));
    expect(validateRequest("token", ours, url, params), `seed ${seed}, round ${round}`).toBe(true);
    expect(isSigned(getExpectedTwilioSignature("token", url, params), ["token"], spellings(url), form)).toBe(true);
  }
});

test("a stream's address is signed without its port, or with it", () => {
  const url = "wss://voice.example.org/twilio";
  for (const signed of spellings(url))
    expect(isSigned(getExpectedTwilioSignature("token", signed, {}), ["token"], spellings(url))).toBe(true);
  expect(validateRequest("token", signatureOf("token", url), url, {})).toBe(true);
});

test("while a token is replaced both are good, and a third is not", () => {
  const url = "https://voice.example.org/twilio/voice";
  const by = (token: string): boolean => isSigned(signatureOf(token, url), ["new", "old"], [url]);
  expect([by("new"), by("old"), by("older")]).toEqual([true, true, false]);
});
