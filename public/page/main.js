import { callBeforeReload } from "../linekeeper-client.js";
import { BreakIt } from "./break-it.js";
import { CallPage } from "./call-page.js";
import { byId, element, icon } from "./element.js";
import { holdRecordedCall } from "./recorded-call.js";

/** `?raw=1`: no echo cancellation and the like. `?agent=`: who is asked for. `?audio=opus`, or `pcm16@RATE`: how sound travels. `#token=`: behind the `#`, so that no server log has it. */
const query = new URLSearchParams(location.search);
const agent = query.get("agent");
const audio = query.get("audio");
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const socketUrl = new URL("browser", location.href);
socketUrl.protocol = socketUrl.protocol.replace("http", "ws");
socketUrl.hash = "";

const page = new CallPage(socketUrl, {
  raw: query.get("raw") === "1",
  ...(agent === null ? {} : { agent }),
  ...(audio === null ? {} : { audio: { up: audio, down: audio } }),
  ...(token === null ? {} : { token }),
});
// For tests, and for who tries the client from the console.
Object.assign(globalThis, { linekeeper: page });

const before = callBeforeReload();
if (before !== undefined) void page.comeBack(before);

/** @param {"microphone" | "none"} source */
const startAlone = (source) => {
  page.onNotice = undefined;
  return page.start(source);
};

byId("talk", HTMLElement).addEventListener("click", () => (page.busy ? page.hangUp() : void startAlone("microphone")));
byId("again", HTMLElement).addEventListener("click", () => void page.again());
byId("without", HTMLElement).addEventListener("click", () => void startAlone("none"));
byId("mute", HTMLElement).addEventListener("click", () => page.toggleMute());
byId("composer", HTMLFormElement).addEventListener("submit", (submit) => {
  submit.preventDefault();
  const input = byId("text", HTMLInputElement);
  const text = input.value.trim();
  if (text === "") return;
  page.type(text);
  input.value = "";
});

const breakIt = new BreakIt(new URL(".", location.href), byId("break-it", HTMLElement));
page.followers.add((notice) => breakIt.take(notice));
void breakIt.begin();

const microphone = byId("microphone", HTMLSelectElement);
microphone.addEventListener("change", () => void page.useMicrophone(microphone.value));
const speaker = byId("speaker", HTMLSelectElement);
speaker.addEventListener("change", () => void page.useSpeaker(speaker.value));
navigator.mediaDevices?.addEventListener("devicechange", () => void page.listDevices());
void page.listDevices();

const examples = await fetch("examples.json").then((answer) => answer.json());
byId("examples", HTMLElement).replaceChildren(
  ...examples.map((/** @type {import("./example-call.js").Script} */ script) => {
    const words = element("span", {}, [element("b", {}, [script.title]), script.about]);
    const button = element("button", { class: "example", type: "button" }, [icon("play"), words]);
    button.addEventListener("click", () => void holdRecordedCall(page, script));
    return element("li", {}, [button]);
  }),
);
