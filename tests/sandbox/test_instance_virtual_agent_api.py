"""The Virtual Agent API: what is answered at once, and what comes of a request."""

import pytest

from tests.sandbox.instance import BOT, eventually
from tests.sandbox.virtual_agent import (
    BILLING,
    BOT_API,
    SUPPORT,
    log_says,
)

pytestmark = pytest.mark.real_http

CREATE = {"action": "CREATE_CONVERSATION", "syncResponse": True}
START_CREATED = {"action": "START_CREATED_CONVERSATION", "syncResponse": True}


def test_a_200_says_received_and_no_more(va_bot):
    assert va_bot.ask("START_CONVERSATION", contextVariables=SUPPORT) == {
        "status": "success"
    }
    assert va_bot.told("StartSpinner")


def test_strangers_and_other_methods_are_refused(va_bot):
    call = va_bot.instance.call

    assert call("POST", BOT_API, json={}).status_code == 401
    assert call("POST", BOT_API, auth=("admin", "no"), json={}).status_code == 401
    assert call("GET", BOT_API, auth=BOT).status_code == 405


@pytest.mark.parametrize(
    "body",
    [
        {"data": b"{"},
        {"data": b"[]"},
        {"data": b"{}", "headers": {"Content-Type": "text/plain"}},
        {"data": b'{"userId": "u", "action": "FLY"}'},
    ],
)
def test_a_bad_body_is_a_400(va_bot, body):
    body = {"headers": {"Content-Type": "application/json"}} | body

    answer = va_bot.instance.call("POST", BOT_API, auth=BOT, **body)

    assert answer.status_code == 400
    assert answer.json()["status"] == "failure"


@pytest.mark.parametrize("status", [405, 500])
def test_a_switch_refuses_every_call(va_bot, status):
    va_bot.instance.switch(va_refuses_with=status)

    answer = va_bot.send(action="START_CONVERSATION")

    assert answer.status_code == status
    assert answer.json()["status"] == "failure"


def test_a_request_without_a_user_is_acknowledged_and_dropped(va_bot):
    answer = va_bot.send(userId="")

    assert answer.json() == {"status": "success"}
    assert log_says(va_bot.instance, "userId")


def test_create_and_start_answer_in_the_response_itself(va_bot):
    created = va_bot.ask(**CREATE, contextVariables=SUPPORT)
    part = created["body"][0]
    assert part["actionType"] == "CreateConversation"
    assert part["interactionId"] == va_bot.interaction["sys_id"]
    assert part["conversationId"] == va_bot.interaction["conversation"]["value"]

    started = va_bot.ask(**START_CREATED, message={"text": "Help"})
    assert [part["actionType"] for part in started["body"]] == [
        "StartConversation",
        "SubscribeToSupportQueue",
        "SubscribeToChatPresence",
        "StartSpinner",
    ]
    assert started["agentChat"] is True
    assert started["interactionId"] == part["interactionId"]
    va_bot.ask("END_CONVERSATION")
    assert va_bot.finished() == va_bot.posts[0]


def test_an_answer_in_the_response_may_be_posted_as_well(va_bot):
    va_bot.instance.switch(va_sync_also_posts=True)

    answer = va_bot.ask(**CREATE)

    assert va_bot.told("CreateConversation") == answer["body"][0]


def test_before_4_0_a_new_action_is_refused(va_bot):
    va_bot.instance.switch(va_app_version="3.14")

    assert va_bot.send(**CREATE).status_code == 400


def test_before_4_0_a_new_action_may_be_taken_for_an_utterance(va_bot):
    va_bot.instance.switch(va_app_version="3.14", va_unknown_action="utterance")

    assert va_bot.ask(**CREATE) == {"status": "success"}
    assert va_bot.told("OutputText")["value"].startswith("I'm sorry")


def test_the_same_request_again_changes_nothing(va_bot, desk):
    va_bot.instance.switch(va_ignores_early_messages=False)
    interaction = va_bot.start()
    for _ in range(2):
        va_bot.ask(requestId="req-1", message={"text": "Only once"})
    va_bot.say("Last")

    assert desk.shows(interaction, "Last")
    assert desk.page(interaction).count("Only once") == 1


def test_a_user_has_one_conversation_at_a_time(va_bot):
    va_bot.start()
    va_bot.ask("START_CONVERSATION", clientSessionId="2", contextVariables=SUPPORT)
    va_bot.ask("END_CONVERSATION")

    assert va_bot.finished() == va_bot.posts[1]


def test_sessions_may_tell_a_users_conversations_apart(va_bot):
    va_bot.instance.switch(va_conversations_by="session")
    va_bot.start()
    va_bot.ask("START_CONVERSATION", clientSessionId="2", contextVariables=SUPPORT)

    assert eventually(lambda: len(va_bot.posts) == 2)
    assert va_bot.posts[1]["clientSessionId"] == "2"
    assert va_bot.posts[1]["interactionId"] != va_bot.posts[0]["interactionId"]


def test_the_virtual_agent_greets_unless_an_agent_alone_is_wanted(va_bot):
    va_bot.ask("START_CONVERSATION", contextVariables={})

    assert va_bot.told("TopicPickerControl")
    assert "agentChat" not in va_bot.posts[0]
    va_bot.ask("AGENT", contextVariables=SUPPORT)
    assert va_bot.told("StartSpinner")


def test_names_of_context_variables_are_stored_in_lower_case(va_bot):
    va_bot.ask("AGENT", contextVariables={"LiveAgent_queue_id": "support"})

    assert va_bot.told("StartSpinner")


def test_as_the_first_request_agent_may_find_nobody(va_bot):
    va_bot.instance.switch(va_agent_starts=False)

    va_bot.ask("AGENT", contextVariables=SUPPORT)

    assert va_bot.told("OutputText")["value"].startswith("I'm sorry")
    va_bot.ask("AGENT", contextVariables=SUPPORT)
    assert va_bot.told("StartSpinner")


def test_what_is_not_understood_twice_is_left_to_the_bot(va_bot):
    va_bot.say("Blah")
    va_bot.say("Blah blah")

    end = va_bot.finished()
    assert end["takeControl"] is True
    assert end["score"] == 0
    assert va_bot.interaction["stage"] == "ended"


def test_the_routing_api_decides_the_queue_before_the_start(va_bot, desk):
    created = va_bot.ask(**CREATE, contextVariables={"live_agent_only": "true"})
    body = {"document_table": "interaction"}
    body["document_sys_id"] = created["interactionId"]

    routed = va_bot.instance.post(
        f"/api/now/awa/queues/{BILLING}/work_item", auth=BOT, **body
    )

    assert routed["queue_sys_id"] == BILLING
    assert routed["document_sys_id"] == created["interactionId"]
    # It rings at nobody before the conversation is started.
    assert created["interactionId"] not in desk.waiting()
    started = va_bot.ask(**START_CREATED, message={"text": "Help"})
    assert started["body"][1]["supportQueue"].endswith(", name=Billing}")
    assert created["interactionId"] in desk.waiting()


@pytest.mark.parametrize("missing", ["queue", "interaction"])
def test_the_routing_api_knows_no_queue_or_interaction_that_is_not_there(
    va_bot, missing
):
    interaction = va_bot.start()
    queue = BILLING if missing == "interaction" else "none"
    record = interaction if missing == "queue" else "none"

    answer = va_bot.instance.call(
        "POST",
        f"/api/now/awa/queues/{queue}/work_item",
        auth=BOT,
        json={"document_table": "interaction", "document_sys_id": record},
    )

    assert answer.status_code == 404


@pytest.mark.parametrize("action", ["FAULT_CONVERSATION", "SWITCH"])
def test_a_fault_and_a_failed_switch_end_it_with_an_empty_body(va_bot, action):
    va_bot.start()

    va_bot.ask(action, cause="EXTERNAL_FAILURE")

    assert va_bot.finished()["body"] == []
    assert va_bot.interaction["stage"] == "ended"
