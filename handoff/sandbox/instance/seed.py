"""What a fresh instance has: people, one queue, its name. No application, no rules."""

from django.db import transaction

from handoff.sandbox.instance import store
from handoff.sandbox.instance.models import Row

INSTANCE_NAME = "sandbox"
# Fixed, so that documents and scripts can name it.
QUEUE = "5a0c1e8fb2d34f6790a1c3e5d7f90b12"
SYSTEM = "system"
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
    queue = _insert(
        "chat_queue",
        name="Support",
        question="How can we help you?",
        assignment_group=group.sys_id,
        average_wait_time="1 Minute",
        initial_agent_response="Hello, thank you for waiting. How can I help you?",
        not_available="Our agents are not available at the moment.",
    )
    Row.objects.filter(pk=queue.pk).update(
        sys_id=QUEUE, data=queue.data | {"sys_id": QUEUE}
    )
    _insert("sys_properties", name="instance_name", value=INSTANCE_NAME)


def _user(user_name: str, first: str, last: str, password: str) -> Row:
    return _insert(
        "sys_user",
        user_name=user_name,
        first_name=first,
        last_name=last,
        name=f"{first} {last}",
        user_password=password,
    )


def _insert(table: str, **values: str) -> Row:
    return store.insert(table=table, values=values, by=SYSTEM)
