import fc from "fast-check";
import { expect, test } from "vitest";
import { speakable } from "../../../../src/provider/local/mouth/reading.ts";

test.each([
  ["We open at 7:30 pm.", "We open at seven thirty p m."],
  ["Come at 7pm. See you.", "Come at seven p m. See you."],
  ["From 9 a.m. to 5 p.m. Bye.", "From nine ay m. to five p m. Bye."],
  ["9am-5pm, Mon-Fri", "nine ay m to five p m, Monday to Friday"],
  ["at 6:05, 19:00 or 12:00", "at six oh five, nineteen hundred hours or twelve o'clock"],
  ["Saturday, Nov. 21st at 8:30 p.m.?", "Saturday, November twenty first at eight thirty p m?"],
  ["November 21, 2026", "November twenty first, twenty twenty six"],
  ["2026-11-21", "November twenty first, twenty twenty six"],
  ["11/03/2005", "November third, two thousand five"],
  ["on 5 May 1907", "on May fifth, nineteen oh seven"],
  ["the 3rd of May", "the third of May"],
  ["Since 1987", "Since nineteen eighty seven"],
  ["May I ask?", "May I ask?"],
])("%j: times and dates are said as %j", (written, said) => expect(speakable(written)).toBe(said));

test.each([
  ["Call +1 (555) 010-0199 now.", "Call plus one, five five five, zero one zero, zero one nine nine now."],
  ["555-0199", "five five five, zero one nine nine"],
  ["Your order 48213 is ready.", "Your order four eight two one three is ready."],
  ["order number 4471-92", "order number four four seven one, nine two"],
  ["Is that 4 7 1, 9 2, right?", "Is that four seven one, nine two, right?"],
  ["Call 911 now", "Call nine one one now"],
  ["table AB-1234", "table ay B one two three four"],
])("%j: what names something is said digit by digit: %j", (written, said) => expect(speakable(written)).toBe(said));

test.each([
  ["It costs $12.50, or $1.", "It costs twelve dollars and fifty cents, or one dollar."],
  ["£0.99", "ninety nine pence"],
  ["$3 million", "three million dollars"],
  ["€1,200", "one thousand two hundred euros"],
  ["1,204.5 people", "one thousand two hundred four point five people"],
  ["50% off", "fifty percent off"],
  ["-5 °C", "minus five degrees Celsius"],
  ["3-4 people", "three to four people"],
  ["2 x 3 = 6", "two times three equals six"],
  ["1/2 hour", "one half hour"],
  ["24/7", "twenty four seven"],
  ["A table for 112, please.", "A table for one hundred twelve, please."],
])("%j: what counts something is said as %j", (written, said) => expect(speakable(written)).toBe(said));

test.each([
  ["Dr. Smith at 12 Main St. near St. Mary", "doctor Smith at twelve Main Street near Saint Mary"],
  ["We are in Main St.", "We are in Main Street."],
  ["e.g. pizza, pasta, etc.", "for example pizza, pasta, et cetera."],
  ["he sat. Then he left.", "he sat. Then he left."],
  ["this & that", "this and that"],
  ["A/B test", "A or B test"],
  ["The API wants a PIN.", "The ay P I wants a pin."],
  ["in the U.S. today", "in the U S today"],
  ["HELLO THERE", "hello there"],
  ["Linekeeper says OK", "line keeper says okay"],
  ["info@example.com or www.example.com/menu", "info at example dot com or example dot com slash menu"],
  ["Café (the old one) — nice…", "Cafe, the old one, nice"],
])("%j: words and signs are said as %j", (written, said) => expect(speakable(written)).toBe(said));

test.each([
  ["**Bold** and [link](https://example.com)", "Bold and link"],
  ["- one\n- two\n- three", "one. two. three"],
  ["# Title\nText", "Title. Text"],
  ["`code` snake_case", "code snake case"],
  ["nice 🙂", "nice"],
  ["🙂", ""],
  ["...", ""],
  ["", ""],
])("%j: no markup is said: %j", (written, said) => expect(speakable(written)).toBe(said));

test("whatever is written, only words and the marks of a sentence are said", () => {
  const scrap = fc.oneof(
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.constantFrom("12", ":30", " pm", "$", "1.", "-", "St.", "A", "@b.com", "**", "\n", "%", "(", "5th", "½"),
  );
  fc.assert(
    fc.property(fc.array(scrap, { maxLength: 12 }), (scraps) => {
      expect(speakable(scraps.join(""))).toMatch(/^[^\d$€£%&@*_#[\](){}<>|\\/\n]*$/);
    }),
    { seed: 20_261_121, numRuns: 2_000 },
  );
});
