import pytest
from django.utils.http import content_disposition_header
from hypothesis import given
from hypothesis import strategies as st

from handoff.files import clean, fitting
from tests.alphabets import UTF_8


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("door.png", "door.png"),
        ("Tür vorne 2.png", "Tür vorne 2.png"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("../..", "file"),
        ("..", "file"),
        ("", "file"),
        (" \t\n", "file"),
        ("\u202e\u2066", "file"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ('a"\r\nSet-Cookie: b=c.png', 'a"Set-Cookie: b=c.png'),
        ("nul\x00.png", "nul.png"),
        ("line\u2028break.txt", "linebreak.txt"),
        (".htaccess", "htaccess"),
        ("x" * 300 + ".jpeg", "x" * 250 + ".jpeg"),
        ("x." + "y" * 300, "x." + "y" * 233 + "y" * 20),
    ],
)
def test_a_name_is_cleaned(given_name, kept):
    assert clean(given_name) == kept


@given(st.text(alphabet=UTF_8))
def test_whatever_the_name_a_header_and_a_path_stay_whole(name):
    kept = clean(name)
    header = content_disposition_header(as_attachment=True, filename=kept)

    assert 1 <= len(kept) <= 255
    assert not {"/", "\\", "\r", "\n", "\0"} & set(kept)
    assert header.isascii()
    assert header.isprintable()
    assert clean(kept) == kept


@pytest.mark.parametrize(
    ("given_name", "content_type", "kept"),
    [
        ("Notes.TXT", "text/plain", "Notes.TXT"),
        ("invoice.hta", "text/plain", "invoice.hta.txt"),
        ("invoice.txt.js", "text/plain", "invoice.txt.js.txt"),
        ("page.html", "image/png", "page.html.png"),
        ("door.jpeg", "image/jpeg", "door.jpeg"),
        ("cat.iix", "image/jpeg", "cat.iix.jpg"),
        ("passwd", "text/plain", "passwd"),
        ("plan.dwg", "image/vnd.dwg", "plan.dwg"),
        ("x" * 251 + ".bat", "text/plain", "x" * 251 + ".txt"),
    ],
)
def test_no_name_says_that_a_file_is_what_it_is_not(given_name, content_type, kept):
    assert fitting(given_name, content_type=content_type) == kept
