import type { Dialect } from "./dialect.ts";
import { browser } from "./dialects/browser.ts";
import { twilio } from "./dialects/twilio.ts";

/** Every wire format that a caller may come with over a WebSocket. */
export const dialects: readonly Dialect[] = [browser, twilio];
