"""Texts made to hold whoever reads them, or to be more than text where shown."""

import re
import time

import pytest

from handoff.chat_systems import text


@pytest.mark.parametrize("token", ["@L[", "@M[", "@[", "@L[|", "@M[|", "@[:"])
def test_a_hostile_text_does_not_hold_a_worker(token):
    hostile = token * (64_000 // len(token))
    began = time.process_time()

    text.render(hostile)
    text.links(hostile)

    # Quadratic, it took a worker, and with it all its threads, up to a minute.
    assert time.process_time() - began < 3


@pytest.mark.parametrize("mark", ["[", "[a](https://x", "**", "*a ", "https://x"])
def test_hostile_markdown_does_not_hold_a_worker(mark):
    began = time.process_time()

    text.markdown_to_html(mark * (64_000 // len(mark)))

    assert time.process_time() - began < 3


@pytest.mark.parametrize("tag", ["<td", "</td ", "</div", '<a href="https://x">', "&"])
def test_a_hostile_page_does_not_hold_a_worker(tag):
    began = time.process_time()

    shown = text.document_to_html(tag * (64_000 // len(tag)))
    text.document_to_plain(shown)
    text.anchors(shown)

    assert time.process_time() - began < 3


@pytest.mark.parametrize("read", [text.document_to_html, text.to_plain])
def test_a_page_that_grows_while_it_is_parsed_is_read_without_parsing(read):
    opened = "".join(f"<b a={number}>" for number in range(1_000))
    began = time.process_time()

    shown = read(f"<p>{opened}" + "<p>x" * 4_000)

    # Four million elements took all memory, and the process was aborted.
    assert time.process_time() - began < 1
    assert shown.split() == ["x"] * 4_000


@pytest.mark.parametrize("tag", ["<div>", "<b><div>", "<a><div>", "<table><a>"])
def test_a_deep_page_does_not_hold_a_worker(tag):
    began = time.process_time()

    text.document_to_html(tag * (500_000 // len(tag)))

    assert time.process_time() - began < 3


def test_a_long_page_is_still_shown_as_one():
    rows = "<tr><td><b>Door</b></td><td><i>jammed</i></td></tr>" * 600

    shown = text.document_to_html(f"<table>{rows}</table>")

    assert shown.startswith("<b>Door</b> <i>jammed</i><br>")


@pytest.mark.parametrize("tag", ["<br", "</p", "<"])
def test_a_hostile_queue_text_does_not_hold_a_web_thread(tag):
    began = time.process_time()

    text.to_plain(tag * 100_000)

    assert time.process_time() - began < 3


def test_tokens_are_still_put_into_words():
    said = "See @L[https://example.com/a?b=1|the article], @M[u:1|Ada], @[1:Bob]"
    told = "See the article (https://example.com/a?b=1), @Ada, @Bob"
    assert text.render(said) == told


@pytest.mark.parametrize(
    "address",
    ['http://x" onclick=1', "javascript:alert(1)", "http://x/<b>", "https://"],
)
def test_a_link_token_is_an_address_and_nothing_else(address):
    said = f"@L[{address}|Click]"

    assert text.links(said) == []
    assert not re.search("<[^>]*(onclick|javascript)", text.to_html(text.render(said)))
