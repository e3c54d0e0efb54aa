"""A browser without scripts: pages, forms, redirects and cookies."""

from dataclasses import dataclass, field
from urllib.parse import urljoin

import requests

from handoff.management.demo.files import File
from handoff.management.demo.markup import Node, parse

TIMEOUT = 20  # seconds, for each read
_BUTTONS = {"submit", "button", "reset", "image", "file"}


class PageFault(RuntimeError):
    """A page answered with an error, or lacks what it should show."""


@dataclass(frozen=True)
class Form:
    action: str
    fields: dict[str, str]
    buttons: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Page:
    url: str
    root: Node

    def form(self, *, having: str = "", action: str = "") -> Form:
        """Return the first form with that field or button, whose action ends so."""
        for node in self.root.find("form"):
            form = _read_form(node, page=self)
            names = {"", *form.fields, *form.buttons}
            if having in names and form.action.endswith(action):
                return form
        wanted = f"form with {having or action!r}"
        raise PageFault(f"{self.url} shows no {wanted}: {self.hint}")

    def button(self, label: str) -> Node:
        """Return the last button that says so and can be pressed."""
        for button in reversed(self.root.find("button")):
            if button.line == label and "disabled" not in button.attributes:
                return button
        raise PageFault(f"{self.url} has no button {label!r}: {self.hint}")

    def typing_form(self, *, typing: bool) -> Form:
        """Return what the script of the page posts while its user writes."""
        box = next(
            node for node in self.root.find("form") if "data-typing" in node.attributes
        )
        token = box.find("input", name="csrfmiddlewaretoken")[0].attributes["value"]
        return Form(
            action=urljoin(self.url, box.attributes["data-typing"]),
            fields={
                "csrfmiddlewaretoken": token,
                "typing": "true" if typing else "false",
            },
        )

    def link_to(self, part: str) -> str:
        """Return the first address on the page that has this in it."""
        for link in self.root.find("a"):
            if part in link.attributes.get("href", ""):
                return self.address(link)
        raise PageFault(f"{self.url} has no link to {part}: {self.hint}")

    def address(self, element: Node) -> str:
        """Return where a link leads, or where a picture comes from."""
        attributes = element.attributes
        return urljoin(self.url, attributes.get("href") or attributes["src"])

    @property
    def hint(self) -> str:
        """Return what a refused form says, or else how the page reads, shortened."""
        refused = self.root.find(class_="errors")
        body = self.root.find("main") or self.root.find("body") or [self.root]
        return " ".join(node.line for node in refused or body[:1])[:400]


class Browser:
    """One person's browser, with cookies of its own."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False  # a proxy has no way to this machine's ports

    def get(self, url: str) -> Page:
        return self._page(self.fetch(url))

    def fetch(self, url: str) -> requests.Response:
        """Return what is there, for what is no page."""
        return self.session.get(url, timeout=TIMEOUT)

    def submit(self, form: Form, **changes: str) -> Page:
        """Send the form with these fields changed; a pressed button is one of them."""
        return self._post(form.action, fields=form.fields | changes)

    def attach(self, form: Form, file: File) -> Page:
        """Send the form with the file chosen in its field `file`."""
        return self._post(form.action, fields=form.fields, file=file)

    def _post(
        self, url: str, *, fields: dict[str, str], file: File | None = None
    ) -> Page:
        # What was typed as a newline goes over the wire as two characters.
        fields = {name: value.replace("\n", "\r\n") for name, value in fields.items()}
        answer = self.session.post(
            url,
            data=fields,
            files=_as_chosen(file) if file else None,
            headers={"Referer": url},
            timeout=TIMEOUT,
        )
        return self._page(answer)

    def press(self, page: Page, *, label: str) -> Page:
        """Press a button that names its form and its value."""
        button = page.button(label)
        attributes = button.attributes
        (form,) = page.root.find("form", id=attributes["form"])
        read = _read_form(form, page=page)
        target = urljoin(page.url, attributes.get("formaction", read.action))
        value = {attributes["name"]: attributes["value"]}
        return self.submit(Form(action=target, fields=read.fields | value))

    def _page(self, answer: requests.Response) -> Page:
        answer.encoding = "utf-8"
        page = Page(url=answer.url, root=parse(answer.text))
        if not answer.ok:
            raise PageFault(f"{page.url} answered {answer.status_code}: {page.hint}")
        return page


def _as_chosen(file: File) -> dict[str, tuple[str, bytes, str]]:
    return {"file": (file.name, file.content, file.content_type)}


def _read_form(node: Node, *, page: Page) -> Form:
    form = Form(
        action=urljoin(page.url, node.attributes.get("action") or page.url),
        fields={},
    )
    for control in _controls(node, page=page):
        _read_control(control, form=form)
    return form


def _controls(node: Node, *, page: Page) -> list[Node]:
    """Return what is in the form, and what elsewhere in the page names it."""
    name = node.attributes.get("id")
    elsewhere = page.root.find(form=name) if name else []
    inside = [control for control in node.walk() if "form" not in control.attributes]
    return [
        control
        for control in inside + elsewhere
        if "name" in control.attributes and "disabled" not in control.attributes
    ]


def _read_control(node: Node, *, form: Form) -> None:
    name, kind = node.attributes["name"], node.attributes.get("type", "text")
    value = node.attributes.get("value", "")
    if node.tag == "button" or kind in _BUTTONS:
        form.buttons.add(name)
    elif node.tag == "textarea":
        form.fields[name] = node.text.removeprefix("\n")
    elif node.tag == "select":
        form.fields[name] = _chosen(node)
    elif kind in {"checkbox", "radio"}:
        if "checked" in node.attributes:
            form.fields[name] = value or "on"
    elif node.tag == "input":
        form.fields[name] = value


def _chosen(select: Node) -> str:
    options = select.find("option")
    chosen = [option for option in options if "selected" in option.attributes]
    first = (chosen or options)[:1]
    return first[0].attributes.get("value", first[0].line) if first else ""
