"""What a fresh instance has: people, queues, its name, the Virtual Agent API's app.

No OAuth application and no rules.
"""

from pathlib import Path

from django.db import transaction

from handoff.sandbox.instance import photos, store, users
from handoff.sandbox.instance.models import Row

INSTANCE_NAME = "sandbox"
# Fixed, so that documents and scripts can name it.
QUEUE = "5a0c1e8fb2d34f6790a1c3e5d7f90b12"
AWA_QUEUES = {
    "Support": "6b1d2f9ac3e45a78a1b2d4f6e8a01c23",
    "Billing": "7c2e30abd4f56b89b2c3e5a7f9b12d34",
}
PROVIDER_APPLICATION = "8d3f41bce5a67c9ac3d4f6b80ac23e45"
OUTBOUND_CONNECTION = "9e4052cdf6b78dabd4e5a7c91bd34f56"
REST_MESSAGE = "af5163dea7c89ebce5f6b8da2ce45a67"
REST_METHOD = "b06274efb8d9afcdf6a7c9eb3df56b78"
_PHOTO = Path(__file__).with_name("agent.svg")
_PEOPLE = (
    ("admin", "System", "Administrator", "admin"),
    ("agent", "Live", "Agent", "agent"),
    ("chatbot.interface", "Chatbot", "Interface", "chatbot"),
)


@transaction.atomic
def seed() -> None:
    """Fill an empty instance; one that has people is left alone."""
    if Row.objects.filter(table="sys_user").exists():
        return
    admin, agent, _ = [_user(*person) for person in _PEOPLE]
    role = _insert("sys_user_role", name="admin")
    _insert("sys_user_has_role", user=admin.sys_id, role=role.sys_id, state="active")
    group = _insert("sys_user_group", name="Support agents")
    _insert("sys_user_grmember", user=agent.sys_id, group=group.sys_id)
    photos.give(
        users.profile_of(agent),
        content=_PHOTO.read_bytes(),
        content_type="image/svg+xml",
        by=store.SYSTEM,
    )
    _insert(
        "chat_queue",
        sys_id=QUEUE,
        name="Support",
        question="How can we help you?",
        assignment_group=group.sys_id,
        average_wait_time="1 Minute",
        initial_agent_response="Hello, thank you for waiting. How can I help you?",
        not_available="Our agents are not available at the moment.",
    )
    _insert("sys_properties", name="instance_name", value=INSTANCE_NAME)
    for name, sys_id in AWA_QUEUES.items():
        _insert_awa_queue(name, sys_id=sys_id, group=group)
    _install_virtual_agent_api()


def _insert_awa_queue(name: str, *, sys_id: str, group: Row) -> None:
    _insert(
        "awa_queue",
        sys_id=sys_id,
        name=name,
        assignment_group=group.sys_id,
        routing_condition=f"Context.liveagent_queue_id={name.lower()}",
        average_wait_time="1 Minute",
        max_wait_time_message="All our agents are busy. Please try again later.",
        initial_agent_response="Hello, thank you for waiting. How can I help you?",
    )


def _install_virtual_agent_api() -> None:
    """Make what the app brings along; where it posts to, an administrator fills in."""
    name = "VA Bot to Bot Provider Application"
    _insert(
        "sys_cs_provider_application",
        sys_id=PROVIDER_APPLICATION,
        name=name,
        trusted_media_domains="127.0.0.1",
    )
    _insert(
        "sys_cs_custom_adapter_property",
        provider_application=PROVIDER_APPLICATION,
        name="third_party_chat",
        value="true",
    )
    alias = _insert("sys_alias", name="VA Bot to Bot")
    _insert(
        "sn_va_as_service_outbound_configuration",
        name=name,
        provider_application=PROVIDER_APPLICATION,
        rest_connection=alias.sys_id,
    )
    _insert(
        "http_connection",
        sys_id=OUTBOUND_CONNECTION,
        name="Bot Connection",
        connection_alias=alias.sys_id,
    )
    _insert("sys_rest_message", sys_id=REST_MESSAGE, name="VA Bot to Bot")
    _insert(
        "sys_rest_message_fn",
        sys_id=REST_METHOD,
        rest_message=REST_MESSAGE,
        function_name="postMessage",
        http_method="post",
    )


def _user(user_name: str, first: str, last: str, password: str) -> Row:
    return _insert(
        "sys_user",
        user_name=user_name,
        first_name=first,
        last_name=last,
        name=f"{first} {last}",
        user_password=password,
    )


def _insert(table: str, /, *, sys_id: str = "", **values: str) -> Row:
    """Add a row, with a fixed sys_id where one is given."""
    row = store.insert(table=table, values=values, by=store.SYSTEM)
    if sys_id:
        row.sys_id, row.data = sys_id, row.data | {"sys_id": sys_id}
        row.save()
    return row
