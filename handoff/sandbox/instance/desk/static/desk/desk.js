// Keeps the lists and the messages fresh, and sends without leaving the page. The
// server renders every piece; without this script the same forms and links work.
(function () {
  'use strict';

  var INTERVAL = 1500;
  // Without a key for so long, the agent is no longer writing.
  var PAUSE = 4000;
  var frame = document.querySelector('.messages-frame');
  var form = document.querySelector('.send');
  var problem = document.querySelector('.chat .problem');
  var following = true;
  var typing = false;
  var pause;

  function atBottom(element) {
    return element.scrollHeight - element.scrollTop - element.clientHeight < 60;
  }

  function toBottom() {
    if (frame) frame.scrollTop = frame.scrollHeight;
  }

  // A picture has no height until it is loaded.
  function follow() {
    if (following) toBottom();
  }

  function say(text) {
    if (!problem) return;
    problem.textContent = text;
    problem.hidden = !text;
  }

  // A piece whose markup is the same stays, so that focus and selection do too. Each
  // answer masks the CSRF token anew: that is no change.
  function withoutToken(html) {
    return html.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, '');
  }

  function place(element, html) {
    if (withoutToken(html) === element.dataset.shown) return;
    element.dataset.shown = withoutToken(html);
    element.innerHTML = html;
    mark(element);
    if (element === frame) follow();
  }

  function mark(element) {
    var current = element.dataset.current;
    element.querySelectorAll('[data-chat-id]').forEach(function (ticket) {
      ticket.classList.toggle('ticket-current', ticket.dataset.chatId === current);
    });
  }

  function refresh(element) {
    return fetch(element.dataset.refresh, { credentials: 'same-origin' }).then(
      function (response) {
        if (response.redirected) return window.location.reload();
        if (!response.ok) throw new Error(response.status);
        return response.text().then(function (html) {
          place(element, html);
        });
      }
    );
  }

  function stateChanged() {
    var state = frame && frame.querySelector('.chat-state');
    return state && state.dataset.state !== frame.dataset.state;
  }

  function hasDraft() {
    return form && (form.text.value || form.file.value);
  }

  function refreshAll() {
    var pieces = Array.from(document.querySelectorAll('[data-refresh]'));
    return Promise.all(pieces.map(refresh))
      .then(function () {
        // Which buttons there are depends on the state; what is typed must not go.
        if (stateChanged() && !hasDraft()) window.location.reload();
      })
      .catch(function () {});
  }

  function tick() {
    refreshAll().then(function () {
      setTimeout(tick, INTERVAL);
    });
  }

  function send(event) {
    event.preventDefault();
    var button = form.querySelector('button');
    var text = form.text.value;
    var file = form.file.files[0];
    if (!(text.trim() || file) || button.disabled) return;
    button.disabled = true;
    stopTyping();
    fetch(form.action, { method: 'POST', body: new FormData(form) })
      .then(function (response) {
        return response.text().then(function (html) {
          if (response.ok) {
            // What was typed meanwhile stays.
            form.text.value = form.text.value.replace(text, '');
            if (form.file.files[0] === file) form.file.value = '';
            say('');
            // Not waited for: the box is empty, and Enter must send what comes next.
            refreshAll().then(toBottom);
            return;
          }
          var page = new DOMParser().parseFromString(html, 'text/html');
          var reason = page.querySelector('.problem');
          say(reason ? reason.textContent : 'The message was not sent.');
        });
      })
      .catch(function () {
        say('The message was not sent. Try again.');
      })
      .then(function () {
        button.disabled = false;
        form.text.focus();
      });
  }

  function tellTyping(now) {
    if (now === typing || !form.dataset.typing) return;
    typing = now;
    var body = new FormData();
    body.set('csrfmiddlewaretoken', form.csrfmiddlewaretoken.value);
    body.set('typing', now);
    // Kept alive: the page may be on its way out.
    fetch(form.dataset.typing, { method: 'POST', body: body, keepalive: true }).catch(
      function () {}
    );
  }

  function stopTyping() {
    clearTimeout(pause);
    tellTyping(false);
  }

  function typed() {
    clearTimeout(pause);
    pause = setTimeout(stopTyping, PAUSE);
    tellTyping(form.text.value.trim() !== '');
  }

  if (frame) {
    frame.addEventListener('load', follow, true);
    frame.addEventListener('scroll', function () {
      following = atBottom(frame);
    });
    frame.dataset.state = frame.querySelector('.chat-state').dataset.state;
    toBottom();
  }
  document.querySelectorAll('[data-current]').forEach(mark);
  if (form) {
    form.addEventListener('submit', send);
    form.text.addEventListener('input', typed);
    window.addEventListener('pagehide', stopTyping);
    form.text.addEventListener('keydown', function (event) {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
  }
  setTimeout(tick, INTERVAL);
})();
