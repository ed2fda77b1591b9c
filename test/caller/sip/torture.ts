import { requestText } from "./wire.ts";

/** What becomes of a message: it is taken, answered with a status, or dropped. */
export type Fate = "taken" | "dropped" | number;

export interface Torture {
  readonly name: string;
  readonly text: string;
  readonly fate: Fate;
}

const lines = (...each: readonly string[]): string => `${each.join("\r\n")}\r\n\r\n`;
const via = "Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK";
const without = (text: string, name: string): string => text.replace(new RegExp(`^${name}:.*\r\n`, "m"), "");
const replaced = (method: string, from: string | RegExp, to: string): string => requestText(method).replace(from, to);

/** The cases of RFC 4475, by the names that it gives them; each built from its description. */
export const tortures: readonly Torture[] = [
  // 3.1.1 valid messages
  {
    name: "wsinv: short forms, folds, spaces and unknown fields everywhere",
    fate: "taken",
    text: lines(
      "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0",
      "TO :",
      " sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n",
      'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>',
      "  ;",
      "  tag = 98asjd8",
      "MaX-fOrWaRdS: 0068",
      "Call-ID: wsinv.ndaksdj@192.0.2.1",
      "Content-Length   : 0",
      "cseq: 0009",
      "  INVITE",
      "Via  : SIP  /   2.0",
      " /UDP",
      "    192.0.2.2;branch=390skdjuw",
      "s :",
      "NewFangledHeader:   newfangled value",
      " continued newfangled value",
      "UnknownHeaderWithUnusualValue: ;;,,;;,;",
      "Route:",
      " <sip:services.example.com;lr;unknownwith=value;unknown-no-value>",
      "v:  SIP  / 2.0  / TCP     spindle.example.com   ;",
      "  branch  =   z9hG4bK9ikj8  ,",
      " SIP  /    2.0   / UDP  192.168.255.111   ; branch=",
      " z9hG4bK30239",
      'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =',
      "      newvalue ;",
      "  secondparam ; q = 0.33",
    ),
  },
  {
    name: "intmeth: every character that a method, a name or a parameter may have",
    fate: "taken",
    text: lines(
      "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0".replace(
        "?,",
        ",",
      ),
      `${via}.!%66*_-*`,
      'To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:1_unusual.URI~@example.com>',
      "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"x\";tag=_token~1'+`*%!-.",
      "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
      "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~",
      "Max-Forwards: 255",
      "extensionHeader-!.%*+_`'~: \xef\xbb\xbf\xe5\xa4\xa7\xe5\x81\x9c\xe9\x9b\xbb",
      "Content-Length: 0",
    ),
  },
  {
    name: "esc01: escapes in URIs",
    fate: "taken",
    text: replaced("INVITE", /^INVITE \S+/, "INVITE sip:sips%3Auser%40example.com@example.net"),
  },
  { name: "escnull: escaped zeros", fate: "taken", text: requestText("REGISTER", { to: "sip:null-%00-null@example.com" }) },
  { name: "esc02: a percent sign that escapes nothing", fate: "taken", text: requestText("RE%47IST%45R", { cseq: "29344 RE%47IST%45R" }) },
  {
    name: "lwsdisp: no space before the bracket",
    fate: "taken",
    text: requestText("OPTIONS", { from: "caller<sip:caller@example.com>;tag=323" }),
  },
  {
    name: "longreq: very long values",
    fate: "taken",
    text: requestText("INVITE", {
      to: `"I have a user name of ${"extreme ".repeat(40)}proportion"<sip:user@example.com:6000;unknownparam1=very${"long".repeat(60)}value>`,
      headers: [`X-Long: ${"very".repeat(500)}`],
    }),
  },
  { name: "dblreq: another request behind the first", fate: "taken", text: `${requestText("REGISTER")}${requestText("INVITE")}` },
  {
    name: "semiuri: semicolons in the user part",
    fate: "taken",
    text: replaced("OPTIONS", /^OPTIONS \S+/, "OPTIONS sip:user;par=u%40example.net@example.com"),
  },
  {
    name: "transports: transports that nobody has heard of",
    fate: "taken",
    text: requestText("OPTIONS", {
      headers: ["Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bK1", "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bK2"],
    }),
  },
  {
    name: "unreason: a reason in another script",
    fate: "taken",
    text: requestText("X").replace(/^.*\r\n/, "SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe\r\n"),
  },
  { name: "noreason: no reason at all", fate: "taken", text: requestText("X").replace(/^.*\r\n/, "SIP/2.0 100 \r\n") },
  // 3.1.2 invalid messages
  {
    name: "badinv01: separators with nothing between them",
    fate: "dropped",
    text: requestText("INVITE", { via: "SIP/2.0/UDP 192.0.2.15;;,;,,", headers: ['Contact: "Joe" <sip:joe@example.org>;;;;'] }),
  },
  { name: "badinv01 with a good Via", fate: 400, text: requestText("INVITE", { headers: ['Contact: "Joe" <sip:joe@example.org>;;;;'] }) },
  {
    name: "clerr: a length that is longer than the message",
    fate: 400,
    text: replaced("INVITE", "Content-Length: 0", "Content-Length: 9999"),
  },
  { name: "ncl: a length below zero", fate: 400, text: replaced("INVITE", "Content-Length: 0", "Content-Length: -999") },
  { name: "scalar02: numbers that are too large", fate: 400, text: requestText("REGISTER", { cseq: "36893488147419103232 REGISTER" }) },
  { name: "scalar02: Max-Forwards of 300", fate: 400, text: replaced("REGISTER", "Max-Forwards: 70", "Max-Forwards: 300") },
  {
    name: "scalarlg: a response with numbers that are too large",
    fate: "dropped",
    text: requestText("X", { cseq: "9292394834772304023312 OPTIONS" }).replace(/^.*\r\n/, "SIP/2.0 503 Service Unavailable\r\n"),
  },
  {
    name: "quotbal: a quotation that does not end",
    fate: 400,
    text: requestText("INVITE", { to: '"Mr. J. User <sip:j.user@example.com>' }),
  },
  { name: "ltgtruri: the request URI in brackets", fate: 400, text: replaced("INVITE", /^INVITE \S+/, "INVITE <sip:user@example.com>") },
  { name: "lwsruri: a space in the request URI", fate: 400, text: replaced("INVITE", /^INVITE \S+/, "INVITE sip:user@example.com; lr") },
  { name: "lwsstart: two spaces in the request line", fate: 400, text: replaced("INVITE", /^INVITE /, "INVITE  ") },
  { name: "trws: spaces behind the request line", fate: 400, text: replaced("OPTIONS", / SIP\/2\.0/, " SIP/2.0  ") },
  {
    name: "escruri: header fields in the request URI",
    fate: 400,
    text: replaced("INVITE", /^INVITE \S+/, "INVITE sip:user@example.com?Route=%3Csip:example.com%3E"),
  },
  {
    name: "baddate: a date that is none, in a field that we do not read",
    fate: "taken",
    text: requestText("OPTIONS", { headers: ["Date: Fri, 01 Jan 2010 16:00:00 EST"] }),
  },
  {
    name: "regbadct: a Contact with header fields and no brackets",
    fate: 400,
    text: requestText("REGISTER", { headers: ["Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"] }),
  },
  {
    name: "badaspec: spaces inside the brackets",
    fate: 400,
    text: requestText("OPTIONS", { to: '"Watson, Thomas" < sip:t.watson@example.org >' }),
  },
  {
    name: "baddn: a display name with a comma",
    fate: 400,
    text: requestText("OPTIONS", { from: "Bell, Alexander <sip:a.g.bell@example.com>;tag=43" }),
  },
  { name: "badvers: version 7.0", fate: 505, text: replaced("OPTIONS", " SIP/2.0", " SIP/7.0") },
  { name: "mismatch01: CSeq names another method", fate: 400, text: requestText("OPTIONS", { cseq: "8 INVITE" }) },
  { name: "mismatch02: CSeq names another method than an unknown one", fate: 400, text: requestText("NEWMETHOD", { cseq: "8 INVITE" }) },
  {
    name: "bigcode: a status of 4294967301",
    fate: "dropped",
    text: requestText("X").replace(/^.*\r\n/, "SIP/2.0 4294967301 better not break the receiver\r\n"),
  },
  // 3.2 and 3.3
  {
    name: "badbranch: a branch with nothing behind the cookie",
    fate: "taken",
    text: requestText("OPTIONS", { via: "SIP/2.0/UDP 127.0.0.1:5099;rport;branch=z9hG4bK" }),
  },
  {
    name: "insuf: no Call-ID, From or To",
    fate: "dropped",
    text: without(without(without(requestText("INVITE"), "Call-ID"), "From"), "To"),
  },
  {
    name: "unkscm: a request URI of an unknown scheme",
    fate: "taken",
    text: replaced("OPTIONS", /^OPTIONS \S+/, "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent"),
  },
  {
    name: "novelsc: a request URI of a known scheme that is not ours",
    fate: "taken",
    text: replaced("OPTIONS", /^OPTIONS \S+/, "OPTIONS soap.beep://192.0.2.103:3002"),
  },
  {
    name: "unksm2: unknown schemes in To, From and Contact",
    fate: "taken",
    text: requestText("OPTIONS", {
      from: "<http://www.example.com>;tag=3",
      to: "<isbn:2983792873>",
      headers: ["Contact: <name:John_Smith>"],
    }),
  },
  {
    name: "multi01: fields twice that may be there once",
    fate: 400,
    text: requestText("INVITE", { headers: ["CSeq: 59 INVITE", "Call-ID: another@one", "From: <sip:other@example.com>;tag=3"] }),
  },
  { name: "mcl01: two lengths", fate: 400, text: requestText("OPTIONS", { headers: ["Content-Length: 1"] }) },
  { name: "zeromf: no hop left, at the last one", fate: "taken", text: replaced("OPTIONS", "Max-Forwards: 70", "Max-Forwards: 0") },
  {
    name: "cparam01: parameters outside the brackets",
    fate: "taken",
    text: requestText("REGISTER", { headers: ["Contact: sip:+19725552222@gw1.example.net;unknownparam"] }),
  },
  {
    name: "regescrt: header fields in a Contact, in brackets",
    fate: "taken",
    text: requestText("REGISTER", { headers: ["Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>"] }),
  },
  {
    name: "inv2543: an INVITE of the first SIP",
    fate: "taken",
    text: lines(
      "INVITE sip:UserB@example.com SIP/2.0",
      "Via: SIP/2.0/UDP iftgw.example.com",
      "From: <sip:+13035551111@ift.client.example.net;user=phone>",
      "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>",
      "To: sip:+16505552222@ss1.example.net;user=phone",
      "Call-ID: inv2543.1717@ift.client.example.com",
      "CSeq: 56 INVITE",
      "Content-Type: application/sdp",
    ),
  },
];
