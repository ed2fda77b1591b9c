const yes =
  /\b(?:yes|yeah|yea|yep|yup|yah|aye|sure|correct|right(?! now| away)|exactly|ok|okay|absolutely|definitely|perfect|please do|go ahead|do it|of course|that's it|that is it|indeed|sounds good|fine|great|why not|no problem|i do|it is|that works|affirmative|book it)\b/;
const no = /\b(?:no|nope|nah|not|wrong|incorrect|don't|isn't|never|negative|neither)\b/;
const hedged = /\b(?:don't know|not sure|no idea|i'm not certain|no problem|why not|not a problem|no worries|not now but yes)\b/;

/** Whether the caller agrees. Undefined: neither said. "Yes, but not Friday" is no: something is to be changed. */
export function readYesNo(text: string): "yes" | "no" | undefined {
  const said = text.toLowerCase().replaceAll("’", "'");
  if (/\b(?:no problem|why not|not a problem|no worries)\b/.test(said)) return "yes";
  if (hedged.test(said)) return undefined;
  if (no.test(said)) return "no";
  return yes.test(said) ? "yes" : undefined;
}
