// All that a page needs. On a page of yours, with this file, linekeeper-client.js and client/ beside it: set `url` to your server
// and `token` to what asks your back end for one from POST /v1/tokens: () => fetch("/call-token").then((answer) => answer.text()).
import { connect } from "./linekeeper-client.js";

const url = new URL("browser", location.href.replace(/^http/, "ws"));
/** Asked for each call, and again when one has lasted for an hour. @type {(() => Promise<string>) | undefined} */
const token = undefined;

const [button, state, words] = ["call", "state", "words"].map((id) => /** @type {HTMLElement} */ (document.getElementById(id)));
/** @type {Awaited<ReturnType<typeof connect>> | undefined} */
let call;

button?.addEventListener("click", () => void (call === undefined ? begin() : call.hangUp()));

async function begin() {
  try {
    call = await connect({ url, onNotice, ...(token === undefined ? {} : { token }) });
    show(button, "Hang up");
  } catch (failure) {
    show(state, String(failure));
  }
}

/** @param {import("./linekeeper-client.js").CallNotice} notice */
function onNotice(notice) {
  if (notice.type === "phase") show(state, String(notice["phase"]));
  if (notice.type === "line.lost") show(state, "reconnecting");
  if (notice.type === "caption") show(words, String(notice["text"]));
  if (notice.type !== "closed") return;
  call = undefined;
  show(button, "Call the front desk");
  show(state, "failure" in notice && notice.failure ? String(notice.failure) : "The call is over.");
}

const show = (/** @type {HTMLElement | undefined} */ at, /** @type {string} */ text) => void (at && (at.textContent = text));
