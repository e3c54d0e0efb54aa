import pytest

from handoff.models import Handoff, Message
from servicenow_auth.models import ConnectionRuntime
from servicenow_auth.models import State as AuthorizationState
from tests.api.bots import QUEUE

START = {"id": "r-1", "conversation_id": "c-1", "message": "Where is my order?"}
FULL = START | {
    "user": {"id": "u-1", "name": "Ada", "email": "ada@example.com"},
    "channel": "web",
    "language": "de-CH",
    "queue": "b" * 32,
    "skills": ["returns"],
    "context": {"vip": True},
    "metadata": {"tenant": "north"},
    "transcript": [
        {"role": "user", "text": "Hello", "sent_at": "2026-11-22T10:00:00+01:00"},
        {"role": "bot", "text": " Hi\n"},
    ],
}


def test_a_handoff_starts_with_the_least_that_is_needed(api):
    answer = api.post("/handoffs", {"conversation_id": "c-1", "message": "Help!"})

    assert answer.status_code == 202
    told = answer.json()
    assert told["created_at"].endswith("Z")
    assert told | {"id": None, "created_at": None} == {
        "id": None,
        "request_id": None,
        "conversation_id": "c-1",
        "state": "requested",
        "reason": None,
        "ended_by": None,
        "queue": QUEUE,
        "number": None,
        "position": None,
        "wait_seconds": None,
        "wait_text": None,
        "agent": None,
        "ticket": None,
        "channel": None,
        "language": None,
        "metadata": {},
        "created_at": None,
        "queued_at": None,
        "accepted_at": None,
        "ended_at": None,
        "message_sent": True,
    }


def test_a_handoff_keeps_everything_it_was_given(api):
    told = api.post("/handoffs", FULL).json()

    handoff = Handoff.objects.get(pk=told["id"])
    assert told["queue"] == handoff.queue_id == FULL["queue"]
    assert told["metadata"] == FULL["metadata"]
    assert handoff.user == FULL["user"]
    assert (handoff.skills, handoff.context) == (["returns"], {"vip": True})
    before = Message.objects.filter(handoff=handoff, before_handoff=True)
    assert [m.text for m in before] == ["Hello", " Hi\n"]


def test_a_repeated_start_gets_the_first_answer(api):
    first = api.post("/handoffs", FULL)
    again = api.post("/handoffs", FULL)

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert Handoff.objects.count() == 1


def test_a_start_is_harmless_to_repeat_after_the_end(api):
    started = api.post("/handoffs", START).json()
    api.post(f"/handoffs/{started['id']}/end")

    again = api.post("/handoffs", START)

    assert again.status_code == 202
    assert again.json()["id"] == started["id"]
    assert again.json()["state"] == "failed"


def test_a_start_with_a_known_id_and_another_body_is_refused(api):
    api.post("/handoffs", START)

    answer = api.post("/handoffs", START | {"message": "Something else"})

    assert answer.status_code == 409
    assert answer.json()["code"] == "id_conflict"


def test_a_conversation_has_one_open_handoff(api):
    first = api.post("/handoffs", START).json()

    second = api.post("/handoffs", START | {"id": "r-2"})

    assert second.status_code == 200
    assert second.json()["id"] == first["id"]
    assert second.json()["message_sent"] is False


def test_a_conversation_is_handed_over_again_after_the_end(api):
    first = api.post("/handoffs", START).json()
    api.post(f"/handoffs/{first['id']}/end")

    second = api.post("/handoffs", START | {"id": "r-2"})

    assert second.status_code == 202
    assert second.json()["id"] != first["id"]


def test_two_bots_may_use_the_same_ids(api, stranger):
    mine, theirs = api.post("/handoffs", START), stranger.post("/handoffs", START)

    assert theirs.status_code == 202
    assert mine.json()["id"] != theirs.json()["id"]


def test_a_disabled_bot_hands_nothing_over(bot, api):
    bot.enabled = False
    bot.save()

    answer = api.post("/handoffs", START)

    assert (answer.status_code, answer.json()["code"]) == (409, "bot_disabled")


def test_a_bot_without_authorization_hands_nothing_over(bot, api):
    ConnectionRuntime.objects.filter(connection=bot.connection).update(
        state=AuthorizationState.NEEDS_REAUTHORIZATION
    )

    answer = api.post("/handoffs", START)

    assert (answer.status_code, answer.json()["code"]) == (
        409,
        "authorization_required",
    )


def test_a_handoff_needs_a_queue(bot, api):
    bot.queue_id = ""
    bot.save()

    answer = api.post("/handoffs", START)

    assert (answer.status_code, answer.json()["code"]) == (409, "queue_missing")


def test_open_handoffs_are_limited(api, settings):
    settings.MAX_OPEN_HANDOFFS = 1
    api.post("/handoffs", START)

    answer = api.post("/handoffs", {"conversation_id": "c-2", "message": "Me too"})

    assert (answer.status_code, answer.json()["code"]) == (
        429,
        "too_many_open_handoffs",
    )
    assert int(answer["Retry-After"]) > 0


LONG = "x" * 32_001
SAID = {"role": "user", "text": "a"}
WRONG = [
    ({"conversation_id": None}, "conversation_id"),
    ({"conversation_id": 7}, "conversation_id"),
    ({"conversation_id": ""}, "conversation_id"),
    ({"conversation_id": "c" * 201}, "conversation_id"),
    ({"message": " \n"}, "message"),
    ({"message": LONG}, "message"),
    ({"message": ["Help"]}, "message"),
    ({"id": "i" * 201}, "id"),
    ({"id": True}, "id"),
    ({"user": "Ada"}, "user"),
    ({"user": {"name": 7}}, "user.name"),
    ({"user": {"email": "e" * 255}}, "user.email"),
    ({"channel": "c" * 51}, "channel"),
    ({"language": "l" * 36}, "language"),
    ({"queue": "a^ORqueue=b"}, "queue"),
    ({"queue": "q" * 101}, "queue"),
    ({"skills": "returns"}, "skills"),
    ({"skills": ["ok", 7]}, "skills.1"),
    ({"skills": ["s"] * 51}, "skills"),
    ({"context": []}, "context"),
    ({"metadata": {"m": "x" * 16_384}}, "metadata"),
    ({"transcript": {}}, "transcript"),
    (
        {"transcript": [{"role": "user", "text": "a"}, {"text": "b"}]},
        "transcript.1.role",
    ),
    ({"transcript": [{"role": "robot", "text": "a"}]}, "transcript.0.role"),
    (
        {"transcript": [{"role": "user", "text": "a", "sent_at": 7}]},
        "transcript.0.sent_at",
    ),
    ({"transcript": [{"role": "user", "text": "x" * 32_000}] * 7}, "transcript"),
    ({"transcript": [{"role": "user", "text": "a"}] * 1_001}, "transcript"),
]


@pytest.mark.parametrize(("change", "field"), WRONG)
def test_a_wrong_field_is_named(api, change, field):
    answer = api.post("/handoffs", START | change)

    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == "invalid"
    assert list(answer.json()["errors"]) == [field]
    assert not Handoff.objects.exists()


def test_an_unknown_field_is_ignored(api):
    assert api.post("/handoffs", START | {"mood": "angry"}).status_code == 202


def test_a_body_that_is_no_object_is_refused(api):
    answer = api.send("/handoffs", '["conversation_id"]')

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["body"]


@pytest.mark.parametrize("wait", ["26", "-1", "soon"])
def test_the_wait_for_a_first_state_is_limited(api, wait):
    answer = api.post("/handoffs", START, wait=wait)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["wait"]
    assert not Handoff.objects.exists()
