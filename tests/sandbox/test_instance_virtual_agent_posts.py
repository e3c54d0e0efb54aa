"""The Virtual Agent API: where it posts to, by version, and what may go wrong."""

import base64

import pytest

from tests.sandbox.instance import ADMIN, eventually
from tests.sandbox.receiver import Receiver
from tests.sandbox.virtual_agent import (
    APPLICATION,
    CONNECTION,
    REST_MESSAGE,
    REST_METHOD,
    SUPPORT,
    VirtualAgentBot,
    connect,
    log_says,
)

pytestmark = pytest.mark.real_http

SECRET = "X-Handoff-Secret"


def agent_says(va_bot, desk):
    """Bring the conversation to the agent's first message and return it."""
    desk.act(va_bot.start(), "accept")
    assert va_bot.told("OutputText")
    return va_bot.posts[-1]


def delete(instance, table, row):
    instance.call("DELETE", f"/api/now/table/{table}/{row['sys_id']}", auth=ADMIN)


def test_from_4_1_on_the_connection_says_where_and_with_which_headers(va_bot):
    instance = va_bot.instance
    header = instance.create(
        "sys_connection_attribute", connection=CONNECTION, name=SECRET, value="canary"
    )
    login = instance.create("basic_auth_credentials", user_name="u", password="p")
    instance.patch("http_connection", CONNECTION, credential=login["sys_id"])

    va_bot.start()

    headers = va_bot.received[0].headers
    assert headers["content-type"] == "application/json"
    assert headers[SECRET.lower()] == "canary"
    assert headers["authorization"] == f"Basic {base64.b64encode(b'u:p').decode()}"
    assert headers["user-agent"] == "ServiceNow/1.0"
    path = f"/api/now/table/basic_auth_credentials/{login['sys_id']}"
    assert instance.call("GET", path, auth=ADMIN).json()["result"]["password"] == ""
    instance.patch("http_connection", CONNECTION, credential="")
    delete(instance, "sys_connection_attribute", header)


def test_before_4_1_record_and_method_must_both_name_the_endpoint(va_bot, desk):
    instance, url = va_bot.instance, va_bot.receiver.url
    connect(instance, url="")
    instance.switch(va_app_version="4.0")
    instance.patch("sys_rest_message", REST_MESSAGE, rest_endpoint=url)
    va_bot.ask("START_CONVERSATION", contextVariables=SUPPORT)
    assert log_says(instance, "No endpoint is configured")
    assert va_bot.posts == []

    instance.patch("sys_rest_message_fn", REST_METHOD, rest_endpoint=url)
    header = instance.create(
        "sys_rest_message_fn_headers",
        rest_message_function=REST_METHOD,
        name=SECRET,
        value="canary",
    )
    desk.act(va_bot.interaction["sys_id"], "accept")

    assert va_bot.told("SwitchToLiveAgent")
    assert va_bot.received[0].headers[SECRET.lower()] == "canary"
    delete(instance, "sys_rest_message_fn_headers", header)


@pytest.mark.parametrize(
    ("version", "has_agent_id", "has_ids"),
    [
        ("3.14", False, False),
        ("3.14.3", True, False),
        ("4.0", True, True),
        ("4.1", True, True),
    ],
)
def test_an_older_version_tells_less(va_bot, desk, version, has_agent_id, has_ids):
    va_bot.instance.switch(va_app_version=version)

    post = agent_says(va_bot, desk)

    assert ("agentId" in post["body"][0]["agentInfo"]) == has_agent_id
    assert ("messageId" in post["body"][0]) == has_ids
    assert ("interactionId" in post) == has_ids


def test_another_provider_application_has_an_inbound_id_and_an_address(va_bot):
    instance, other = va_bot.instance, Receiver()
    application = instance.create(
        "sys_cs_provider_application", name="Second Bot", inbound_id="second"
    )
    alias = instance.create("sys_alias", name="Second Bot")
    instance.create(
        "sn_va_as_service_outbound_configuration",
        provider_application=application["sys_id"],
        rest_connection=alias["sys_id"],
    )
    instance.create(
        "http_connection", connection_alias=alias["sys_id"], connection_url=other.url
    )
    second = VirtualAgentBot(instance, other)

    second.start(appInboundId="second")

    va_bot.start()

    assert second.posts[0]["appInboundId"] == "second"
    assert "appInboundId" not in va_bot.posts[0]
    second.ask("START_CONVERSATION", appInboundId="third")
    assert log_says(instance, "third")
    other.close()


def test_a_post_that_did_not_get_through_is_not_repeated(va_bot):
    instance = va_bot.instance
    connect(instance, url="http://127.0.0.1:9/")
    va_bot.ask("START_CONVERSATION", contextVariables=SUPPORT)
    assert log_says(instance, "Outbound message failed")

    connect(instance, url=va_bot.receiver.url)
    va_bot.ask("END_CONVERSATION")

    assert va_bot.finished()
    assert len(va_bot.posts) == 1


def test_posts_may_come_in_the_wrong_order(va_bot, desk):
    interaction = va_bot.start()
    va_bot.instance.switch(va_order="shuffled")

    desk.act(interaction, "accept")

    assert va_bot.told("SwitchToLiveAgent")
    greeting, arrival = va_bot.posts[1:]
    assert greeting["body"][0]["uiType"] == "OutputText"
    assert arrival["body"][1]["actionType"] == "SwitchToLiveAgent"


def test_posts_may_come_twice(va_bot):
    va_bot.instance.switch(va_duplicates=True)

    va_bot.start()

    assert eventually(lambda: len(va_bot.posts) == 2)
    assert va_bot.posts[0] == va_bot.posts[1]


def test_a_200_may_be_all_that_ever_comes(va_bot):
    va_bot.instance.switch(va_silent=True)
    start = {"action": "START_CONVERSATION", "contextVariables": SUPPORT}
    create = {"action": "CREATE_CONVERSATION", "syncResponse": True}

    assert va_bot.ask(**start) == {"status": "success"}
    assert log_says(va_bot.instance, "va_silent")
    assert va_bot.ask(**create) == {"status": "success"}

    assert va_bot.posts == []
    query = f"channel_user_id={va_bot.user_id}"
    assert va_bot.instance.table("interaction", sysparm_query=query) == []


def test_a_200_may_be_followed_by_a_fault(va_bot):
    va_bot.instance.switch(va_fail_late=True)

    assert va_bot.ask("START_CONVERSATION", contextVariables=SUPPORT) == {
        "status": "success"
    }

    fault = va_bot.finished()
    assert (fault["body"], fault["takeControl"], fault["score"]) == ([], True, 0)
    assert va_bot.interaction["state"] == "faulted"


def test_a_conversation_may_be_created_and_its_start_fail_late(va_bot):
    va_bot.instance.switch(va_fail_late=True)
    both = {"syncResponse": True, "contextVariables": SUPPORT}

    created = va_bot.ask("CREATE_CONVERSATION", **both)
    assert created["body"][0]["actionType"] == "CreateConversation"
    started = va_bot.ask("START_CREATED_CONVERSATION", **both)
    assert started == {"status": "success"}

    assert va_bot.finished()["takeControl"] is True


def test_names_and_avatars_of_agents_may_be_off(va_bot, desk):
    va_bot.instance.switch(va_agent_names=False)

    info = agent_says(va_bot, desk)["body"][0]["agentInfo"]

    assert info["sentFromAgent"] is True
    assert "agentName" not in info
    assert "agentAvatar" not in info


def test_receipts_need_a_channel_that_is_third_partys(va_bot, desk):
    instance = va_bot.instance
    query = f"provider_application={APPLICATION}^name=third_party_chat"
    row = instance.table("sys_cs_custom_adapter_property", sysparm_query=query)[0]
    message = agent_says(va_bot, desk)["body"][0]["messageId"]
    receipt = {"id": message, "status": "sent_to_user"}

    instance.patch("sys_cs_custom_adapter_property", row["sys_id"], value="false")
    va_bot.ask("UPDATE_MESSAGES", message=[receipt])
    interaction = va_bot.interaction["sys_id"]
    assert "data-delivery" not in desk.page(interaction)

    instance.patch("sys_cs_custom_adapter_property", row["sys_id"], value="true")
    va_bot.ask("UPDATE_MESSAGES", message=[receipt])
    assert "data-delivery" in desk.page(interaction)
