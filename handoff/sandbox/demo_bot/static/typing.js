// Tells an agent, while one is there, that the user is typing, and when not any more.

const PAUSE_MS = 4000;

const composer = document.getElementById("composer");
const box = composer.elements.text;

let told = false;
let pause;

const isWithAgent = () => document.getElementById("status").dataset.state === "accepted";

function tell(typing) {
  clearTimeout(pause);
  if (typing) pause = setTimeout(() => tell(false), PAUSE_MS);
  if (typing === told) return;
  told = typing;
  const body = new URLSearchParams({
    typing,
    csrfmiddlewaretoken: composer.elements.csrfmiddlewaretoken.value,
  });
  // Nothing hangs on it: what is lost is out of date.
  fetch(composer.dataset.typing, { method: "POST", body, keepalive: true }).catch(() => {});
}

box.addEventListener("input", () => tell(isWithAgent() && box.value.trim() !== ""));
addEventListener("pagehide", () => tell(false));
