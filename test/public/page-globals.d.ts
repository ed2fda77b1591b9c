import type { CallPage } from "../../public/page/call-page.js";
import type { RunningTape } from "../scenario/in-the-page.js";

declare global {
  interface Window {
    /** The page's call, as `public/page/main.js` shows it. */
    readonly linekeeper: CallPage;
    /** Where a tape runs in the page. */
    readonly tape: RunningTape;
    /** The newest samples that went to the loudspeaker; set by the tests. */
    heardHere: () => { samples: number[]; rateHz: number };
  }
}
