import json
from pathlib import Path

import pytest

from handoff.chat_systems import (
    EntryState,
    InboundMessage,
    Observation,
    Speaker,
    Typing,
)
from handoff.chat_systems.agent_chat.actions import ACTIONS
from handoff.chat_systems.agent_chat.parts import READERS
from handoff.chat_systems.agent_chat.reading import group_of, read
from handoff.models import AgentChatConfiguration
from tests.chat_systems.agent_chat_news import (
    AGENT,
    CLOSED,
    GROUP,
    action,
    as_json,
    envelope,
    messages,
    news,
    states,
    text,
)

PAYLOADS = Path(__file__).parent.parent / "payloads" / "agent_chat"
GOLDEN = sorted(PAYLOADS.glob("*/*.json"))
# The controls of the Virtual Agent API, as ServiceNow lists them.
UI_TYPES = """
    ActionMsg Boolean CustomControl Date DateTime FileUpload GroupedPartsOutputControl
    InputText MultiPartOutput OutputCard OutputHtml OutputImage OutputLink OutputTable
    OutputText Picker StreamChunk StreamStart Time TopicPickerControl
"""
ACTION_TYPES = """
    ChatSubHeader CreateConversation DynamicLoader EndSpinner EndTypingIndicator
    Separator StartConversation StartSpinner StartTypingIndicator
    SubscribeToChatPresence SubscribeToSupportQueue SwitchConversation
    SwitchToLiveAgent SwitchToVirtualAgent System TopicFinished
"""


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_an_envelope_is_read_as_its_golden_file_says(path):
    golden = json.loads(path.read_text())

    said = read(golden["envelope"], configuration=AgentChatConfiguration())

    assert [as_json(one) for one in said] == golden["news"]


@pytest.mark.parametrize(
    ("folder", "listed", "known"),
    [
        ("ui_types", UI_TYPES, {"ActionMsg", *READERS}),
        ("action_types", ACTION_TYPES, {*ACTIONS}),
    ],
)
def test_every_kind_that_servicenow_lists_is_known_and_has_a_golden_file(
    folder, listed, known
):
    assert set(listed.split()) == known
    assert known <= {path.stem for path in (PAYLOADS / folder).iterdir()}


@pytest.mark.parametrize(
    "body",
    [
        {"clientSessionId": GROUP, "userId": "0" * 32},
        {"clientSessionId": "theirs", "clientVariables": {"handoff": GROUP}},
        {"clientSessionId": None, "clientVariables": "none", "userId": GROUP},
        {"result": {"clientSessionId": GROUP}},
    ],
)
def test_a_conversation_is_known_by_the_first_name_that_is_ours(body):
    assert group_of(body) == GROUP


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"clientSessionId": "c-42"}, {"userId": GROUP[:-1]}]
)
def test_a_name_that_is_not_ours_is_no_conversation(body):
    assert group_of(body) == ""


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"status": "success"}, {"result": []}, {"body": 7}]
)
def test_what_is_no_envelope_says_nothing(body):
    assert read(body, configuration=AgentChatConfiguration()) == []


def test_a_part_may_stand_without_its_list():
    (said,) = messages(body=text("Hello"))
    assert said.text == "Hello"


def test_an_answer_to_a_start_tells_the_wait():
    body = {"result": envelope(action("StartSpinner", waitTime="13 Seconds"))}

    (seen,) = read(body, configuration=AgentChatConfiguration())

    assert seen == Observation(
        state=EntryState.WAITING,
        group_id=GROUP,
        wait_text="13 Seconds",
        wait_seconds=13,
    )


@pytest.mark.parametrize(
    ("info", "speaker"),
    [
        (AGENT, Speaker.AGENT),
        ({"sentFromAgent": "True"}, Speaker.AGENT),
        ({"sentFromAgent": False}, Speaker.VIRTUAL_AGENT),
        ({"sentFromAgent": "false"}, Speaker.VIRTUAL_AGENT),
        ({"agentName": "Dana Ruiz"}, Speaker.UNSAID),
        ("Dana Ruiz", Speaker.UNSAID),
        (None, Speaker.UNSAID),
    ],
)
def test_who_speaks_is_what_agent_info_says(info, speaker):
    (said,) = messages(text("Hello", agentInfo=info))
    assert said.speaker == speaker


def test_an_agent_who_speaks_has_accepted_it():
    seen, said = news(text("Hello", agentInfo=AGENT), agentChat=True)

    assert isinstance(seen, Observation)
    assert (seen.state, seen.agent_id) == (EntryState.ACCEPTED, "7b" * 16)
    assert (seen.agent_name, seen.agent_avatar_url) == ("Dana Ruiz", "")
    assert isinstance(said, InboundMessage)


@pytest.mark.parametrize(
    ("avatar", "kept"),
    [
        ("https://x.example/4a.iix?t=small", True),
        ("/4a.iix?t=small", True),
        ("javascript:alert(1)", False),
        ("//elsewhere.example/4a.iix", False),
        ("http://[/4a.iix", False),
    ],
)
def test_an_avatar_is_an_address_of_the_web_or_a_path(avatar, kept):
    info = AGENT | {"agentAvatar": avatar}

    (said,) = messages(text("Hello", agentInfo=info))

    assert said.sender_avatar_url == (avatar if kept else "")


def test_an_agent_chat_that_tells_nothing_else_is_a_wait():
    assert states(text("One moment"), agentChat="true") == [EntryState.WAITING]
    assert states(action("SwitchToLiveAgent"), agentChat=True) == [EntryState.ACCEPTED]
    assert states(text(CLOSED), completed=True, agentChat=True) == [EntryState.CLOSED]
    assert states(text("One moment"), agentChat=False) == []


def test_typing_is_told_in_its_order():
    said = news(
        action("StartTypingIndicator"), text("Hi"), action("EndTypingIndicator")
    )

    assert said[0] == Typing(group_id=GROUP, typing=True)
    assert said[2] == Typing(group_id=GROUP, typing=False)


def test_an_action_may_stand_in_the_ui_type():
    assert news({"uiType": "StartTypingIndicatorActionMsg"}) == [
        Typing(group_id=GROUP, typing=True)
    ]


def test_parts_of_one_message_are_one_message():
    picture = {"uiType": "OutputImage", "value": "/cat.iix", "messageId": "a1" * 16}

    first, second = messages(
        text("Look:", messageId="a1" * 16),
        text("Another", messageId="a2" * 16),
        picture,
        text("[More](https://kb.example.com)", messageId="a1" * 16),
    )

    assert (first.sys_id, first.is_named) == ("a1" * 16, True)
    assert first.text == "Look:\n[More](https://kb.example.com)"
    assert [file.source for file in first.files] == ["/cat.iix"]
    assert first.links == [{"url": "https://kb.example.com", "label": "More"}]
    assert second.text == "Another"


def test_a_message_without_an_id_is_named_by_what_it_says():
    (first,), (again,) = messages(text("Hello")), messages(text("Hello"))
    (other,) = messages(text("Goodbye"))

    assert first.sys_id == again.sys_id != other.sys_id
    assert (len(first.sys_id), first.is_named) == (16, False)


@pytest.mark.parametrize("name", ["a" * 33, "msg-1", "msg 1", 17.5])
def test_a_message_id_that_no_column_holds_is_shortened(name):
    (said,) = messages(text("Hello", messageId=name))

    assert len(said.sys_id) == 32
    assert said.is_named
    assert said.sys_id != messages(text("Hello", messageId="other-1"))[0].sys_id


def test_links_and_choices_have_a_limit_and_the_text_has_all_of_them():
    values = [{"label": f"l{n}", "action": f"https://x.example/{n}"} for n in range(60)]
    options = [{"label": f"o{n}", "value": str(n)} for n in range(120)]

    (linked,) = messages({"uiType": "GroupedPartsOutputControl", "values": values})
    (asked,) = messages({"uiType": "Picker", "options": options})

    assert len(linked.links) == 50
    assert "https://x.example/59" in linked.text
    assert len(asked.choices) == 100
    assert "120. o119" in asked.text


def test_an_envelope_of_many_messages_is_read_as_a_few_that_say_the_same():
    parts = [text(f"{n}.", messageId=f"{n}", agentInfo=AGENT) for n in range(5_000)]

    told = messages(*parts, action("System", message="Bye."))

    assert len(told) == 101
    said = "\n".join(one.text for one in told)
    assert said == "\n".join([*(f"{n}." for n in range(5_000)), "Bye."])


def test_more_files_than_a_message_may_have_are_named_in_its_text():
    links = [{"action": f"/{n}.iix", "label": f"{n}.png"} for n in range(102)]

    [told] = messages({"uiType": "GroupedPartsOutputControl", "values": links})

    assert len(told.files) == 100
    assert told.text == "/100.iix\n/101.iix"
