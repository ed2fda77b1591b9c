// What a wire has to stand, and what must come of it. Numbers of sections are those of RFC 6455.
import { closing, frame, limits, requestOf, told, usualHeaders, type FrameShape, type Knocking, type Verdict } from "./torture.ts";

export interface TortureCase extends Knocking {
  readonly name: string;
  readonly verdict: Verdict;
  /** Where `ws` does otherwise, what it does and why that is no fault of either. */
  readonly ws?: { readonly verdict: Verdict; readonly why: string };
}

const utf8 = (text: string): Buffer => Buffer.from(text, "utf8");
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");
const ascii = (length: number): Buffer => Buffer.alloc(length, "The quick brown fox jumps over the lazy dog. ");
/** Every byte there is. */
const anything = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, at) => (at * 31 + 7) & 0xff));

const bye = closing(1000, "bye");
const text = (payload: Uint8Array | string): Buffer => frame({ opcode: 1, payload: Buffer.from(payload) });
const echoed = (...replies: readonly string[]): Verdict => ({ status: 101, replies, close: 1000 });
const refused = (close: number, ...replies: readonly string[]): Verdict => ({ status: 101, replies, close });
const answered = (status: number): Verdict => ({ status, replies: [], close: undefined });
const gone: Verdict = { status: 101, replies: [], close: undefined };

/** The same bytes in pieces of so many. */
const cut = (whole: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(whole.length / size) }, (_, at) => whole.subarray(at * size, (at + 1) * size));
const cutAt = (whole: Buffer, at: number): Buffer[] => [whole.subarray(0, at), whole.subarray(at)];

function* sizes(): Iterable<TortureCase> {
  for (const length of [0, 1, 2, 3, 4, 124, 125, 126, 127, 128, 255, 256, 1_000, 4_095, 4_096, 65_534, 65_535, 65_536]) {
    for (const [opcode, payload] of [
      [1, ascii(length)],
      [2, anything(length)],
    ] as const) {
      const whole = Buffer.concat([frame({ opcode, payload }), bye]);
      const verdict = echoed(told(opcode, payload));
      const what = `${opcode === 1 ? "text" : "binary"} of ${length} bytes`;
      yield { name: what, pieces: [whole], verdict };
      for (const size of [1, 7, 1_448]) {
        const pieces = Math.ceil(whole.length / size);
        if (pieces > 1 && pieces <= 300) yield { name: `${what} in pieces of ${size}`, pieces: cut(whole, size), verdict };
      }
    }
  }
  const payload = anything(140);
  const whole = frame({ opcode: 2, payload });
  for (let at = 1; at < whole.length; at += 1) {
    yield {
      name: `a frame of ${whole.length} bytes, split after ${at}`,
      pieces: [...cutAt(whole, at), bye],
      verdict: echoed(told(2, payload)),
    };
  }
  for (const [shape, what] of [
    [{ opcode: 1, payload: ascii(5), lengthBytes: 2 }, "5 bytes said in two"],
    [{ opcode: 1, payload: ascii(5), lengthBytes: 8 }, "5 bytes said in eight"],
    [{ opcode: 2, payload: ascii(300), lengthBytes: 8 }, "300 bytes said in eight"],
  ] as const satisfies readonly (readonly [FrameShape, string])[]) {
    // 5.2 bids the sender to use the fewest; what a receiver does with more is not said.
    yield { name: `a length of ${what}`, pieces: [frame(shape), bye], verdict: echoed(told(shape.opcode, shape.payload)) };
  }
  const many = Array.from({ length: 30 }, (_, at) => ascii(at * 9));
  const one = Buffer.concat([...many.map((each) => text(each)), bye]);
  const verdict = echoed(...many.map((each) => told(1, each)));
  yield { name: "thirty messages in one write", pieces: [one], verdict };
  for (const size of [3, 64, 500]) yield { name: `thirty messages in pieces of ${size}`, pieces: cut(one, size), verdict };
}

function* oversized(): Iterable<TortureCase> {
  const { messageBytes } = limits;
  for (const opcode of [1, 2]) {
    for (const claims of [65_537n, 70_000n, 1n << 31n, 5n * (1n << 30n), 1n << 53n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n]) {
      const header = frame({ opcode, claims, payload: new Uint8Array(16) });
      yield { name: `opcode ${opcode} that claims ${claims} bytes`, pieces: [header], verdict: refused(1009) };
    }
    const parts = [frame({ opcode, fin: false, payload: ascii(messageBytes) }), frame({ opcode: 0, payload: ascii(1) })];
    yield { name: `opcode ${opcode} in two fragments, one byte too many`, pieces: parts, verdict: refused(1009) };
    const half = ascii(messageBytes / 2);
    const fits = [frame({ opcode, fin: false, payload: half }), frame({ opcode: 0, payload: half }), bye];
    yield {
      name: `opcode ${opcode} in two fragments, as long as may be`,
      pieces: fits,
      verdict: echoed(told(opcode, Buffer.concat([half, half]))),
    };
  }
}

function* masks(): Iterable<TortureCase> {
  for (let opcode = 0; opcode < 16; opcode += 1) {
    for (const payload of [ascii(0), ascii(5)]) {
      const naked = frame({ opcode, payload, mask: undefined });
      yield { name: `opcode ${opcode} with ${payload.length} bytes without a mask`, pieces: [naked, bye], verdict: refused(1002) };
    }
  }
  for (const mask of [
    [0, 0, 0, 0],
    [255, 255, 255, 255],
    [0, 0, 0, 1],
    [128, 0, 0, 0],
  ]) {
    for (const length of [1, 4, 7, 130]) {
      const payload = ascii(length);
      const name = `${length} bytes under the mask ${mask.join(".")}`;
      yield { name, pieces: [frame({ opcode: 1, payload, mask }), bye], verdict: echoed(told(1, payload)) };
    }
  }
}

function* reserved(): Iterable<TortureCase> {
  for (let rsv = 1; rsv < 8; rsv += 1) {
    for (const opcode of [0, 1, 2, 8, 9, 10]) {
      yield {
        name: `reserved bits ${rsv} on opcode ${opcode}`,
        pieces: [frame({ opcode, rsv, payload: ascii(2) }), bye],
        verdict: refused(1002),
      };
    }
    const before = [text("before"), frame({ opcode: 1, fin: false, payload: ascii(2) }), frame({ opcode: 0, rsv, payload: ascii(2) }), bye];
    yield { name: `reserved bits ${rsv} on a continuation`, pieces: before, verdict: refused(1002, told(1, utf8("before"))) };
  }
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    for (const fin of [true, false]) {
      const pieces = [text("before"), frame({ opcode, fin, payload: ascii(3) }), text("after"), bye];
      yield { name: `opcode ${opcode} with FIN ${fin}`, pieces, verdict: refused(1002, told(1, utf8("before"))) };
    }
  }
}

function* controls(): Iterable<TortureCase> {
  for (const length of [0, 1, 2, 3, 64, 124, 125]) {
    const payload = anything(length);
    yield { name: `a ping with ${length} bytes`, pieces: [frame({ opcode: 9, payload }), bye], verdict: echoed(told(10, payload)) };
    yield { name: `a pong with ${length} bytes that nobody asked for`, pieces: [frame({ opcode: 10, payload }), bye], verdict: echoed() };
    const whole = Buffer.concat([frame({ opcode: 9, payload }), bye]);
    yield { name: `a ping with ${length} bytes, byte by byte`, pieces: cut(whole, 1), verdict: echoed(told(10, payload)) };
  }
  for (const opcode of [8, 9, 10]) {
    for (const length of [126, 127, 1_000, 65_536]) {
      const payload = Buffer.concat([bytes("03e8"), ascii(length - 2)]);
      yield { name: `opcode ${opcode} with ${length} bytes`, pieces: [frame({ opcode, payload }), bye], verdict: refused(1002) };
    }
    yield {
      name: `opcode ${opcode} without FIN`,
      pieces: [frame({ opcode, fin: false, payload: bytes("03e8") }), bye],
      verdict: refused(1002),
    };
    yield {
      name: `opcode ${opcode} whose length takes two bytes`,
      pieces: [frame({ opcode, lengthBytes: 2, payload: bytes("03e8") }), bye],
      verdict: refused(1002),
    };
  }
  const thirty = Array.from({ length: 30 }, (_, at) => utf8(`ping ${at}`));
  const pongs = echoed(...thirty.map((each) => told(10, each)));
  const storm = Buffer.concat([...thirty.map((payload) => frame({ opcode: 9, payload })), bye]);
  yield { name: "thirty pings in one write", pieces: [storm], verdict: pongs };
  yield { name: "thirty pings in pieces of five bytes", pieces: cut(storm, 5), verdict: pongs };
  yield {
    name: "thirty pongs that nobody asked for",
    pieces: [...thirty.map((payload) => frame({ opcode: 10, payload })), bye],
    verdict: echoed(),
  };
  const flood = Array.from({ length: 45 }, () => Buffer.alloc(0));
  yield {
    name: "forty-five pings in one breath",
    pieces: [Buffer.concat([...flood.map((payload) => frame({ opcode: 9, payload })), bye])],
    // The pong to the one too many is on its way when the call is refused.
    verdict: refused(1008, ...flood.slice(0, 41).map((payload) => told(10, payload))),
    ws: { verdict: pongsOf(flood), why: "it keeps no limit of its own" },
  };
  yield {
    name: "forty-five pongs in one breath",
    pieces: [Buffer.concat([...flood.map((payload) => frame({ opcode: 10, payload })), bye])],
    verdict: refused(1008),
    ws: { verdict: echoed(), why: "it keeps no limit of its own" },
  };
}

const pongsOf = (pings: readonly Uint8Array[]): Verdict => echoed(...pings.map((each) => told(10, each)));

function* fragments(): Iterable<TortureCase> {
  for (const [opcode, payload] of [
    [1, ascii(64)],
    [2, anything(64)],
  ] as const) {
    const kind = opcode === 1 ? "text" : "binary";
    for (const count of [2, 3, 16, 63, 64]) {
      const pieces = fragmented(opcode, cut(payload, 64 / count < 1 ? 1 : Math.ceil(64 / count)), count);
      yield { name: `${kind} in ${count} fragments`, pieces: [...pieces, bye], verdict: echoed(told(opcode, payload)) };
      yield {
        name: `${kind} in ${count} fragments in one write`,
        pieces: [Buffer.concat([...pieces, bye])],
        verdict: echoed(told(opcode, payload)),
      };
    }
    const tooMany = fragmented(opcode, cut(payload, 1), 65);
    yield { name: `${kind} in 65 fragments`, pieces: [Buffer.concat([...tooMany, bye])], verdict: refused(1008) };
    const endless = fragmented(opcode, [], 1_000);
    yield { name: `${kind} in 1,000 empty fragments`, pieces: [Buffer.concat(endless)], verdict: refused(1008) };
    for (const count of [2, 3, 10]) {
      yield {
        name: `${kind} of nothing in ${count} fragments`,
        pieces: [...fragmented(opcode, [], count), bye],
        verdict: echoed(told(opcode, ascii(0))),
      };
    }
    const [first = Buffer.alloc(0), last = Buffer.alloc(0)] = fragmented(opcode, cut(payload, 32), 2);
    const ping = frame({ opcode: 9, payload: utf8("in between") });
    const pong = told(10, utf8("in between"));
    yield { name: `a ping inside a ${kind}`, pieces: [first, ping, last, bye], verdict: echoed(pong, told(opcode, payload)) };
    yield { name: `a pong inside a ${kind}`, pieces: [first, frame({ opcode: 10 }), last, bye], verdict: echoed(told(opcode, payload)) };
    yield { name: `a close inside a ${kind}`, pieces: [first, bye, last], verdict: echoed() };
    yield { name: `a ${kind} inside a ${kind}`, pieces: [first, frame({ opcode, payload }), last, bye], verdict: refused(1002) };
    yield {
      name: `another kind inside a ${kind}`,
      pieces: [first, frame({ opcode: 3 - opcode, payload }), last, bye],
      verdict: refused(1002),
    };
    yield { name: `the beginning of a ${kind} inside a ${kind}`, pieces: [first, first, last, bye], verdict: refused(1002) };
    yield {
      name: `a continuation after a whole ${kind}`,
      pieces: [frame({ opcode, payload }), last, bye],
      verdict: refused(1002, told(opcode, payload)),
    };
    yield {
      name: `a continuation after the last of a ${kind}`,
      pieces: [first, last, last, bye],
      verdict: refused(1002, told(opcode, payload)),
    };
    yield {
      name: `two ${kind}s in fragments`,
      pieces: [first, last, first, last, bye],
      verdict: echoed(told(opcode, payload), told(opcode, payload)),
    };
    yield {
      name: `a ${kind} in fragments, byte by byte`,
      pieces: cut(Buffer.concat([first, ping, last, bye]), 1),
      verdict: echoed(pong, told(opcode, payload)),
    };
  }
  for (const fin of [true, false]) {
    const stray = frame({ opcode: 0, fin, payload: ascii(4) });
    yield { name: `a continuation of nothing with FIN ${fin}`, pieces: [stray, text("after"), bye], verdict: refused(1002) };
    yield {
      name: `a continuation of nothing with FIN ${fin} after a ping`,
      pieces: [frame({ opcode: 9 }), stray, bye],
      verdict: refused(1002, told(10, ascii(0))),
    };
  }
}

/** `parts` in so many fragments, filled up with empty ones. */
const fragmented = (opcode: number, parts: readonly Uint8Array[], count: number): Buffer[] =>
  Array.from({ length: count }, (_, at) => frame({ opcode: at === 0 ? opcode : 0, fin: at === count - 1, payload: parts[at] ?? ascii(0) }));

const goodTexts = [
  "κόσμε",
  "Grüße",
  "日本語",
  "𐐷𤭢",
  "\u0000",
  "\u007f\u0080",
  "\u07ff\u0800",
  "\ud7ff\ue000",
  "\ufffd\uffff",
  "\u{10000}\u{10ffff}",
  "\ufeffBOM",
];

const badTexts: Readonly<Record<string, string>> = {
  "a continuation byte alone": "80",
  "another continuation byte alone": "bf",
  "three continuation bytes": "80 bf 80",
  "a beginning of two alone": "c3",
  "a beginning of three alone": "e2",
  "two of three": "e2 82",
  "three of four": "f0 9f 98",
  "a beginning, then ASCII": "c3 28",
  "two of three, then ASCII": "e2 82 28",
  "two beginnings": "c3 c3 a9",
  "an overlong slash in two": "c0 af",
  "an overlong slash in three": "e0 80 af",
  "an overlong slash in four": "f0 80 80 af",
  "an overlong slash in five": "f8 80 80 80 af",
  "an overlong slash in six": "fc 80 80 80 80 af",
  "the highest overlong in two": "c1 bf",
  "the highest overlong in three": "e0 9f bf",
  "the highest overlong in four": "f0 8f bf bf",
  "an overlong NUL in two": "c0 80",
  "an overlong NUL in three": "e0 80 80",
  "the first high surrogate": "ed a0 80",
  "the last high surrogate": "ed ad bf",
  "the first low surrogate": "ed b0 80",
  "the last low surrogate": "ed bf bf",
  "a pair of surrogates": "ed a0 80 ed b0 80",
  "beyond the last character": "f4 90 80 80",
  "far beyond the last character": "f7 bf bf bf",
  "five bytes": "f8 88 80 80 80",
  "six bytes": "fc 84 80 80 80 80",
  FE: "fe",
  FF: "ff",
  "FE FF": "fe ff",
};

function* texts(): Iterable<TortureCase> {
  for (const good of goodTexts) {
    const payload = utf8(good);
    const said = JSON.stringify(good);
    yield { name: `the text ${said}`, pieces: [text(payload), bye], verdict: echoed(told(1, payload)) };
    yield {
      name: `the text ${said} after a hundred letters`,
      pieces: [text(Buffer.concat([ascii(100), payload])), bye],
      verdict: echoed(told(1, Buffer.concat([ascii(100), payload]))),
    };
    for (let at = 1; at < payload.length; at += 1) {
      const pieces = [...fragmented(1, cutAt(payload, at), 2), bye];
      yield { name: `the text ${said} in two fragments, split after ${at}`, pieces, verdict: echoed(told(1, payload)) };
    }
    const single = cut(payload, 1);
    yield {
      name: `the text ${said} in fragments of one byte`,
      pieces: [...fragmented(1, single, single.length + 1), bye],
      verdict: echoed(told(1, payload)),
    };
  }
  for (const [what, hex] of Object.entries(badTexts)) {
    const bad = bytes(hex);
    yield { name: `text that is ${what}`, pieces: [text(bad), text("after"), bye], verdict: refused(1007) };
    yield {
      name: `${what} at the end of a text`,
      pieces: [text("before"), text(Buffer.concat([ascii(40), bad])), bye],
      verdict: refused(1007, told(1, utf8("before"))),
    };
    yield { name: `${what} within a text`, pieces: [text(Buffer.concat([ascii(40), bad, ascii(3)])), bye], verdict: refused(1007) };
    for (let at = 1; at < bad.length; at += 1) {
      yield {
        name: `${what} in two fragments, split after ${at}`,
        pieces: [Buffer.concat([...fragmented(1, cutAt(bad, at), 2), bye])],
        verdict: refused(1007),
      };
    }
    yield { name: `${what} as the reason of a close`, pieces: [closing(1000, bad), bye], verdict: refused(1007) };
    // Binary may be anything.
    yield { name: `${what} as binary`, pieces: [frame({ opcode: 2, payload: bad }), bye], verdict: echoed(told(2, bad)) };
  }
  for (const what of ["an overlong slash in two", "the first high surrogate", "beyond the last character", "FF"]) {
    const bad = Buffer.concat([ascii(10), bytes(badTexts[what] ?? ""), ascii(1)]);
    yield {
      name: `${what} in a message that never ends`,
      pieces: [frame({ opcode: 1, fin: false, payload: bad }), bye],
      // 8.1 bids to fail when bad bytes are met; whether that is with their fragment is not said.
      verdict: refused(1007),
      ws: { verdict: echoed(), why: "it looks at a text when all of it is there" },
    };
  }
}

const goodCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000, 4001, 4999];
const badCodes = [0, 1, 2, 100, 255, 256, 500, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 5001, 9999, 32_768, 65_535];

function* closes(): Iterable<TortureCase> {
  yield { name: "a close without a code", pieces: [closing()], verdict: refused(1005) };
  yield { name: "a close with half a code", pieces: [frame({ opcode: 8, payload: bytes("03") })], verdict: refused(1002) };
  for (const code of goodCodes) {
    yield { name: `close code ${code}`, pieces: [closing(code)], verdict: refused(code) };
    yield { name: `close code ${code} with a reason`, pieces: [closing(code, "das wär’s")], verdict: refused(code) };
  }
  for (const code of badCodes) {
    yield { name: `close code ${code}`, pieces: [closing(code)], verdict: refused(1002) };
    yield { name: `close code ${code} with a reason`, pieces: [closing(code, "das wär’s")], verdict: refused(1002) };
  }
  yield { name: "a reason of 123 bytes", pieces: [closing(1000, ascii(123))], verdict: echoed() };
  yield { name: "a reason of 124 bytes", pieces: [closing(1000, ascii(124))], verdict: refused(1002) };
  yield { name: "a close byte by byte", pieces: cut(bye, 1), verdict: echoed() };
  for (const [what, after] of Object.entries({
    "a text": text("after"),
    "a ping": frame({ opcode: 9 }),
    "another close": closing(4000),
    "a bad frame": frame({ opcode: 3 }),
    "half a frame": text(ascii(200)).subarray(0, 50),
    "a frame without a mask": frame({ opcode: 1, mask: undefined }),
    "a megabyte": anything(1 << 20),
  })) {
    yield { name: `${what} after a close`, pieces: [text("before"), bye, after], verdict: echoed(told(1, utf8("before"))) };
    yield {
      name: `${what} in one write with a close`,
      pieces: [Buffer.concat([text("before"), bye, after])],
      verdict: echoed(told(1, utf8("before"))),
    };
    const bad = frame({ opcode: 1, rsv: 4 });
    yield { name: `${what} after a bad frame`, pieces: [Buffer.concat([bad, after])], verdict: refused(1002) };
  }
}

function* ends(): Iterable<TortureCase> {
  const half = text(ascii(200)).subarray(0, 50);
  for (const [what, pieces] of Object.entries({
    "after nothing": [],
    "inside a header": [half.subarray(0, 3)],
    "after one byte": [half.subarray(0, 1)],
    "inside a frame": [half],
    "inside a message": [frame({ opcode: 1, fin: false, payload: ascii(9) })],
    "inside a close": [bye.subarray(0, 7)],
  })) {
    yield { name: `an end ${what}`, pieces, ends: "fin", verdict: gone };
    yield { name: `a reset ${what}`, pieces, ends: "reset", verdict: gone };
  }
  yield { name: "an end after a message", pieces: [text("before")], ends: "fin", verdict: { ...gone, replies: [told(1, utf8("before"))] } };
}

const swap = (name: string, ...lines: readonly string[]): string =>
  requestOf([...usualHeaders.filter((line) => !line.startsWith(`${name}:`)), ...lines]);
const also = (...lines: readonly string[]): string => requestOf([...usualHeaders, ...lines]);
const key = "sec-websocket-key";

const says400 = { verdict: answered(400), why: "4.2.2 asks for 426, it says 400" };
const letsIn = (why: string): NonNullable<TortureCase["ws"]> => ({ verdict: echoed(), why });

function* handshakes(): Iterable<TortureCase> {
  const cases: readonly (readonly [name: string, request: string, status: number])[] = [
    ["the usual request", requestOf(usualHeaders), 101],
    ["names of headers in capitals", requestOf(usualHeaders).replaceAll(/^[\w-]+(?=:)/gm, (name) => name.toUpperCase()), 101],
    ["spaces around values", requestOf(usualHeaders.map((line) => `${line.replace(":", ": \t")} \t`)), 101],
    ["upgrade in capitals", swap("upgrade", "upgrade: WEBSOCKET"), 101],
    ["upgrade to something else", swap("upgrade", "upgrade: h2c"), 400],
    ["upgrade to two things", swap("upgrade", "upgrade: websocket, h2c"), 400],
    ["upgrade twice", swap("upgrade", "upgrade: websocket", "upgrade: websocket"), 400],
    ["upgrade to nothing", swap("upgrade", "upgrade: "), 426],
    ["upgrade to a near miss", swap("upgrade", "upgrade: websockets"), 400],
    ["no upgrade", swap("upgrade"), 426],
    ["connection in small letters", swap("connection", "connection: upgrade"), 101],
    ["connection with keep-alive", swap("connection", "connection: keep-alive, Upgrade"), 101],
    ["connection without upgrade", swap("connection", "connection: keep-alive"), 426],
    ["no connection", swap("connection"), 426],
    ["no key", swap(key), 400],
    ["an empty key", swap(key, `${key}: `), 400],
    ["a key of 15 bytes", swap(key, `${key}: ${ascii(15).toString("base64")}`), 400],
    ["a key of 17 bytes", swap(key, `${key}: ${ascii(17).toString("base64")}`), 400],
    ["a key that is no base64", swap(key, `${key}: dGhlIHNhbXBsZSBub25j!Q==`), 400],
    ["a key in the alphabet of addresses", swap(key, `${key}: --hlIHNhbXBsZSBub25jZQ==`), 400],
    ["a key without its padding", swap(key, `${key}: dGhlIHNhbXBsZSBub25jZQ`), 400],
    ["two keys", swap(key, `${key}: dGhlIHNhbXBsZSBub25jZQ==`, `${key}: dGhlIHNhbXBsZSBub25jZQ==`), 400],
    ["another method", requestOf(usualHeaders, "POST {path} HTTP/1.1"), 405],
    ["a method that changes things", requestOf(usualHeaders, "DELETE {path} HTTP/1.1"), 405],
    ["a request for headers", requestOf(usualHeaders, "HEAD {path} HTTP/1.1"), 405],
    ["another place", requestOf(usualHeaders, "GET /nowhere HTTP/1.1"), 404],
    ["no method at all", requestOf(usualHeaders, "{path}"), 400],
    ["a method that does not exist", requestOf(usualHeaders, "GRAB {path} HTTP/1.1"), 400],
    ["HTTP of the future", requestOf(usualHeaders, "GET {path} HTTP/9.9"), 400],
    ["a header without a name", also(": nothing"), 400],
    ["a header with a space in its name", also("two words: yes"), 400],
    ["a NUL in a header", also("x-nul: a\0b"), 400],
    ["a header on two lines", also("x-folded: one", " two"), 400],
    ["headers of 9 KiB", also(`x-long: ${"x".repeat(9 * 1024)}`), 431],
    ["headers of 7 KiB", also(`x-long: ${"x".repeat(7 * 1024)}`), 101],
    // Node's server reads the first.
    ["two hosts", also("host: elsewhere"), 101],
    ["compression offered", also("sec-websocket-extensions: permessage-deflate; client_max_window_bits"), 101],
    ["an extension that nobody knows", also("sec-websocket-extensions: x-nobody; a=1"), 101],
    ["nonsense as an extension", also("sec-websocket-extensions: ,;=;"), 101],
    ["subprotocols that are not spoken", also("sec-websocket-protocol: unknown, other"), 101],
    ["subprotocols on two lines", also("sec-websocket-protocol: unknown", "sec-websocket-protocol: good"), 101],
    ["a subprotocol twice", also("sec-websocket-protocol: good, good"), 400],
    ["an empty list of subprotocols", also("sec-websocket-protocol: "), 400],
    ["a comma before the subprotocols", also("sec-websocket-protocol: ,good"), 400],
    ["a comma after the subprotocols", also("sec-websocket-protocol: good,"), 400],
    ["a subprotocol with a slash", also("sec-websocket-protocol: go/od"), 400],
    ["a subprotocol of two words", also("sec-websocket-protocol: go od"), 400],
    ["a body of nothing", also("content-length: 0"), 101],
    ["a body of two lengths", also("content-length: 5", "transfer-encoding: chunked"), 400],
    ["a body that is waited for", also("expect: 100-continue"), 101],
    ["names that every object has", also("sec-websocket-protocol: __proto__, constructor"), 101],
    ["five hundred subprotocols", also(`sec-websocket-protocol: ${Array.from({ length: 500 }, (_, at) => `p${at}`).join()}`), 101],
    ["a return in a subprotocol", also("sec-websocket-protocol: good\rx-more: 1"), 400],
    ["a new line in a subprotocol", also("sec-websocket-protocol: good\nx-more: 1"), 400],
    ["letters beyond ASCII in a header", also("x-name: J\xf6rg"), 101],
    ["fifteen hundred headers", also(...Array.from({ length: 1_500 }, (_, at) => `a: ${at % 10}`)), 431],
    ["connection said twice", also("connection: close"), 101],
    ["empty lines before the request", `\r\n\r\n${requestOf(usualHeaders)}`, 101],
    ["a whole address for a path", requestOf(usualHeaders, "GET http://127.0.0.1:{port}{path} HTTP/1.1"), 404],
    ["another way to write the path", requestOf(usualHeaders, "GET /%65cho HTTP/1.1"), 404],
    ["two slashes", requestOf(usualHeaders, "GET /{path} HTTP/1.1"), 404],
    ["a NUL in the path", requestOf(usualHeaders, "GET {path}\0 HTTP/1.1"), 400],
    ["a tunnel", requestOf(usualHeaders, "CONNECT {path} HTTP/1.1"), 0],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
    ["line ends without a return", requestOf(usualHeaders).replaceAll("\r\n", "\n"), 400],
    ["TLS instead of HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
  ];
  for (const [name, request, status] of cases) {
    yield { name: `handshake: ${name}`, request, pieces: [bye], verdict: status === 101 ? echoed() : answered(status) };
  }
  // Where `ws` lets somebody in, the handshake is followed by a close in order.
  const others: readonly (readonly [name: string, request: string, status: number, ws: NonNullable<TortureCase["ws"]>])[] = [
    ...["0", "7", "12", "14", "255", "13, 13", "13, 8", "thirteen", ""].map(
      (version) => [`version "${version}"`, swap("sec-websocket-version", `sec-websocket-version: ${version}`), 426, says400] as const,
    ),
    ...["013", "13.0", "0xd"].map(
      (version) =>
        [
          `version "${version}"`,
          swap("sec-websocket-version", `sec-websocket-version: ${version}`),
          426,
          letsIn("it reads a number"),
        ] as const,
    ),
    ["version 8", swap("sec-websocket-version", "sec-websocket-version: 8"), 426, letsIn("it speaks that draft, too")],
    ["no version", swap("sec-websocket-version"), 426, says400],
    ["HTTP/1.0", requestOf(usualHeaders, "GET {path} HTTP/1.0"), 400, letsIn("it does not look; 4.2.1 asks for 1.1")],
    ["the version twice", also("sec-websocket-version: 13"), 426, says400],
    ["a body", also(`content-length: ${bye.length}`), 400, letsIn("it takes what was announced as a body for frames")],
    ["a body in chunks", also("transfer-encoding: chunked"), 400, letsIn("it takes what was announced as a body for frames")],
    ["a body in a coding that nobody knows", also("transfer-encoding: x-nobody"), 400, letsIn("it does not look")],
    // Refused at the door already: whose page it comes from cannot be told.
    ["no host", swap("host"), 403, letsIn("it does not look; 4.2.1 asks for one")],
  ];
  for (const [name, request, status, ws] of others)
    yield { name: `handshake: ${name}`, request, pieces: [bye], verdict: answered(status), ws };
  const before = text("in the same breath");
  const heard = told(1, utf8("in the same breath"));
  const request = requestOf(usualHeaders);
  yield {
    name: "handshake: a message in one write with the request",
    request,
    atOnce: true,
    pieces: [before, bye],
    verdict: echoed(heard),
  };
  yield {
    name: "handshake: half a message in one write with the request",
    request,
    atOnce: true,
    pieces: [before.subarray(0, 9), before.subarray(9), bye],
    verdict: echoed(heard),
  };
  yield {
    name: "handshake: all there is to say in one write with the request",
    request,
    atOnce: true,
    pieces: [Buffer.concat([before, bye])],
    verdict: echoed(heard),
  };
  yield {
    name: "handshake: a bad frame in one write with the request",
    request,
    atOnce: true,
    pieces: [frame({ opcode: 1, mask: undefined })],
    verdict: refused(1002),
  };
  // A second request is no frame: its first letter has reserved bits.
  yield {
    name: "handshake: a second request in one write with the first",
    request,
    atOnce: true,
    pieces: [Buffer.from(request)],
    verdict: refused(1002),
  };
  yield { name: "handshake: a second request after the first", request, pieces: [Buffer.from(request)], verdict: refused(1002) };
}

export const tortureCases: readonly TortureCase[] = [
  ...sizes(),
  ...oversized(),
  ...masks(),
  ...reserved(),
  ...controls(),
  ...fragments(),
  ...texts(),
  ...closes(),
  ...ends(),
  ...handshakes(),
];
