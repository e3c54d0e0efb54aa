"""Who somebody is, which roles and groups they have."""

from handoff.sandbox.instance import store
from handoff.sandbox.instance.models import Row


def authenticate(*, user_name: str, password: str) -> Row | None:
    user = store.first("sys_user", user_name=user_name, active="true")
    if user and store.secret_matches(user, column="user_password", candidate=password):
        return user
    return None


def is_admin(user: Row) -> bool:
    roles = store.find("sys_user_has_role", user=user.sys_id)
    return any(store.read(role, path="role.name") == "admin" for role in roles)


def is_agent(user: Row) -> bool:
    """Tell whether the user is in the assignment group of any queue."""
    groups = {queue.value("assignment_group") for queue in store.find("chat_queue")}
    memberships = store.find("sys_user_grmember", user=user.sys_id)
    return any(membership.value("group") in groups for membership in memberships)


def is_member(user: Row, *, group: str) -> bool:
    return bool(store.find("sys_user_grmember", user=user.sys_id, group=group))


def profile_of(user: Row) -> Row:
    """Return the user's live profile, made when it is first needed."""
    found = store.first("live_profile", table="sys_user", document=user.sys_id)
    return found or store.insert(
        table="live_profile",
        values={
            "name": store.name_of(user),
            "type": "user",
            "table": "sys_user",
            "document": user.sys_id,
        },
        by=user.value("user_name"),
    )
