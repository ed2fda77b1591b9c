import { describe } from "vitest";
import { browser } from "../../../src/caller/dialects/browser.ts";
import { twilio } from "../../../src/caller/dialects/twilio.ts";
import { fakeTwilio } from "../../../src/fakes/carriers/twilio.ts";
import { fakeBrowser } from "../browser-caller.ts";
import { dialectConforms } from "../conformance.ts";

describe("browser", () => dialectConforms(browser, fakeBrowser));
describe("twilio", () => dialectConforms(twilio, fakeTwilio));
