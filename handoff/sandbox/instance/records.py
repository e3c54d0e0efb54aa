"""A row as the Table API shows it."""

from handoff.sandbox.instance import store
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.schema import TABLES


def as_json(
    row: Row, *, paths: list[str], display: str, root: str, links: bool
) -> dict[str, object]:
    """Return the columns asked for, all strings; unknown names are left out.

    `display` is ServiceNow's own parameter: `false`, `true` or `all`. `root` is the
    address that reference links begin with.
    """
    shown: dict[str, object] = {}
    for path in paths:
        value = store.read(row, path=path.strip())
        if value is not None:
            owner, column = _owner(row, path=path.strip())
            cell = _Cell(owner, column=column, value=value, root=root, links=links)
            shown[path.strip()] = cell.shown(display)
    return shown


class _Cell:
    def __init__(
        self, row: Row | None, *, column: str, value: str, root: str, links: bool
    ) -> None:
        secret = row is not None and store.is_secret(row, column=column)
        self.row = row
        self.column = column
        self.value = "" if secret else value
        self.link = ""
        target = TABLES[row.table].references.get(column) if row else None
        if links and target and value:
            self.link = f"{root}{target}/{value}"

    def shown(self, display: str) -> object:
        if display == "all":
            both = {"display_value": self._display(), "value": self.value}
            return both | ({"link": self.link} if self.link else {})
        name, value = (
            ("display_value", self._display())
            if display == "true"
            else ("value", self.value)
        )
        return {"link": self.link, name: value} if self.link else value

    def _display(self) -> str:
        if self.row is None or not self.value:
            return self.value
        return store.display_value(self.row, column=self.column)


def _owner(row: Row, *, path: str) -> tuple[Row | None, str]:
    """Return the row that holds the last column of the path, and that column."""
    column, _, rest = path.partition(".")
    if not rest:
        return row, column
    return store.dereference(row, column=column), rest
