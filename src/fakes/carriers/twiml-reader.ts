/** One verb or noun of a TwiML document. */
export interface TwimlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly TwimlElement[];
  readonly text: string;
}

/** What a voice document may hold, as far as this fake plays it: element, attributes, and what may stand in it. */
const known: Readonly<Record<string, { readonly attributes: readonly string[]; readonly holds: readonly string[] }>> = {
  Response: { attributes: [], holds: ["Connect", "Dial", "Hangup", "Pause", "Redirect", "Reject", "Say"] },
  Connect: { attributes: ["action", "method"], holds: ["Stream"] },
  Stream: { attributes: ["url", "name", "statusCallback", "statusCallbackMethod"], holds: ["Parameter"] },
  Parameter: { attributes: ["name", "value"], holds: [] },
  Dial: { attributes: ["action", "method", "timeout", "callerId", "answerOnBridge"], holds: ["Number", "Sip"] },
  Number: { attributes: ["url", "statusCallback", "statusCallbackEvent"], holds: [] },
  Sip: { attributes: ["url", "statusCallback", "statusCallbackEvent"], holds: [] },
  Hangup: { attributes: [], holds: [] },
  Pause: { attributes: ["length"], holds: [] },
  Redirect: { attributes: ["method"], holds: [] },
  Reject: { attributes: ["reason"], holds: [] },
  Say: { attributes: ["language", "voice", "loop"], holds: [] },
};

const token = /<\?[^>]*\?>|<(\/?)([A-Za-z]+)((?:\s+[A-Za-z]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** @throws {Error} for whatever Twilio would not play (error 12100 and its like) */
export function readTwiml(document: string): readonly TwimlElement[] {
  interface Open {
    readonly name: string;
    readonly attributes: Record<string, string>;
    readonly children: TwimlElement[];
    text: string;
  }
  const root: Open = { name: "", attributes: {}, children: [], text: "" };
  const open: Open[] = [root];
  let at = 0;
  for (const [whole, closes, name, attributes = "", empty, text] of document.matchAll(token)) {
    at += whole.length;
    const parent = open.at(-1) ?? root;
    if (text !== undefined) parent.text += unescaped(text);
    else if (closes === "/") {
      if (open.length < 2 || parent.name !== name) throw new Error(`</${name}> closes nothing`);
      open.pop();
    } else if (name !== undefined) {
      const element: Open = { name, attributes: attributesOf(name, attributes), children: [], text: "" };
      mustFit(parent.name, name);
      parent.children.push(element);
      if (empty !== "/") open.push(element);
    }
  }
  if (at !== document.length || open.length > 1) throw new Error(`no XML from character ${at} on`);
  const [response] = root.children;
  if (root.children.length !== 1 || response?.name !== "Response") throw new Error("a document is one <Response>");
  return response.children;
}

function mustFit(parent: string, name: string): void {
  if (known[name] === undefined) throw new Error(`there is no <${name}>`);
  if (parent !== "" && known[parent]?.holds.includes(name) !== true) throw new Error(`<${name}> may not stand in <${parent}>`);
}

function attributesOf(name: string, written: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, key = "", value = ""] of written.matchAll(/([A-Za-z]+)="([^"<]*)"/g)) {
    if (known[name]?.attributes.includes(key) !== true) throw new Error(`<${name}> has no attribute ${key}`);
    attributes[key] = unescaped(value);
  }
  return attributes;
}

function unescaped(text: string): string {
  return text.replace(/&([^;]*);?/g, (whole, name: string) => {
    const character = entities[name];
    if (character === undefined || !whole.endsWith(";")) throw new Error(`${whole.slice(0, 16)} is no entity`);
    return character;
  });
}
