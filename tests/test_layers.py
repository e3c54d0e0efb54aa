"""Imports point down: docs/architecture.md, "Layers"."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT

# A module imports from lines below its own, and from itself if it is a package.
LAYERS = (
    ("apps",),
    ("admin", "api", "callbacks", "checks", "management", "receivers", "tasks"),
    ("services",),
    ("relay",),
    ("lifecycle",),
    ("events",),
    ("chat_systems", "incidents", "webhooks"),
    ("doorbell", "files", "limits", "opening", "signatures", "strict_json"),
    ("bulkheads", "failpoints", "metrics"),
    ("models",),
    ("exceptions",),
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
PRODUCT = ("config", "handoff", "servicenow_auth")
SANDBOX = "handoff.sandbox"
WIRES = ("http.client", "requests", "requests_hardened", "socket", "ssl", "urllib3")
# An address that somebody typed is opened here only; the demo's setup is a browser.
MAY_OPEN_SOCKETS = (
    "servicenow_auth.deadline",
    "servicenow_auth.transport",
    "handoff.management.demo",
    SANDBOX,
)


def product_files() -> list[Path]:
    return [
        path.relative_to(ROOT)
        for package in PRODUCT
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(module: str, *packages: str) -> bool:
    return any(f"{module}.".startswith(f"{package}.") for package in packages)


def points_up(module: str, imported: str) -> bool:
    """Tell whether both are of handoff, and the imported one is not the lower one."""
    if not (is_within(module, "handoff") and is_within(imported, "handoff")):
        return False
    ours, theirs = module.split(".")[1], imported.split(".")[1]
    return (
        "sandbox" not in (ours, theirs)
        and ours != theirs
        and (RANK[ours] >= RANK[theirs])
    )


# A rule, in words, and what breaks it.
RULES: dict[str, Callable[[str, str], bool]] = {
    "the sandbox knows the product by HTTP alone": lambda module, imported: (
        is_within(module, SANDBOX)
        and is_within(imported, *PRODUCT)
        and not is_within(imported, SANDBOX)
    ),
    "nothing imports the sandbox": lambda module, imported: (
        is_within(imported, SANDBOX) and not is_within(module, SANDBOX)
    ),
    "only servicenow_auth.transport opens sockets": lambda module, imported: (
        is_within(imported, *WIRES) and not is_within(module, *MAY_OPEN_SOCKETS)
    ),
    "nothing imports the project but the project": lambda module, imported: (
        is_within(imported, "config") and not is_within(module, "config")
    ),
    "servicenow_auth knows nothing of handoffs": lambda module, imported: (
        is_within(module, "servicenow_auth") and is_within(imported, "handoff")
    ),
    "imports point down": points_up,
}


def broken_rules(module: str, imported: str) -> list[str]:
    return [rule for rule, broken in RULES.items() if broken(module, imported)]


def test_every_module_of_handoff_has_its_layer():
    entries = {path.stem for path in (ROOT / "handoff").glob("[!_]*.py")}
    entries |= {path.parent.name for path in (ROOT / "handoff").glob("*/__init__.py")}
    assert entries - {"migrations", "sandbox"} == set(RANK)


def test_imports_point_down():
    faults = [
        f"{path}: {imported}: {rule}"
        for path in product_files()
        if path != Path("handoff/__init__.py")
        for imported in imports(ast.parse((ROOT / path).read_text()))
        for rule in broken_rules(module_of(path), imported)
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("module", "imported", "rule"),
    [
        ("handoff.models.bot", "handoff.services", "imports point down"),
        ("handoff.api.urls", "handoff.admin.pages", "imports point down"),
        (
            "handoff.webhooks",
            "requests.Session",
            "only servicenow_auth.transport opens sockets",
        ),
        (
            "handoff.sandbox.instance",
            "handoff.models.Bot",
            "the sandbox knows the product by HTTP alone",
        ),
        ("handoff.tasks", "handoff.sandbox.instance", "nothing imports the sandbox"),
        (
            "servicenow_auth.services",
            "handoff.models",
            "servicenow_auth knows nothing of handoffs",
        ),
        (
            "handoff.relay.lanes",
            "config.celery.app",
            "nothing imports the project but the project",
        ),
    ],
)
def test_a_forbidden_import_is_named(module, imported, rule):
    assert broken_rules(module, imported) == [rule]


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("handoff.services.bots", "handoff.models.Bot"),
        ("handoff.models.bot", "handoff.models.lane.Lane"),
        ("handoff.models.bot", "servicenow_auth.fields.Secret"),
        ("servicenow_auth.transport", "requests"),
        ("handoff.sandbox.instance.desk", "handoff.sandbox.instance.store"),
        ("config.urls", "handoff.api.urls"),
    ],
)
def test_an_import_from_below_is_fine(module, imported):
    assert broken_rules(module, imported) == []
