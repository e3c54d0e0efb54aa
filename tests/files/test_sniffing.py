import time

import pytest

from handoff.files.sniffing import sniff
from tests.files.samples import GIF, OFFICE, PDF, PNG, archive

KINDS = {
    "png": (PNG, "image/png"),
    "gif": (GIF, "image/gif"),
    "jpeg": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"),
    "webp": (b"RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00", "image/webp"),
    "pdf": (PDF, "application/pdf"),
    "pdf of text alone": (b"%PDF-1.4\n1 0 obj\n", "application/pdf"),
    "text": ("Größe: 3 €\r\n\tok\n".encode(), "text/plain"),
    "text with a mark": (b"\xef\xbb\xbfHello", "text/plain"),
    "text that begins like a bitmap": (b"BMW is a car.", "text/plain"),
    "text that begins like a program": (b"MZ said so.", "text/plain"),
    "csv": (b"a;b\n1;2\n", "text/plain"),
    "json": (b'{"a": [1]}', "text/plain"),
    "text about tags": (b"Write <script> here", "text/plain"),
    "an address in brackets": (b"<beth@example.com> wrote:", "text/plain"),
    "rtf": (b"{\\rtf1\\ansi Hi}", "application/rtf"),
    "xml": (b'<?xml version="1.0"?><invoice/>', "application/xml"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
    "svg behind a prolog": (
        b'\xef\xbb\xbf <?xml version="1.0"?><!-- <b> --><!DOCTYPE svg PUBLIC "a" "b"'
        b' [<!ENTITY x "y">]>\n<s:SVG onload="alert(1)"/>',
        "image/svg+xml",
    ),
    "html": (b"\n<!DOCTYPE html><title>x</title>", "text/html"),
    "html without a head": (b"<ScRipt>alert(1)</script>", "text/html"),
    "html by an image": (b"<!-- x --><img src=x onerror=alert(1)>", "text/html"),
    "xhtml": (b'<?xml version="1.0"?><html></html>', "text/html"),
    "docx": (
        archive("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
        f"{OFFICE}.wordprocessingml.document",
    ),
    "xlsx": (
        archive("_rels/.rels", "docProps/app.xml", "xl/workbook.xml"),
        f"{OFFICE}.spreadsheetml.sheet",
    ),
    "odt": (
        archive("content.xml", mimetype="application/vnd.oasis.opendocument.text"),
        "application/vnd.oasis.opendocument.text",
    ),
    "zip": (archive("a.txt", "run.exe"), "application/zip"),
    "program": (b"MZ\x90\x00\x03\x00\x00\x00", "application/x-msdownload"),
    "script with a null": (b"<html>\x00<script>", "application/octet-stream"),
    "UTF-16": ("text".encode("utf-16"), "application/octet-stream"),
    "Latin-1": ("Größe".encode("latin-1"), "application/octet-stream"),
    "bytes": (bytes(range(200, 256)) * 9, "application/octet-stream"),
    "nothing": (b"", "text/plain"),
}


@pytest.mark.parametrize(("content", "kind"), KINDS.values(), ids=KINDS)
def test_a_file_is_what_it_contains(content, kind):
    assert sniff([content]) == kind


def test_text_is_read_to_its_end_across_chunks():
    euro = "€".encode()

    assert sniff([b"a" * 9_000 + euro[:1], euro[1:]]) == "text/plain"
    assert sniff([b"a" * 9_000, b"\x00"]) == "application/octet-stream"
    assert sniff([b"a" * 9_000 + euro[:1]]) == "application/octet-stream"


@pytest.mark.parametrize(
    "hostile", [b"<!---->" * 1_170, b"<!--" * 2_000, b"<?" * 4_000, b"<!doctype[" * 800]
)
def test_no_head_takes_long_to_read(hostile):
    began = time.process_time()

    sniff([hostile])

    assert time.process_time() - began < 0.5


def test_an_archive_is_not_unpacked():
    bomb = archive("[Content_Types].xml", "_rels/.rels", "word/document.xml")

    # Not even a whole one: what is cut off cannot be opened.
    assert sniff([bomb[:400]]).endswith("wordprocessingml.document")
