"use strict";

// The server renders the chat. This keeps the page like it, without reloading.

const POLL_MS = 1000;
const LOST = "The connection is lost. Trying again…";
const NOT_TAKEN = "That could not be sent. Please reload the page and try again.";

const composer = document.getElementById("composer");
const choose = document.getElementById("choose");
const box = composer.elements.text;
const fileInput = composer.elements.file;
const attached = document.getElementById("attached");
const notice = document.getElementById("notice");

const waiting = [];
let posting = false;
let following = true;
let lastTop = 0;

const list = () => document.getElementById("messages");
const parse = (html) => new DOMParser().parseFromString(html, "text/html");

function tell(text) {
  notice.textContent = text;
}

function isAtEnd() {
  const { scrollHeight, scrollTop, clientHeight } = list();
  return scrollHeight - scrollTop - clientHeight < 60;
}

function scrollToEnd() {
  list().scrollTop = list().scrollHeight;
}

function follow() {
  if (following) scrollToEnd();
}

// Only what differs is touched, so that a screen reader reads only what is new.
function place(item, before) {
  const id = CSS.escape(item.dataset.messageId);
  const shown = list().querySelector(`[data-message-id="${id}"]`);
  if (!shown) {
    list().insertBefore(item, before);
    return item;
  }
  if (shown !== before) list().insertBefore(shown, before);
  if (shown.isEqualNode(item)) return shown;
  shown.replaceWith(item);
  return item;
}

function show(html) {
  const fresh = parse(html);
  let next = list().firstElementChild;
  for (const item of [...fresh.querySelectorAll("[data-message-id]")]) {
    next = place(item, next).nextElementSibling;
  }
  const status = document.getElementById("status");
  const freshStatus = fresh.getElementById("status");
  if (!status.isEqualNode(freshStatus)) status.replaceWith(freshStatus);
  const typing = document.getElementById("typing");
  const freshTyping = fresh.getElementById("typing").textContent;
  if (typing.textContent !== freshTyping) typing.textContent = freshTyping;
  follow();
}

async function poll() {
  try {
    const response = await fetch("/chat");
    if (response.status === 404) return location.reload();
    if (!response.ok) throw new Error(response.status);
    show(await response.text());
    if (notice.textContent === LOST) tell("");
  } catch {
    tell(LOST);
  }
  post();
  return setTimeout(poll, POLL_MS);
}

function showFile() {
  const file = fileInput.files[0];
  attached.hidden = !file;
  attached.firstElementChild.textContent = file ? file.name : "";
  const isTooLarge = file && file.size > Number(fileInput.dataset.maxBytes);
  tell(isTooLarge ? fileInput.dataset.tooLarge : "");
  return !isTooLarge;
}

function detach() {
  fileInput.value = "";
  showFile();
  box.focus();
}

function send() {
  if (!box.value.trim() && !fileInput.files.length) return;
  if (!showFile()) return;
  waiting.push({ to: composer.action, body: new FormData(composer) });
  composer.elements.id.value = crypto.randomUUID();
  box.value = "";
  box.dispatchEvent(new Event("input"));
  detach();
  post();
}

// One at a time and in order; what finds no answer is posted again, under its id.
async function post() {
  if (posting) return;
  posting = true;
  try {
    while (waiting.length) {
      const { to, body } = waiting[0];
      const response = await fetch(to, { method: "POST", body });
      if (response.status >= 500) throw new Error(response.status);
      waiting.shift();
      if (response.ok) {
        tell("");
        show(await response.text());
        scrollToEnd();
      } else {
        const why = parse(await response.text()).getElementById("notice");
        tell(why?.textContent.trim() || NOT_TAKEN);
        box.value = (body.get("text") ?? "") + box.value;
      }
    }
  } catch {
    tell(LOST);
  } finally {
    posting = false;
  }
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});

choose.addEventListener("submit", (event) => {
  event.preventDefault();
  waiting.push({ to: choose.action, body: new FormData(choose, event.submitter) });
  post();
});

fileInput.addEventListener("change", () => {
  showFile();
  box.focus();
});
attached.querySelector("button").addEventListener("click", detach);

// A picture is as high as it is only once it has come; load events do not bubble.
list().addEventListener("load", follow, true);
// Who scrolls up reads; a picture that comes meanwhile moves the end and nothing else.
list().addEventListener("scroll", () => {
  const { scrollTop } = list();
  following = isAtEnd() || (following && scrollTop >= lastTop);
  lastTop = scrollTop;
});
// Also when a keyboard comes up, the screen is turned or the box grows.
new ResizeObserver(follow).observe(list());
setTimeout(poll, POLL_MS);
