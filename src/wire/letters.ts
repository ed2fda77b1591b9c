// Reading texts by their bytes, where a string of each would cost more than what is looked for in it. All that is found is ASCII.
import type { Buffer } from "node:buffer";

/** What a text is compared with. */
export const lettersOf = (ascii: string): Uint8Array => Uint8Array.from(ascii, (letter) => letter.charCodeAt(0));

const [zero, nine] = [0x30, 0x39];

/** Whether `letters` stand at `at`; what is behind the end of the text must be looked at by the caller. */
export function isAt(text: Buffer, at: number, letters: Uint8Array): boolean {
  for (let index = 0; index < letters.length; index += 1) if (text[at + index] !== letters[index]) return false;
  return true;
}

/** The same of a string. */
export function isTextAt(text: Buffer, at: number, ascii: string): boolean {
  for (let index = 0; index < ascii.length; index += 1) if (text[at + index] !== ascii.charCodeAt(index)) return false;
  return true;
}

/** Where the digits end that begin at `from`; `most` of them are looked at. */
export function digitsEnd(text: Buffer, from: number, most: number): number {
  let at = from;
  while (at - from < most && isDigit(text[at] ?? 0)) at += 1;
  return at;
}

/** Of digits. */
export function numberAt(text: Buffer, from: number, end: number): number {
  let number = 0;
  for (let at = from; at < end; at += 1) number = number * 10 + (text[at] ?? zero) - zero;
  return number;
}

/** Where what is no letter, digit, underscore or hyphen stands next. */
export function wordEnd(text: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && isOfWord[text[at] ?? 0] === 1) at += 1;
  return at;
}

const isOfWord = new Uint8Array(256);
for (const letter of lettersOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")) isOfWord[letter] = 1;

const isDigit = (code: number): boolean => code >= zero && code <= nine;
