"""The instance's own address, which it learns when it begins to listen."""

from urllib.parse import urljoin

from handoff.sandbox.instance import store

# The property that ServiceNow keeps its own address in.
_PROPERTY = "glide.servlet.uri"


def learn(url: str) -> None:
    row = store.first("sys_properties", name=_PROPERTY)
    if row:
        store.update(row, values={"value": url}, by=store.SYSTEM)
    else:
        values = {"name": _PROPERTY, "value": url}
        store.insert(table="sys_properties", values=values, by=store.SYSTEM)


def absolute(path: str) -> str:
    """Return the address of a path of this instance; "" where there is none."""
    row = store.first("sys_properties", name=_PROPERTY)
    return urljoin(row.value("value") if row else "", path) if path else ""
