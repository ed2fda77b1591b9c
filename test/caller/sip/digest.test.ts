import { expect, test } from "vitest";
import { answerChallenge, DigestGate, digestResponse } from "../../../src/caller/sip/digest.ts";
import { seededRandom } from "../../../src/kernel/random.ts";
import { SimulatedClock } from "../../simulated-clock.ts";

const noBody = Buffer.alloc(0);
const phone = { username: "desk", password: "open sesame" };

function gate(): { clock: SimulatedClock; gate: DigestGate } {
  const clock = new SimulatedClock();
  return { clock, gate: new DigestGate("linekeeper", phone, clock, seededRandom(1)) };
}

const answer = (challenges: readonly string[], credentials = phone): string =>
  answerChallenge(challenges, credentials, { method: "INVITE", uri: "sip:a@b", body: noBody }, "abcd") ?? "";

// RFC 7616 section 3.9.1.
test.each([
  ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
  ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
] as const)("the standard's own example comes out with %s", (algorithm, response) => {
  const proof = {
    algorithm,
    realm: "http-auth@example.org",
    nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    method: "GET",
    uri: "/dir/index.html",
    qop: "auth",
    nc: "00000001",
    cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    body: noBody,
  };
  expect(digestResponse({ username: "Mufasa", password: "Circle of Life" }, proof)).toBe(response);
});

test("who knows the password is let in, by either algorithm", () => {
  const { gate: door } = gate();
  const [md5, sha] = door.challenges(false);
  expect(sha).toContain("SHA-256");
  expect(md5).toContain("MD5");
  expect(door.check(answer([sha ?? ""]), "INVITE", noBody)).toBe("right");
  expect(gate().gate.check(answer([md5 ?? ""]), "INVITE", noBody)).toBe("right");
});

test("a copied answer does not work a second time, nor for another method", () => {
  const { gate: door } = gate();
  const copy = answer(door.challenges(false));
  expect(door.check(copy, "BYE", noBody)).toBe("wrong");
  expect(door.check(copy, "INVITE", noBody)).toBe("right");
  expect(door.check(copy, "INVITE", noBody)).toBe("stale");
});

test("an old nonce is told as such, so that the phone tries again by itself", async () => {
  const { gate: door, clock } = gate();
  const late = answer(door.challenges(false));
  await clock.advance(61_000);
  expect(door.check(late, "INVITE", noBody)).toBe("stale");
});

test.each([
  ["no answer at all", undefined],
  ["another scheme", "Basic ZGVzazpvcGVu"],
  ["half a header", 'Digest username="desk", realm="linekeeper'],
  [
    "a nonce of somebody else",
    'Digest username="desk", realm="linekeeper", nonce="00000000000000000000000000000000", uri="sip:a@b", response="0"',
  ],
])("%s is wrong", (_, authorization) => {
  expect(gate().gate.check(authorization, "INVITE", noBody)).toBe("wrong");
});

test("a wrong password or name is wrong", () => {
  const { gate: door } = gate();
  for (const credentials of [
    { ...phone, password: "open says me" },
    { ...phone, username: "disk" },
  ]) {
    expect(door.check(answer(door.challenges(false), credentials), "INVITE", noBody)).toBe("wrong");
  }
});

test("a challenge that only wants the body signed is answered that way, and an unknown one not at all", () => {
  expect(answer(['Digest realm="r", nonce="n", qop="auth-int"'])).toContain("qop=auth-int");
  expect(answer(['Digest realm="r", nonce="n", algorithm=SHA-512-256, qop="auth"', "Negotiate x"])).toBe("");
});
