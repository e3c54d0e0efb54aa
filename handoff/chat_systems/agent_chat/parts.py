"""A part of an envelope, by its `uiType`, as what the user sees of it.

ServiceNow's own list: "Controls in Virtual Agent API". No field is certain to be there;
a kind that is not in the list is shown by whatever words it has.
"""

from collections.abc import Callable
from typing import Any

from handoff import strict_json
from handoff.chat_systems import text as texts
from handoff.chat_systems.agent_chat.content import (
    Content,
    joined,
    lines,
    link,
    picture,
    words,
)
from handoff.chat_systems.agent_chat.fields import (
    Part,
    object_of,
    objects_of,
    plain,
    text_of,
)
from handoff.exceptions import MalformedBody

# Where kinds of no known name may keep their words.
_WORDS = (
    "header",
    "title",
    "promptMsg",
    "label",
    "value",
    "text",
    "message",
    "description",
)


def content_of(part: Part) -> Content:
    """Return what a part shows; empty where it shows nothing."""
    return READERS.get(text_of(part, "uiType"), _any_words)(part)


def _output_text(part: Part) -> Content:
    """Read Markdown; some outputs have it in `label`."""
    text = text_of(part, "value", "label")
    markup = texts.markdown_to_html(text)
    return Content(text=text, html=markup, links=texts.anchors(markup))


def _output_html(part: Part) -> Content:
    """Read a page, or else its picture, which ServiceNow draws for some channels."""
    markup = texts.document_to_html(text_of(part, "value"))
    text = texts.document_to_plain(markup)
    if not text:
        return _picture(part, "imageUrl")
    shown = Content(text=text, html=markup, links=texts.anchors(markup))
    named = {one["url"] for one in shown.links}
    others = [
        _link(one, "link", "url")
        for one in objects_of(part, "links")
        if text_of(one, "link", "url") not in named
    ]
    return joined([shown, *others])


def _output_image(part: Part) -> Content:
    return _picture(part, "value")


def _picture(part: Part, *names: str) -> Content:
    label = text_of(part, "altText", "imageAlt", "label")
    return picture(address=text_of(part, *names), label=label)


def _output_link(part: Part) -> Content:
    place = object_of(part, "value") or part
    target = link(
        address=text_of(place, "action", "value"), label=text_of(part, "label")
    )
    return joined([words(text_of(part, "header")), target])


def _link(part: Part, *names: str) -> Content:
    return link(address=text_of(part, *names), label=text_of(part, "label"))


def _grouped_links(part: Part) -> Content:
    found = [words(text_of(part, "header"))]
    for one in objects_of(part, "values"):
        found += [_link(one, "action"), words(text_of(one, "description"))]
    return joined(found)


def _output_card(part: Part) -> Content:
    card = _card_of(part.get("data"))
    if not card:
        return _any_words(part) or words(text_of(part, "data"))
    title, subtitle = text_of(card, "title"), text_of(card, "subtitle")
    fields = [
        f"{text_of(one, 'fieldLabel', 'label')}: {text_of(one, 'fieldValue', 'value')}"
        for one in objects_of(card, "fields")
    ]
    said = lines(title, subtitle, text_of(card, "description"), *fields)
    further = [_picture(card, "image")] if text_of(card, "image") else []
    if address := text_of(card, "url", "link"):
        further.append(link(address=address, label=subtitle or title))
    # A template of the customer's own has fields of any name.
    return joined([said, *further]) or lines(*map(plain, card.values()))


def _card_of(data: Any) -> Part:
    """Return what a card shows, which is JSON within a string."""
    if isinstance(data, str):
        try:
            data = strict_json.load_json(data.encode())
        except MalformedBody:
            return {}
    return data if isinstance(data, dict) else {}


def _output_table(part: Part) -> Content:
    """Read a table as lines: no chat is wide enough for columns."""
    rows = part.get("data")
    listed = rows if isinstance(rows, list) else []
    return lines(
        text_of(part, "label"),
        _row(part.get("headers")),
        *(_row(row) for row in listed),
    )


def _row(cells: Any) -> str:
    if isinstance(cells, dict):
        cells = list(cells.values())
    listed = cells if isinstance(cells, list) else [cells]
    return " | ".join(
        text_of(cell, "value", "label") if isinstance(cell, dict) else plain(cell)
        for cell in listed
    )


def _multi_part(part: Part) -> Content:
    """Read one output of several, and the button for the next."""
    inner = object_of(part, "content") or {"value": part.get("content")}
    # No output is made of outputs; one that is might have no end.
    nested = text_of(inner, "uiType") == "MultiPartOutput"
    shown = _any_words(inner) if nested else content_of(inner)
    more = text_of(part, "navigationBtnLabel")
    options = [{"label": more, "value": "click_for_more"}] if more else []
    return joined([shown, _offer(options)])


def _picker(part: Part) -> Content:
    asked = lines(text_of(part, "promptMsg"), text_of(part, "label"))
    card = _card_of(object_of(part, "scriptedData").get("cardData"))
    shown = _output_card({"data": card}) if card else Content()
    return joined([asked, shown, _offer(objects_of(part, "options"))])


def _offer(options: list[Part]) -> Content:
    """Return choices, numbered in the text for who cannot click.

    `enabled` is false in ServiceNow's own samples, of choices that can be made.
    """
    offered = [option for option in options if text_of(option, "label", "value")]
    said = lines(*(f"{n}. {_choice(one)}" for n, one in enumerate(offered, start=1)))
    choices = [
        {
            "label": text_of(one, "label", "value"),
            "value": text_of(one, "value", "label"),
        }
        for one in offered
    ]
    return Content(text=said.text, html=said.html, choices=choices)


def _choice(option: Part) -> str:
    label, about = text_of(option, "label", "value"), text_of(option, "description")
    return f"{label} ({about})" if about else label


def _prompt(part: Part) -> Content:
    return words(text_of(part, "label", "promptMsg", "value"))


def _any_words(part: Part) -> Content:
    said = dict.fromkeys(text_of(part, name) for name in _WORDS)
    return lines(*said)


def _nothing(part: Part) -> Content:
    """Show nothing: a model's draft, or what only ServiceNow's own client can show."""
    return Content()


READERS: dict[str, Callable[[Part], Content]] = {
    "OutputText": _output_text,
    "OutputHtml": _output_html,
    "OutputImage": _output_image,
    "OutputLink": _output_link,
    "GroupedPartsOutputControl": _grouped_links,
    "OutputCard": _output_card,
    "OutputTable": _output_table,
    "MultiPartOutput": _multi_part,
    "Picker": _picker,
    "TopicPickerControl": _picker,
    "Boolean": _picker,
    "InputText": _prompt,
    "Date": _prompt,
    "Time": _prompt,
    "DateTime": _prompt,
    "FileUpload": _prompt,
    "StreamStart": _nothing,
    "StreamChunk": _nothing,
    "CustomControl": _nothing,
}
