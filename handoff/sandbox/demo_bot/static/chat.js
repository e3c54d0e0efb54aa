"use strict";

// The server renders the chat. This keeps the page like it, without reloading.

const POLL_MS = 1000;
const LOST = "The connection is lost. Trying again…";
const NOT_TAKEN = "That could not be sent. Please reload the page and try again.";

const composer = document.getElementById("composer");
const box = composer.elements.text;
const notice = document.getElementById("notice");

const waiting = [];
let posting = false;

const list = () => document.getElementById("messages");

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
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const follow = isAtEnd();
  let next = list().firstElementChild;
  for (const item of [...fresh.querySelectorAll("[data-message-id]")]) {
    next = place(document.adoptNode(item), next).nextElementSibling;
  }
  const status = document.getElementById("status");
  const freshStatus = fresh.getElementById("status");
  if (!status.isEqualNode(freshStatus)) status.replaceWith(freshStatus);
  if (follow) scrollToEnd();
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

function send() {
  if (!box.value.trim()) return;
  waiting.push(new URLSearchParams(new FormData(composer)));
  composer.elements.id.value = crypto.randomUUID();
  box.value = "";
  box.focus();
  post();
}

// One at a time and in order; what finds no answer is posted again, under its id.
async function post() {
  if (posting) return;
  posting = true;
  try {
    while (waiting.length) {
      const response = await fetch(composer.action, { method: "POST", body: waiting[0] });
      if (response.status >= 500) throw new Error(response.status);
      const message = waiting.shift();
      if (response.ok) {
        tell("");
        show(await response.text());
        scrollToEnd();
      } else {
        tell(NOT_TAKEN);
        box.value = message.get("text") + box.value;
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

scrollToEnd();
setTimeout(poll, POLL_MS);
