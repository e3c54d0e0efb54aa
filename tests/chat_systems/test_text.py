import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.chat_systems import text
from tests.alphabets import UTF_8

# Each tag that a message may have, with all that may stand in it.
TAG = re.compile(r'<(?:/?(?:strong|em)|br|/a|a href="https?://[^"]*" rel="[a-z ]*")>')
# The scripts that a page would run, written as an agent's text.
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    '"><svg onload=alert(1)>',
    "https://x.example/?q=\"onmouseover='alert(1)",
    "<a href='javascript:alert(1)'>x</a>",
]


@pytest.mark.parametrize("raw", HOSTILE)
def test_html_of_hostile_text_runs_nothing(raw):
    markup = text.to_html(raw)

    assert "<script" not in markup
    assert "<img" not in markup
    assert "<svg" not in markup
    assert 'href="javascript' not in markup
    assert text.to_plain(markup).replace("\xa0", " ") == raw


def test_addresses_become_links_and_lines_stay():
    assert text.to_html("see https://x.example/a?b=1&c=2\nbye") == (
        'see <a href="https://x.example/a?b=1&amp;c=2" '
        'rel="noopener noreferrer nofollow">https://x.example/a?b=1&amp;c=2</a><br>bye'
    )


def test_entities_are_decoded_once_and_only_known_ones():
    assert text.decode("&lt;b&gt; &amp;lt; &hearts; AT&T &#8364;") == (
        "<b> &lt; &hearts; AT&T €"
    )


@given(st.text(alphabet=UTF_8, max_size=200), st.integers(1, 20))
def test_parts_keep_to_the_limit_and_make_up_the_whole(whole, limit):
    parts = list(text.split(whole, limit=limit))

    assert "".join(parts) == whole
    assert all(0 < len(part) <= limit for part in parts)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("3 Minutes 10 Seconds", 190),
        ("1 Hour", 3600),
        ("13 Seconds", 13),
        ("", None),
        ("soon", None),
    ],
)
def test_waits_are_read_from_words(words, expected):
    assert text.seconds(words) == expected


def test_markdown_becomes_html_and_marks_within_words_stay():
    said = (
        "**Now** *or* ***never***, 2*3*4 <b>\n* a * b [x](https://x.example/?a=1&b=2)"
    )

    assert text.markdown_to_html(said) == (
        "<strong>Now</strong> <em>or</em> <strong><em>never</em></strong>, 2*3*4 "
        '&lt;b&gt;<br>* a * b <a href="https://x.example/?a=1&amp;b=2" '
        'rel="noopener noreferrer nofollow">x</a>'
    )


@pytest.mark.parametrize(
    "raw", [*HOSTILE, "[x](javascript:alert(1))", '[x](https://"y)']
)
def test_html_of_hostile_markdown_runs_nothing(raw):
    markup = text.markdown_to_html(raw)

    assert TAG.sub("", markup).count("<") == 0


def test_a_page_becomes_lines_with_its_addresses():
    page = (
        "<html><style>p {}</style><h1>Offices</h1>\n  <table><tr><td>Oslo</td>"
        '<td><a href="https://x.example/?a=1&amp;b=2">map</a></td></tr></table>'
        '<a href="https://y.example">https://y.example</a><img src=x onerror=alert(1)>'
        '<a href="javascript:alert(1)">no</a></html>'
    )

    shown = text.document_to_html(page)

    assert text.document_to_plain(shown) == (
        "Offices\nOslo map (https://x.example/?a=1&b=2)\nhttps://y.exampleno"
    )
    assert text.anchors(shown) == [
        {"url": "https://x.example/?a=1&b=2", "label": "map"}
    ]
    assert "<img" not in shown
    assert "javascript" not in shown
