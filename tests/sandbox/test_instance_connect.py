"""Connect Support over REST: a chat from its start to each of its ends."""

import pytest

from tests.sandbox.instance import ADMIN, AGENT, BOT, QUEUE

pytestmark = pytest.mark.real_http

SUPPORT = "/api/now/connect/support"


def test_a_start_answers_a_flat_entry_with_a_numeric_state(sandbox_instance):
    entry = sandbox_instance.start("Printer is on fire")

    assert entry["state"] == 1
    assert entry["queue"] == QUEUE
    assert entry["short_description"] == "Printer is on fire"
    assert entry["position"] >= 1
    assert entry["assigned_to"] == ""
    assert entry["number"].startswith("CHAT")
    assert [m["message"] for m in sandbox_instance.messages(entry["group"])] == [
        "Printer is on fire"
    ]


def test_each_start_makes_a_conversation_of_its_own(sandbox_instance):
    first, second = sandbox_instance.start(), sandbox_instance.start()

    assert first["group"] != second["group"]
    assert second["position"] == first["position"] + 1


def test_an_accept_takes_the_oldest_and_greets(tmp_instance):
    first = tmp_instance.start("first")
    tmp_instance.start("second")

    accepted = tmp_instance.accept()

    assert accepted["group"] == first["group"]
    entry = tmp_instance.entry(first["group"])
    assert (entry["state"], entry["position"]) == (2, 0)
    agent = tmp_instance.table("sys_user", sysparm_query="user_name=agent")[0]
    assert entry["assigned_to"] == agent["sys_id"]
    greeting = tmp_instance.messages(first["group"])[0]
    assert greeting["created_by"] == "agent"
    assert greeting["message"].startswith("Hello, thank you for waiting")


def test_nobody_waiting_is_a_404_with_its_text(tmp_instance):
    answer = tmp_instance.answer(
        "POST", f"{SUPPORT}/queues/{QUEUE}/accept", auth=AGENT, json={}
    )

    assert answer == (404, {"error": "There are no waiting chats in this queue"})


def test_only_an_agent_of_the_queue_can_accept(sandbox_instance):
    sandbox_instance.start()
    path = f"{SUPPORT}/queues/{QUEUE}/accept"

    assert sandbox_instance.call("POST", path, auth=BOT, json={}).status_code == 403


def test_the_agents_close_speaks_as_the_system_and_is_final(tmp_instance):
    group = tmp_instance.start()["group"]
    tmp_instance.accept()

    assert tmp_instance.act(group, "close", auth=AGENT)["state"] == 3

    last = tmp_instance.messages(group)[0]
    assert last["created_by"] == "system"
    assert last["message"] == "Live Agent has closed the support session"
    path = f"/api/now/connect/conversations/{group}/messages"
    for auth in (BOT, AGENT):
        answer = tmp_instance.answer("POST", path, auth=auth, json={"message": "late"})
        assert answer == (403, "This support session is closed")


def test_leaving_is_7_after_an_accept_and_8_before(tmp_instance):
    accepted = tmp_instance.start()["group"]
    tmp_instance.accept()
    waiting = tmp_instance.start()["group"]

    assert tmp_instance.act(accepted, "leave", auth=BOT)["state"] == 7
    assert tmp_instance.act(waiting, "leave", auth=BOT)["state"] == 8
    assert tmp_instance.act(accepted, "leave", auth=BOT)["state"] == 7


def test_the_agent_closes_what_the_requester_has_left(tmp_instance):
    group = tmp_instance.start()["group"]
    tmp_instance.accept()
    tmp_instance.act(group, "leave", auth=BOT)

    tmp_instance.say(group, "Are you still there?", auth=AGENT)

    assert tmp_instance.act(group, "close", auth=AGENT)["state"] == 3
    assert tmp_instance.act(group, "leave", auth=BOT)["state"] == 3


def test_a_chat_that_was_left_can_be_rejoined(tmp_instance):
    group = tmp_instance.start()["group"]
    tmp_instance.act(group, "leave", auth=BOT)

    assert tmp_instance.act(group, "rejoin", auth=BOT)["state"] == 1
    assert tmp_instance.accept()["group"] == group


def test_only_the_requester_leaves_and_only_the_agent_closes(tmp_instance):
    group = tmp_instance.start()["group"]
    tmp_instance.accept()

    for action, auth in (("leave", AGENT), ("close", BOT)):
        path = f"{SUPPORT}/sessions/{group}/{action}"
        answer = tmp_instance.call("POST", path, auth=auth, json={})
        assert answer.status_code == 403
    assert tmp_instance.entry(group)["state"] == 2


def test_escalating_keeps_the_conversation_and_opens_a_new_entry(tmp_instance):
    queue = tmp_instance.create("chat_queue", name="Second line")["sys_id"]
    group = tmp_instance.start()["group"]
    tmp_instance.accept()

    tmp_instance.act(group, f"escalate/{queue}", auth=AGENT)

    entries = tmp_instance.get(f"{SUPPORT}/sessions", auth=BOT, group_id=group)
    assert [(entry["state"], entry["queue"]) for entry in entries] == [
        (4, QUEUE),
        (1, queue),
    ]
    tmp_instance.say(group, "still here", auth=BOT)


def test_a_transfer_gives_the_chat_to_another_agent(tmp_instance):
    second = tmp_instance.create(
        "sys_user", user_name="second", name="Second Agent", user_password="second"
    )["sys_id"]
    agents = tmp_instance.table("sys_user_group")[0]["sys_id"]
    tmp_instance.create("sys_user_grmember", user=second, group=agents)
    group = tmp_instance.start()["group"]
    tmp_instance.accept()

    offered = tmp_instance.act(group, f"transfer/{second}", auth=AGENT)
    assert (offered["transfer_state"], offered["transfer_to"]) == ("pending", second)
    accepted = tmp_instance.act(group, "transfer/accept", auth=("second", "second"))

    assert accepted["assigned_to"] == second
    assert accepted["state"] == 2
    tmp_instance.say(group, "Taking over", auth=("second", "second"))


def test_a_rejected_transfer_changes_nothing(tmp_instance):
    agent = tmp_instance.table("sys_user", sysparm_query="user_name=agent")[0]
    group = tmp_instance.start()["group"]
    tmp_instance.accept()
    tmp_instance.act(group, f"transfer/{agent['sys_id']}", auth=AGENT)

    rejected = tmp_instance.act(group, "transfer/reject", auth=AGENT)
    completed = tmp_instance.act(group, "transfer/complete", auth=AGENT)

    assert rejected["transfer_state"] == "rejected"
    assert "transfer_state" not in completed
    assert completed["assigned_to"] == agent["sys_id"]


def test_sessions_are_narrowed_and_only_mine(sandbox_instance):
    left = sandbox_instance.start()["group"]
    sandbox_instance.act(left, "leave", auth=BOT)
    mine = sandbox_instance.start()["group"]
    others = sandbox_instance.start(auth=ADMIN)["group"]

    def groups(**query: str) -> list[str]:
        entries = sandbox_instance.get(f"{SUPPORT}/sessions", auth=BOT, **query)
        return [entry["group"] for entry in entries]

    assert groups(group_id=mine) == [mine]
    assert groups(group_id=others) == []
    assert mine in groups(queue_id=QUEUE, closed="false")
    assert left not in groups(closed="false")
    assert left in groups(closed="true")
    listed = sandbox_instance.get(f"{SUPPORT}/queues/{QUEUE}/sessions", auth=BOT)
    assert mine in [conversation["queueEntry"]["group"] for conversation in listed]


def test_a_closed_queue_says_so_and_starts_nothing(tmp_instance):
    path = f"{SUPPORT}/queues/{QUEUE}"
    assert "not_available" not in tmp_instance.get(path, auth=BOT)

    tmp_instance.switch(queues_open=False)

    text = "Our agents are not available at the moment."
    assert tmp_instance.get(path, auth=BOT)["not_available"] == text
    assert tmp_instance.get(f"{SUPPORT}/queues", auth=BOT)[0]["not_available"] == text
    start = tmp_instance.answer(
        "POST", f"{path}/sessions", auth=BOT, json={"message": "Hi"}
    )
    assert start == (403, text)
    assert tmp_instance.table("chat_queue_entry") == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{SUPPORT}/queues/none"),
        ("POST", f"{SUPPORT}/queues/none/sessions"),
        ("POST", f"{SUPPORT}/sessions/none/leave"),
        ("GET", "/api/now/live/profiles/none"),
        ("GET", "/api/now/live/profiles/sys_user.none"),
    ],
)
def test_what_is_not_there_is_a_404(sandbox_instance, method, path):
    body = {"json": {"message": "Hi"}} if method == "POST" else {}

    assert sandbox_instance.call(method, path, auth=BOT, **body).status_code == 404


def test_an_action_that_connect_lacks_is_no_resource(sandbox_instance):
    group = sandbox_instance.start()["group"]

    answer = sandbox_instance.call(
        "POST", f"{SUPPORT}/sessions/{group}/end", auth=BOT, json={}
    )

    assert answer.status_code == 400
    error = "Requested URI does not represent any resource"
    assert answer.json()["error"]["message"] == error


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic Ym90Ondyb25n"},
        {"Authorization": "Bearer nothing"},
    ],
)
def test_a_stranger_gets_the_platforms_401(sandbox_instance, headers):
    answer = sandbox_instance.call("GET", f"{SUPPORT}/queues", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'BASIC realm="Service-now"'
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert answer.json() == {
        "error": {
            "message": "User Not Authenticated",
            "detail": "Required to provide Auth information",
        },
        "status": "failure",
    }
