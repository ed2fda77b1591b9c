import type { Dialect } from "./dialect.ts";
import { asterisk } from "./dialects/asterisk.ts";
import { browser } from "./dialects/browser.ts";
import { exotel } from "./dialects/exotel.ts";
import { freeswitch, freeswitchFork, freeswitchStream } from "./dialects/freeswitch.ts";
import { genesys } from "./dialects/genesys.ts";
import { jambonz } from "./dialects/jambonz.ts";
import { plivo } from "./dialects/plivo.ts";
import { signalwire } from "./dialects/signalwire.ts";
import { telnyx } from "./dialects/telnyx.ts";
import { twilio } from "./dialects/twilio.ts";
import { vonage } from "./dialects/vonage.ts";

/** Every wire format that a caller may come with over a WebSocket. */
export const dialects: readonly Dialect[] = [
  browser,
  twilio,
  telnyx,
  vonage,
  plivo,
  signalwire,
  exotel,
  genesys,
  jambonz,
  freeswitch,
  freeswitchFork,
  freeswitchStream,
  asterisk,
];
