"""The repository keeps its own promises: sizes, pins, settings, documents."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import pytest
import yaml
from cryptography.fernet import Fernet
from django.core.management import call_command
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.processes import ROOT, inherited

MAX_MODULE = 300
MAX_FUNCTION = 50
PRODUCT = ("config", "handoff", "servicenow_auth")
CODE = (*PRODUCT, "tests", "examples", "bench")
PYTHON = [
    path.relative_to(ROOT)
    for folder in CODE
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "migrations" not in path.parts
]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# `NAME=value`, or `# NAME=value` where the product works without it.
EXAMPLE_LINE = re.compile(r"^(?:# )?([A-Z][A-Z_]+)=(.*)$")


def settings_read() -> set[str]:
    text = "".join(path.read_text() for path in (ROOT / "config").glob("*.py"))
    return set(re.findall(r'\benv\.\w+\(\s*"(\w+)"', text))


def example_settings() -> dict[str, str]:
    """Return each name in .env.example with the line above it."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = zip(["", *lines], lines, strict=False)
    return {
        match.group(1): above
        for above, line in pairs
        if (match := EXAMPLE_LINE.match(line))
    }


def test_the_example_environment_names_exactly_what_the_settings_read():
    assert set(example_settings()) == settings_read()


def test_each_line_of_the_example_environment_is_explained():
    bare = [
        name
        for name, above in example_settings().items()
        if not above.startswith("# ") or EXAMPLE_LINE.match(above)
    ]
    assert bare == []


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def lengths() -> Iterator[tuple[str, int, int]]:
    """Yield each module and function with its length and the length it may have."""
    for path in PYTHON:
        source = (ROOT / path).read_text()
        yield str(path), source.count("\n"), MAX_MODULE
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                yield f"{path}:{node.name}", length, MAX_FUNCTION


def test_modules_and_functions_are_small():
    assert [name for name, length, most in lengths() if length > most] == []


def test_certificates_are_verified_everywhere():
    switched_off = re.compile(r"verify\s*=\s*False|CERT_NONE|_create_unverified")
    product = [path for path in PYTHON if path.parts[0] != "tests"]
    assert [p for p in product if switched_off.search((ROOT / p).read_text())] == []


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", text, re.MULTILINE))


def declared(*extras: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["optional-dependencies"][extra] for extra in extras]
    return [
        Requirement(line)
        for group in [project["dependencies"], *groups]
        for line in group
    ]


@pytest.mark.parametrize(
    ("name", "extras"),
    [("requirements.txt", ["sandbox"]), ("requirements-dev.txt", ["sandbox", "dev"])],
)
def test_the_pins_are_what_the_project_declares(name, extras):
    pinned = pins(name)
    wrong = [
        str(requirement)
        for requirement in declared(*extras)
        if pinned.get(canonicalize_name(requirement.name), "")
        not in requirement.specifier
    ]
    assert wrong == []


def test_tests_run_on_the_very_versions_that_ship():
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_pins_carry_hashes_and_no_address(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    for pin in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in pin, pin


def test_each_dependency_is_justified():
    text = (ROOT / "docs/dependencies.md").read_text()
    reasons = re.findall(r"^\| \*\*(\S+)\*\* \| \S", text, re.MULTILINE)
    assert sorted(reasons) == sorted(pin.name for pin in declared("sandbox", "dev"))


def test_documents_name_only_what_can_be_made():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    wrong = [
        f"{path.name}: make {target}"
        for path in DOCUMENTS
        for target in re.findall(
            r"(?:`|^ *|\$ )make ([a-z]+)", path.read_text(), re.MULTILINE
        )
        if target not in targets
    ]
    assert wrong == []


def test_links_between_documents_lead_somewhere():
    link = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
    broken = [
        f"{path.name}: {target}"
        for path in DOCUMENTS
        for target in link.findall(path.read_text())
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_a_production_environment_passes_the_deployment_checks():
    environment = inherited() | {
        "SECRET_KEY": "k3-" + "abcdefghij" * 6,
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PUBLIC_URL": "https://handoff.example.com",
        "TRUSTED_PROXIES": "1",
        "DATABASE_URL": "postgres://handoff@127.0.0.1/handoff",
        "REDIS_URL": "redis://127.0.0.1/0",
    }
    command = ["manage.py", "check", "--deploy", "--fail-level=WARNING"]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_image_holds_every_package():
    copied = re.findall(r"COPY (\w+) \1\n", (ROOT / "Dockerfile").read_text())
    allowed = re.findall(r"!(\w+)\n", (ROOT / ".dockerignore").read_text())
    assert set(copied) == set(allowed) == {"templates", *PRODUCT}


def test_every_process_of_compose_runs_the_image():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ours = {name for name, service in services.items() if service["image"] == "handoff"}
    assert ours == {"migrate", "web", "worker", "beat"}
