import pytest
from django.utils.timezone import now

from handoff.models import Handoff, Message, Outgoing
from handoff.models.handoff import State

SAID = {"id": "m-1", "text": ' It\'s "late"\n<b>&amp;</b> $1 🙂 '}


@pytest.fixture
def messages(handoff_id: str) -> str:
    return f"/handoffs/{handoff_id}/messages"


def agent_says(handoff_id: str, text: str = "Hello") -> Message:
    return Message.objects.create(
        handoff_id=handoff_id,
        role="agent",
        text=text,
        html=f"<p>{text}</p>",
        sender_name="Beth",
        sys_id="e" * 32,
        sent_at=now(),
    )


def test_a_message_is_taken_as_it_was_written(api, messages):
    answer = api.post(messages, SAID | {"sent_at": "2026-11-22T10:00:00+01:00"})

    assert answer.status_code == 202
    told = answer.json()
    assert Message.objects.get(id=told.pop("message_id")).text == SAID["text"]
    assert told == SAID | {
        "role": "user",
        "sender": None,
        "html": None,
        "attachments": [],
        "links": [],
        "choices": [],
        "sent_at": "2026-11-22T09:00:00Z",
        "delivery": "pending",
        "recovered": False,
    }


def test_a_repeated_message_is_stored_once(api, messages):
    first, again = api.post(messages, SAID), api.post(messages, SAID)

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    assert Message.objects.filter(client_id="m-1").count() == 1


def test_a_known_id_with_another_text_is_refused(api, messages):
    api.post(messages, SAID)

    answer = api.post(messages, SAID | {"text": "Other"})

    assert (answer.status_code, answer.json()["code"]) == (409, "id_conflict")


def test_a_message_after_the_end_is_the_bots_again(api, handoff_id, messages):
    api.post(f"/handoffs/{handoff_id}/end")

    answer = api.post(messages, SAID)

    assert (answer.status_code, answer.json()["code"]) == (409, "handoff_closed")
    assert not Message.objects.filter(client_id="m-1").exists()


def test_a_repeat_after_the_end_gets_its_answer(api, handoff_id, messages):
    first = api.post(messages, SAID)
    api.post(f"/handoffs/{handoff_id}/end")

    again = api.post(messages, SAID)

    assert again.status_code == 200
    assert again.json()["message_id"] == first.json()["message_id"]


def test_the_value_of_a_choice_is_kept(api, messages):
    api.post(messages, SAID | {"choice_value": "yes"})

    assert Message.objects.get(client_id="m-1").choice_value == "yes"


def test_waiting_items_are_limited(api, messages, settings):
    settings.MAX_OPEN_ITEMS = 1

    answer = api.post(messages, SAID)

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_open_items")
    assert answer["Retry-After"] == "5"
    assert not Message.objects.filter(client_id="m-1").exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": None}, "id"),
        ({"id": 7}, "id"),
        ({"id": "i" * 201}, "id"),
        ({"text": ""}, "text"),
        ({"text": "", "attachments": []}, "text"),
        ({"text": "\n\t "}, "text"),
        ({"text": "x" * 32_001}, "text"),
        ({"text": {"a": 1}}, "text"),
        ({"role": "agent"}, "role"),
        ({"attachments": "none"}, "attachments"),
        ({"choice_value": "c" * 1_001}, "choice_value"),
        ({"sent_at": "yesterday"}, "sent_at"),
        ({"sent_at": 1_700_000_000}, "sent_at"),
        ({"sent_at": "0001-01-01T00:00:00+14:00"}, "sent_at"),
    ],
)
def test_a_wrong_field_is_named(api, messages, change, field):
    answer = api.post(messages, SAID | change)

    assert answer.status_code == 400, answer.content
    assert list(answer.json()["errors"]) == [field]


def test_both_directions_are_listed_with_their_delivery(api, handoff_id, messages):
    api.post(messages, SAID)
    agent_says(handoff_id)
    Outgoing.objects.filter(message__client_id="m-1").update(state="sent")

    items = api.get(messages).json()["items"]

    assert [(i["role"], i["delivery"]) for i in items] == [
        ("user", "pending"),
        ("user", "sent"),
        ("agent", "received"),
    ]
    assert items[2]["sender"] == {"name": "Beth", "avatar_url": None}
    assert items[2]["html"] == "<p>Hello</p>"


def test_a_long_message_is_as_far_as_its_worst_part(api, messages):
    told = api.post(messages, {"id": "m-1", "text": "word " * 6_000}).json()
    first = Outgoing.objects.filter(message__id=told["message_id"], part=0)
    first.update(state="sent")
    assert api.get(messages).json()["items"][1]["delivery"] == "pending"

    first.update(state="failed")

    assert api.get(messages).json()["items"][1]["delivery"] == "failed"


def test_a_list_of_messages_can_be_followed(api, messages):
    question = api.get(messages).json()
    later = [api.post(messages, {"id": f"m-{n}", "text": "Hi"}).json() for n in (1, 2)]

    one = api.get(messages, after=question["next"], limit=1).json()
    two = api.get(messages, after=one["next"], limit=1).json()
    none = api.get(messages, after=two["next"]).json()

    assert [m["message_id"] for m in (*one["items"], *two["items"])] == [
        m["message_id"] for m in later
    ]
    assert (one["has_more"], two["has_more"]) == (True, False)
    assert none == {"items": [], "next": two["next"], "has_more": False}


def test_a_message_of_another_handoff_is_no_cursor(api, messages):
    other = api.post("/handoffs", {"conversation_id": "c-2", "message": "Hi"}).json()
    foreign = api.get(f"/handoffs/{other['id']}/messages").json()["next"]

    assert api.get(messages, after=foreign).status_code == 400


def test_the_transcript_has_everything_and_the_end(api):
    started = api.post(
        "/handoffs",
        {
            "conversation_id": "c-9",
            "message": "My order is late",
            "transcript": [{"role": "bot", "text": "How can I help?"}],
        },
    ).json()
    path = f"/handoffs/{started['id']}"
    agent_says(started["id"], "I am looking")
    Handoff.objects.filter(pk=started["id"]).update(state=State.ACCEPTED)
    assert api.get(f"{path}/transcript").json()["end"] is None
    ended = api.post(f"{path}/end", {"reason": "user_left"}).json()

    told = api.get(f"{path}/transcript").json()

    assert (told["handoff_id"], told["conversation_id"]) == (started["id"], "c-9")
    assert [(i["role"], i["text"], i["before_handoff"]) for i in told["items"]] == [
        ("bot", "How can I help?", True),
        ("user", "My order is late", False),
        ("agent", "I am looking", False),
    ]
    assert told["end"] == {
        "state": "ended",
        "reason": "user_left",
        "ended_by": "user",
        "ended_at": ended["ended_at"],
    }


def test_lists_cost_the_same_however_long_they_are(
    api, messages, django_assert_num_queries
):
    for number in range(5):
        api.post(messages, {"id": f"m-{number}", "text": "Hi"})

    # The key, the handoff, the messages, their parts and attachments.
    with django_assert_num_queries(5):
        assert len(api.get(messages).json()["items"]) == 6
