"""The Virtual Agent API: a conversation with an agent, from the start to each end."""

import pytest

from tests.sandbox.instance import eventually
from tests.sandbox.virtual_agent import BILLING, SUPPORT

pytestmark = pytest.mark.real_http

GREETING = "Hello, thank you for waiting. How can I help you?"


def accepted(va_bot, desk):
    interaction = va_bot.start()
    desk.act(interaction, "accept")
    assert va_bot.told("OutputText", value=GREETING)
    return interaction


def test_a_start_is_put_in_the_queue_with_its_expected_wait(va_bot, desk):
    interaction = va_bot.start("Printer is on fire")

    started, queue, presence, spinner = va_bot.posts[0]["body"]
    assert started["actionType"] == "StartConversation"
    assert queue["actionType"] == "SubscribeToSupportQueue"
    assert queue["supportQueue"].endswith(", name=Support}")
    assert presence["actionType"] == "SubscribeToChatPresence"
    assert spinner["spinnerType"] == "wait_time"
    assert spinner["waitTime"] == "1 Minute"
    assert va_bot.posts[0]["agentChat"] is True
    assert "Printer is on fire" in desk.page(interaction)
    assert interaction in desk.waiting()


def test_an_accept_switches_over_and_greets_with_name_and_avatar(va_bot, desk):
    interaction = accepted(va_bot, desk)

    arrival, greeting = va_bot.posts[1:]
    kinds = [part["actionType"] for part in arrival["body"]]
    assert kinds == ["EndSpinner", "SwitchToLiveAgent", "System"]
    assert arrival["body"][2]["message"] == "Live Agent has entered the chat."
    info = greeting["body"][0]["agentInfo"]
    assert info["sentFromAgent"] is True
    assert info["agentName"] == "Live Agent"
    assert info["agentAvatar"].startswith(va_bot.instance.url)
    assert len(info["agentId"]) == 32
    assert va_bot.interaction["state"] == "work_in_progress"
    assert interaction == greeting["interactionId"]


def test_messages_cross_both_ways_and_echo_the_last_request(va_bot, desk):
    interaction = accepted(va_bot, desk)

    va_bot.ask(
        requestId="req-7",
        message={"text": "I have no paper", "clientMessageId": "m-7"},
        clientVariables={"handoff": "42"},
    )
    assert desk.shows(interaction, "I have no paper")
    desk.say(interaction, "Look in the *cupboard*")

    assert va_bot.told("OutputText", value="Look in the *cupboard*")
    post = va_bot.posts[-1]
    assert post["requestId"] == "req-7"
    assert post["message"]["clientMessageId"] == "m-7"
    assert post["clientVariables"] == {"handoff": "42"}
    assert post["clientSessionId"] == va_bot.user_id


def test_typing_crosses_both_ways(va_bot, desk):
    interaction = accepted(va_bot, desk)

    desk.act(interaction, "typing", typing="true")
    assert va_bot.told("StartTypingIndicator")
    desk.act(interaction, "typing", typing="false")
    assert va_bot.told("EndTypingIndicator")

    va_bot.ask("TYPING")
    assert desk.shows(interaction, "data-typing-role")
    va_bot.ask("VIEWING")
    assert eventually(lambda: "data-typing-role" not in desk.page(interaction))


def test_receipts_of_the_bot_stand_beside_the_agents_lines(va_bot, desk):
    interaction = accepted(va_bot, desk)
    desk.say(interaction, "Are you there?")
    first = va_bot.told("OutputText", value=GREETING)
    second = va_bot.told("OutputText", value="Are you there?")

    statuses = {first["messageId"]: "sent_to_user"}
    statuses[second["messageId"]] = "external_error"
    answer = va_bot.ask(
        "UPDATE_MESSAGES",
        message=[{"id": id_, "status": status} for id_, status in statuses.items()],
    )

    assert answer == {"status": "success"}
    page = desk.page(interaction)
    assert page.count('data-delivery="sent"') == 1
    assert page.count('data-delivery="failed"') == 1


def test_a_close_gives_the_user_back_and_completes(va_bot, desk):
    interaction = accepted(va_bot, desk)

    desk.act(interaction, "end")

    end = va_bot.finished()
    assert [part["uiType"] for part in end["body"]] == ["ActionMsg", "OutputText"]
    assert end["body"][0]["actionType"] == "SwitchToVirtualAgent"
    assert "agentChat" not in end
    closed = va_bot.posts[-2]
    text = "Live Agent has closed the support session."
    assert closed["body"][0]["message"] == text
    assert closed["agentChat"] is True
    found = va_bot.interaction
    assert (found["state"], found["state_reason"]) == ("closed_complete", "Agent Ended")


def test_a_survey_is_asked_after_the_close_and_thanked_for(va_bot, desk):
    va_bot.instance.switch(va_survey=True)
    desk.act(accepted(va_bot, desk), "end")

    question = va_bot.told("Picker")
    assert question["label"] == "How satisfied were you?"
    assert sorted(option["value"] for option in question["options"]) == ["1", "2", "3"]
    assert not any("completed" in post for post in va_bot.posts)

    va_bot.say("3", typed=False)
    assert va_bot.finished()["body"][0]["value"] == "Thank you."


def test_the_requesters_end_is_told_to_both_sides(va_bot, desk):
    interaction = accepted(va_bot, desk)

    va_bot.ask("END_CONVERSATION")

    end = va_bot.finished()
    text = "Guest has closed the support session."
    assert end["body"][0]["message"] == text
    assert end["body"][1]["actionType"] == "SwitchToVirtualAgent"
    assert text in desk.page(interaction)
    assert va_bot.interaction["state_reason"] == "User Ended"
    assert interaction not in desk.waiting()


def test_who_leaves_the_queue_is_offered_to_nobody(va_bot, desk):
    interaction = va_bot.start()

    va_bot.ask("END_CONVERSATION")

    assert va_bot.finished()["body"] == []
    assert va_bot.interaction["state"] == "closed_abandoned"
    assert interaction not in desk.waiting()


def test_turned_down_by_the_only_agent_nobody_is_there(va_bot, desk):
    desk.act(va_bot.start(), "reject")

    end = va_bot.finished()
    assert end["completed"] is True
    assert end["body"][0]["value"].startswith("There are no agents available")
    assert "agentChat" not in end


def test_turned_down_by_one_it_is_offered_to_the_others(va_bot, desk):
    instance = va_bot.instance
    group = instance.table("sys_user_group")[0]["sys_id"]
    other = instance.create("sys_user", user_name="other", user_password="other")
    member = instance.create("sys_user_grmember", user=other["sys_id"], group=group)
    second = type(desk)(instance, agent=("other", "other"))
    interaction = va_bot.start()

    desk.act(interaction, "reject")

    assert interaction not in desk.waiting()
    assert interaction in second.waiting()
    second.act(interaction, "accept")
    assert va_bot.told("SwitchToLiveAgent")
    second.close()
    path = f"/api/now/table/sys_user_grmember/{member['sys_id']}"
    instance.call("DELETE", path, auth=("admin", "admin"))


def test_a_transfer_waits_in_the_other_queue_and_is_accepted_anew(va_bot, desk):
    interaction = accepted(va_bot, desk)

    desk.act(interaction, "transfer", queue=BILLING)

    def in_line():
        return [p for p in va_bot.parts if "supportQueue" in p]

    assert eventually(lambda: len(in_line()) == 2)
    assert in_line()[1]["supportQueue"].endswith(", name=Billing}")
    desk.act(interaction, "accept")
    assert eventually(
        lambda: (
            [p.get("actionType") for p in va_bot.parts].count("SwitchToLiveAgent") == 2
        )
    )


def test_a_transcript_stands_before_what_was_said_here(va_bot, desk):
    history = [
        {"isBotMessage": True, "value": "Which site?", "displayName": "Bot"},
        {"isBotMessage": False, "value": "Berlin", "displayName": "Ada"},
    ]
    interaction = va_bot.start("The printer burns", history=history)

    page = desk.page(interaction)
    order = [page.rindex(text) for text in ("Which site?", "Berlin", "printer burns")]
    assert order == sorted(order)
    assert page.count('data-role="history"') == 2

    va_bot.ask("SEND_HISTORY", history=[{"value": "One more thing"}])
    assert page.count('data-role="history"') == 2
    assert desk.page(interaction).count('data-role="history"') == 3


def test_what_is_said_before_an_agent_is_there_is_lost_or_kept(va_bot, desk):
    interaction = va_bot.start()
    va_bot.say("Too early")
    assert va_bot.handled("Too early")
    va_bot.instance.switch(va_ignores_early_messages=False)
    va_bot.say("Early enough")

    assert desk.shows(interaction, "Early enough")
    assert "Too early" not in desk.page(interaction)


@pytest.mark.parametrize("context", [{}, SUPPORT | {"liveagent_queue_id": "none"}])
def test_where_no_queue_fits_nobody_is_there(va_bot, context):
    va_bot.ask("AGENT", contextVariables=context)

    end = va_bot.finished()
    assert end["body"][0]["value"].startswith("There are no agents available")
    assert "agentChat" not in end
    assert va_bot.interaction["state"] == "closed_abandoned"


def test_without_agents_nobody_is_there(va_bot):
    va_bot.instance.switch(va_agents_available=False)
    va_bot.ask("START_CONVERSATION", contextVariables=SUPPORT)

    assert va_bot.finished()["body"][1]["value"].startswith("There are no agents")


def test_an_idle_requester_is_reminded_and_then_let_go(va_bot, desk):
    accepted(va_bot, desk)
    switches = {"va_idle_reminder_seconds": 1, "va_idle_cancel_seconds": 2}
    va_bot.instance.switch(**switches)

    end = va_bot.finished()
    system = [p for p in va_bot.parts if p.get("actionType") == "System"]
    assert [part["message"] for part in system] == [
        "Live Agent has entered the chat.",
        "The conversation is timing out, are you still there?",
        "The support session was closed.",
    ]
    assert [part["actionType"] for part in end["body"]] == ["SwitchToVirtualAgent"]
    assert va_bot.interaction["state_reason"] == "No User Response"


def test_a_wait_ends_with_the_queues_own_text(va_bot):
    va_bot.start()
    va_bot.instance.switch(va_max_wait_seconds=1)

    text = "All our agents are busy. Please try again later."
    assert va_bot.finished()["body"][0]["value"] == text
