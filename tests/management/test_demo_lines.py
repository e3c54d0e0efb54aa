import pytest
import responses

from handoff.management.demo import script
from handoff.management.demo.browser import Browser
from handoff.management.demo.lines import Line, Reader

URL = "http://127.0.0.1:8020/chat"
PAGE = f"""
<ol>
  <li data-message-id="1" data-role="agent">
    <span class="author">Live Agent</span><p class="text">Look:
 here</p>
    <a href="/file" data-file-name="{script.NOTE.name}"><img src="/file"></a>
  </li>
  <li data-message-id="2" data-role="system">
    <button name="choice" disabled>Gone</button><button name="choice">Good</button>
  </li>
</ol>
"""


@pytest.fixture
def reader(http: responses.RequestsMock) -> Reader:
    http.get(URL, body=PAGE)
    return Reader(Browser(), author="author", text="text")


def read(reader: Reader) -> list[Line]:
    return reader.lines(reader.browser.get(URL))


def test_a_message_shows_its_text_its_files_and_what_can_be_chosen(
    reader: Reader, http: responses.RequestsMock
):
    http.get("http://127.0.0.1:8020/file", body=script.NOTE.content)

    said, asked = read(reader)

    assert said.parts == ["Look:\n here", str(script.NOTE)]
    assert said.author == "Live Agent"
    assert asked.choices == ("Good",)
    assert asked.parts == []


def test_a_file_is_fetched_once(reader: Reader, http: responses.RequestsMock):
    file = http.get("http://127.0.0.1:8020/file", body=script.NOTE.content)

    assert read(reader) == read(reader)

    assert file.call_count == 1


def test_a_file_that_cannot_be_had_is_no_such_file(
    reader: Reader, http: responses.RequestsMock
):
    http.get("http://127.0.0.1:8020/file", status=410)

    (shown,) = read(reader)[0].files

    assert shown.endswith("whose address answers 410")
