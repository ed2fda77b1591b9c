import { fakeAsterisk } from "./asterisk.ts";
import { fakeAudioSocket } from "./audiosocket.ts";
import { fakeExotel } from "./exotel.ts";
import type { FakeDialect } from "./fake-caller.ts";
import { fakeFreeswitch, fakeFreeswitchFork, fakeFreeswitchStream } from "./freeswitch.ts";
import { fakeGenesys } from "./genesys.ts";
import { fakeJambonz } from "./jambonz.ts";
import { fakePlivo } from "./plivo.ts";
import { fakeSignalwire } from "./signalwire.ts";
import { fakeTelnyx } from "./telnyx.ts";
import { fakeVonage } from "./vonage.ts";

/** Far ends that bring a call of their own accord; Twilio's asks by webhook first, see `twilio-cloud.ts`. */
export const fakeCallers: readonly FakeDialect[] = [
  fakeTelnyx,
  fakeVonage,
  fakePlivo,
  fakeSignalwire,
  fakeExotel,
  fakeGenesys,
  fakeJambonz,
  fakeFreeswitch,
  fakeFreeswitchFork,
  fakeFreeswitchStream,
  fakeAsterisk,
  fakeAudioSocket,
];
