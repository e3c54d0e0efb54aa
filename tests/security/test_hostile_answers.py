"""ServiceNow may answer anything: what is read of it fits columns, logs and bots."""

import json
import re
from typing import Any, cast

from django.db.models import CharField, Model
from hypothesis import given
from hypothesis import strategies as st

from handoff.chat_systems.agent_chat import reading as agent_chat
from handoff.chat_systems.agent_chat.actions import ACTIONS
from handoff.chat_systems.agent_chat.parts import READERS
from handoff.chat_systems.connect_support import reading
from handoff.chat_systems.values import InboundMessage, Observation
from handoff.models import AgentChatConfiguration, Attachment, Handoff
from servicenow_auth import answers, identity, oauth
from servicenow_auth.exceptions import (
    DeliveryError,
    NotAuthorized,
    ServiceNowAuthError,
)
from servicenow_auth.transport import Answer

FIELDS = [
    "assigned_to",
    "average_wait_time",
    "created_by",
    "created_on",
    "event",
    "formatted_message",
    "group",
    "internal",
    "number",
    "position",
    "queue",
    "sender_name",
    "state",
    "sys_id",
    "timestamp",
]
TEXTS = st.one_of(
    st.text(alphabet=st.characters(), max_size=60),
    st.sampled_from(["9" * 400, "٣" * 40, "\0", "\ud800", "9999 days 9999999 days"]),
    st.sampled_from(["a" * 32, "a" * 33, "message", "state", "2", "undefined"]),
    st.sampled_from(["@L[javascript:x|y]", "&#x110000;", "&#55296;", "%3c%3e\\n"]),
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**30), max_value=10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["value", "link", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
ROWS = st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=len(FIELDS))
# As many kinds of a part have them, and of what is within it.
PART_FIELDS = """
    action agentAvatar agentId agentInfo agentName altText content data header headers
    imageUrl label link links message messageId navigationBtnLabel options scriptedData
    sentFromAgent spinnerType value values waitTime
"""
PART_FIELD = st.sampled_from(PART_FIELDS.split())
ADDRESSES = st.sampled_from(
    [
        "/sys_attachment.do?sys_id=" + "a" * 990,
        "/cat.iix?t=small",
        "https://x.example//api/now/v1/cs/media/" + "b" * 400,
        "https://[x.example/",
        "[x](javascript:alert(1))",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
    ]
)
CARDS = st.sampled_from(
    ['{"title": "\\u0000", "url": "\\ud800"}', "{" * 900, '{"image": "//x"}', "[]"]
)
KINDS = st.fixed_dictionaries(
    {"uiType": st.sampled_from([*READERS, "ActionMsg", "Hologram"])},
    optional={"actionType": st.sampled_from([*ACTIONS, "Hologram"])},
)
VALUES = st.recursive(
    ANYTHING | ADDRESSES | CARDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(PART_FIELD, inner, max_size=4)
        | KINDS
    ),
    max_leaves=5,
)
PARTS = st.builds(
    dict.__or__,
    st.dictionaries(PART_FIELD, VALUES, max_size=6),
    KINDS,
)
ENVELOPES = st.fixed_dictionaries(
    {"body": st.lists(PARTS, max_size=3) | PARTS | VALUES},
    optional={
        name: ANYTHING | st.just("a" * 32)
        for name in ("agentChat", "clientSessionId", "completed", "score", "userId")
    },
)
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "X-RateLimit-Reset", "Date"]),
    TEXTS
    | st.sampled_from(
        [
            "9" * 5_000,
            "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
            "Mon, 01 Jan 2026 00:00:00 +99999999999999",
            "Mon, 01 Jan 0001 00:00:00 -0000",
        ]
    ),
)
STATUSES = st.sampled_from([200, 201, 202, 204, 302, 401, 403, 429, 500, 503])


def answer(body: Any, *, status: int = 200, headers: Any = None) -> Answer:
    return Answer(status=status, headers=headers or {}, body=json.dumps(body).encode())


def read(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body as the client hands it on."""
    result: dict[str, Any] = answers.result_of(answer({"result": body}))["result"]
    return result


def assert_storable(value: str) -> None:
    assert "\0" not in value
    value.encode()


def max_length(model: type[Model], name: str) -> int:
    column = cast("CharField[str, str]", model._meta.get_field(name))
    assert column.max_length
    return column.max_length


def assert_fits(observation: Observation) -> None:
    """Compare with the columns, which PostgreSQL holds to their length."""
    for name in ("group_id", "entry_id", "number", "queue_id", "agent_id"):
        value = getattr(observation, name)
        assert_storable(value)
        assert len(value) <= max_length(Handoff, name)
    for number in (observation.position, observation.wait_seconds):
        assert number is None or 0 <= number < 2**31
    assert_storable(observation.agent_name + observation.wait_text)


def assert_harmless(message: InboundMessage) -> None:
    assert re.fullmatch(r"[0-9A-Za-z]{0,32}", message.sys_id)
    assert_storable(message.text + message.html + message.author + message.sender_name)
    assert "javascript:" not in message.html.lower() or "href" not in message.html
    assert_storable(message.sender_avatar_url)
    assert all(link["url"].startswith("http") for link in message.links)
    for shown in (message.links, message.choices):
        assert_storable("".join(text for one in shown for text in one.values()))
    for file in message.files:
        assert_storable(file.source + file.file_name)
        assert len(file.source) <= max_length(Attachment, "source")
        assert 1 <= len(file.file_name) <= max_length(Attachment, "file_name")


@given(ROWS)
def test_any_row_is_read_as_something_that_can_be_stored(row):
    row = read(row)
    assert_fits(reading.observe_entry(row))
    assert_harmless(reading.read_message(row))
    for said in reading.news(row):
        if isinstance(said, Observation):
            assert_fits(said)


@given(ENVELOPES, st.booleans())
def test_any_envelope_is_read_as_something_that_can_be_stored(envelope, relay_survey):
    configuration = AgentChatConfiguration(relay_survey=relay_survey)
    for said in agent_chat.read(read(envelope), configuration=configuration):
        assert_storable(said.group_id)
        if isinstance(said, Observation):
            assert_fits(said)
        elif isinstance(said, InboundMessage):
            assert_harmless(said)


@given(ANYTHING, STATUSES, HEADERS)
def test_any_answer_is_one_of_the_outcomes(body, status, headers):
    said = answer(body, status=status, headers=headers)
    answers.clock_offset(headers)
    try:
        result = answers.result_of(said)
    except DeliveryError as exc:
        assert_storable(exc.detail)
    else:
        json.dumps(result, ensure_ascii=False).encode()


@given(st.dictionaries(st.sampled_from(["error", "result"]), ANYTHING), STATUSES)
def test_any_error_text_is_short_and_can_be_stored(body, status):
    detail = ""
    try:
        answers.result_of(answer(body, status=status))
    except DeliveryError as exc:
        detail = exc.detail
    assert_storable(detail)
    assert len(detail) <= 340


@given(ANYTHING)
def test_any_identity_is_ours_or_refused(result):
    try:
        who = identity.read_identity({"result": result})
    except NotAuthorized:
        return
    assert len(who.sys_id) <= 32
    assert len(who.user_name) <= 255


@given(
    st.dictionaries(
        st.sampled_from(["access_token", "refresh_token", "expires_in", "error"]),
        ANYTHING,
    )
)
def test_any_token_is_a_token_or_refused(body):
    try:
        tokens = oauth._tokens(json.dumps(body).encode())
    except ServiceNowAuthError:
        return
    assert 1 <= tokens.expires_in <= oauth.MAX_LIFE
