import pytest
import responses

from handoff.management.demo import script
from handoff.management.demo.browser import Browser, Form, PageFault
from handoff.management.demo.markup import parse

URL = "http://127.0.0.1:8010/page?step=1"
PAGE = """
<main>A page</main>
<form id="search"><input name="q"></form>
<form id="main" method="post" action="save/">
  <input type="hidden" name="token" value="a&amp;b">
  <input name="off" disabled value="x">
  <input type="checkbox" name="chosen" checked>
  <input type="checkbox" name="left">
  <input type="radio" name="kind" value="basic">
  <input type="radio" name="kind" value="oauth" checked>
  <select name="system"><option value="1">One<option value="2" selected>Two</select>
  <select name="first"><option>Only</select>
  <textarea name="text">
draft</textarea>
  <button name="_save" value="Save">Save</button>
</form>
<input name="outside" form="main" value="too">
<button form="main" formaction="/choose" name="choice" value="3">Very good</button>
<button form="main" name="choice" value="4" disabled>Too late</button>
<script>var x = "<b>never text</b>";</script>
"""


@pytest.fixture
def page(http: responses.RequestsMock):
    http.get(URL, body=PAGE)
    return Browser().get(URL)


def test_a_form_holds_what_a_browser_would_send(page):
    form = page.form(having="_save")

    assert form.action == "http://127.0.0.1:8010/save/"
    assert form.fields == {
        "token": "a&b",
        "chosen": "on",
        "kind": "oauth",
        "system": "2",
        "first": "Only",
        "text": "draft",
        "outside": "too",
    }


def test_newlines_are_sent_as_browsers_do(http: responses.RequestsMock):
    sent = responses.matchers.urlencoded_params_matcher(
        {"text": "one\r\ntwo"}, allow_blank=True
    )
    http.post("http://127.0.0.1:8010/plain", match=[sent])
    form = Form(action="http://127.0.0.1:8010/plain", fields={})

    Browser().submit(form, text="one\ntwo")


def test_a_chosen_file_goes_with_the_form(http: responses.RequestsMock):
    parts = responses.matchers.multipart_matcher(
        {"file": (script.NOTE.name, script.NOTE.content, "text/plain")},
        data={"id": "7"},
    )
    http.post("http://127.0.0.1:8010/plain", match=[parts])
    form = Form(action="http://127.0.0.1:8010/plain", fields={"id": "7"})

    Browser().attach(form, script.NOTE)


def test_a_button_sends_the_form_it_names_to_where_it_says(
    page, http: responses.RequestsMock
):
    fields = {**page.form(having="_save").fields, "choice": "3"}
    sent = responses.matchers.urlencoded_params_matcher(fields)
    http.post("http://127.0.0.1:8010/choose", match=[sent])

    Browser().press(page, label="Very good")


def test_a_button_that_cannot_be_pressed_is_as_good_as_none(page):
    with pytest.raises(PageFault, match="no button 'Too late'"):
        page.button("Too late")


def test_a_form_that_is_not_there_is_named_with_what_the_page_shows(page):
    with pytest.raises(PageFault, match="no form with 'password': A page"):
        page.form(having="password")


def test_an_error_page_is_an_error(http: responses.RequestsMock):
    http.get(URL, body="<body>Not now</body>", status=503)

    with pytest.raises(PageFault, match="answered 503: Not now"):
        Browser().get(URL)


def test_text_is_read_as_displayed():
    root = parse("<p class='a text'>1 &lt; 2\r\n &amp;amp; <br><b>🙂</b></p><p>no</p>")

    (found,) = root.find("p", class_="text")

    assert found.text == "1 < 2\n &amp; 🙂"
    assert found.line == "1 < 2 &amp; 🙂"
