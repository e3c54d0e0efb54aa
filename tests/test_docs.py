"""What the documents say of the code is compared with the code."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.processes import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
RULES = sorted((ROOT / "handoff/sandbox/rules").glob("*.js"))
LOGGED = re.compile(r"\blogger\.\w+\(\s*\"([^\"]+)\"")
NAME = re.compile(r"^(?:# )?([A-Z][A-Z_]+)=", re.MULTILINE)


def prose(page: Path) -> str:
    """Return a page without its code blocks, whose # are no headings."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return what a link to one of the page's headings may end in."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.stem)
def test_the_page_for_administrators_shows_the_very_script_that_runs(rule):
    page = (DOCS / "servicenow.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```js\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert rule.read_text(encoding="utf-8") in shown


def test_every_rule_is_on_the_page_for_administrators():
    page = (DOCS / "servicenow.md").read_text(encoding="utf-8")
    assert page.count("```js") == len(RULES) > 0


def test_the_table_of_settings_is_complete():
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    section = page.partition("## Settings")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE)
    example = NAME.findall((ROOT / ".env.example").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(example)


def test_the_table_of_log_events_is_complete():
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    section = page.partition("## Logs")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    listed = re.findall(r"`([a-z_]+\.[a-z_]+)`", " ".join(rows))
    logged = {
        event
        for package in ("config", "handoff", "servicenow_auth")
        for path in (ROOT / package).rglob("*.py")
        if "sandbox" not in path.parts
        for event in LOGGED.findall(path.read_text(encoding="utf-8"))
    }
    assert sorted(listed) == sorted(logged)


def test_links_to_a_heading_find_it():
    link = re.compile(r"\]\(((?!https?:)[^)#\s]*)#([^)\s]+)\)")
    broken = [
        f"{page.name}: {target}#{anchor}"
        for page in PAGES
        for target, anchor in link.findall(prose(page))
        if anchor not in anchors((page.parent / target) if target else page)
    ]
    assert broken == []


def test_only_files_that_exist_are_named():
    named = re.compile(r"[`=\"]((?:[\w-]+/)+(?:[\w-]+\.py)?|tests/\w+)[` ]")
    wrong = [
        f"{page.name}: {path}"
        for page in PAGES
        for path in named.findall(page.read_text(encoding="utf-8"))
        if not any((folder / path).exists() for folder in (ROOT, ROOT / "handoff"))
    ]
    assert wrong == []


def test_only_commands_that_exist_are_named():
    commands = get_commands()
    wrong = [
        f"{page.name}: manage.py {command}"
        for page in PAGES
        for command in re.findall(
            r"manage\.py ([a-z_]+)", page.read_text(encoding="utf-8")
        )
        if command not in commands
    ]
    assert wrong == []
