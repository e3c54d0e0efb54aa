"""What happens in a support chat, whoever asks for it: Connect's REST or the desk.

Each function is one transaction. The database queues its writers, so what a function
has read about a chat stays true until it is done.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from django.db import transaction
from django.db.models import QuerySet

from handoff.sandbox.instance import acl, store, switches, users
from handoff.sandbox.instance.models import Row

MAX_MESSAGE = 4_000
GROUP = "live_group_profile"


class State(StrEnum):
    """`chat_queue_entry.state`."""

    WAITING = "1"
    IN_PROGRESS = "2"
    CLOSED = "3"
    ESCALATED = "4"
    CLOSED_BY_CLIENT = "7"
    ABANDONED = "8"


OPEN = (State.WAITING, State.IN_PROGRESS)
GONE_FOR_GOOD = (State.CLOSED, State.ESCALATED)
# This instance's own: how the platform keeps it is not documented.
_FILE_OF_MESSAGE = "sandbox_file_of_message"


class NotPossible(Exception):
    """The chat, the queue or the user does not allow it; says so in a sentence."""


class TooLong(NotPossible):
    """The text has more than MAX_MESSAGE characters."""


class NobodyWaits(NotPossible):
    """There is no chat to pick up."""


@transaction.atomic
def start(*, queue: Row, user: Row, text: str) -> Row:
    """Open a conversation of its own and put it in the line."""
    if not switches.read("queues_open"):
        raise NotPossible(queue.value("not_available"))
    _check_length(text)
    by = user.value("user_name")
    group = store.insert(
        table=GROUP,
        values={
            "name": f"Support: {text[:60]}",
            "type": "support",
            "table": "chat_queue_entry",
        },
        by=by,
    )
    entry = _queue_up(queue=queue, group=group, opened_by=user, text=text)
    store.update(group, values={"document": entry.sys_id}, by=by)
    join(group=group.sys_id, user=user)
    _say(group=group.sys_id, text=text, author=user)
    return entry


@transaction.atomic
def post(
    *,
    group: str,
    user: Row,
    text: str,
    reflected_field: str = "comments",
    files: Sequence[str] = (),
) -> Row:
    """Say something; `files` are sys_ids of what was uploaded to the conversation."""
    if not acl.takes_part(user, group=group):
        raise NotPossible("You are not a member of this conversation")
    entry = latest_entry(group)
    if entry and not _may_write(user, entry=entry):
        raise NotPossible("This support session is closed")
    _check_length(text)
    found = [_file(sys_id, group=group) for sys_id in files]
    message = _say(group=group, text=text, author=user, reflected_field=reflected_field)
    _attach(found, message=message, by=user)
    return message


@transaction.atomic
def accept_next(*, queue: Row, agent: Row) -> Row:
    waiting = store.find("chat_queue_entry", queue=queue.sys_id, state=State.WAITING)
    if not waiting:
        raise NobodyWaits("There are no waiting chats in this queue")
    return accept(entry=waiting[0], agent=agent)


@transaction.atomic
def accept(*, entry: Row, agent: Row) -> Row:
    """Give a waiting chat to an agent, who greets with the queue's own text."""
    entry = _fresh(entry)
    if not acl.works_on(agent, entry=entry):
        raise NotPossible("You are not an agent of this queue")
    if entry.value("state") != State.WAITING:
        raise NobodyWaits("Somebody else has taken this chat")
    group = entry.value("group")
    join(group=group, user=agent)
    entry = _move(
        entry,
        by=agent,
        state=State.IN_PROGRESS,
        assigned_to=agent.sys_id,
        work_start=store.now_text(),
    )
    greeting = store.read(entry, path="queue.initial_agent_response")
    if greeting:
        _say(group=group, text=greeting, author=agent)
    return entry


@transaction.atomic
def close(*, entry: Row, agent: Row) -> Row:
    """End a chat from the agent's side, also one that its requester has left."""
    entry = _fresh(entry)
    check_assigned(agent, entry=entry)
    if entry.value("state") in GONE_FOR_GOOD:
        return entry
    text = f"{store.name_of(agent)} has closed the support session"
    _say(group=entry.value("group"), text=text, author=None)
    return _move(entry, by=agent, state=State.CLOSED, work_end=store.now_text())


@transaction.atomic
def leave(*, entry: Row, user: Row) -> Row:
    """End a chat from the requester's side; a second time changes nothing."""
    entry = _fresh(entry)
    _check_requester(user, entry=entry)
    ends = {
        State.WAITING: State.ABANDONED,
        State.IN_PROGRESS: State.CLOSED_BY_CLIENT,
    }
    if entry.value("state") not in OPEN:
        return entry
    state = ends[State(entry.value("state"))]
    return _move(entry, by=user, state=state, work_end=store.now_text())


@transaction.atomic
def rejoin(*, entry: Row, user: Row) -> Row:
    """Put a chat that its requester had left back in the line."""
    entry = _fresh(entry)
    _check_requester(user, entry=entry)
    if entry.value("state") in GONE_FOR_GOOD:
        raise NotPossible("This support session is closed")
    if entry.value("state") in OPEN:
        return entry
    return _move(entry, by=user, state=State.WAITING, assigned_to="", work_end="")


@transaction.atomic
def escalate(*, entry: Row, agent: Row, queue: Row) -> Row:
    """Close this entry and open one for the same conversation in another queue."""
    entry = _fresh(entry)
    check_assigned(agent, entry=entry)
    group = store.dereference(entry, column="group")
    requester = store.dereference(entry, column="opened_by")
    if entry.value("state") != State.IN_PROGRESS or not (group and requester):
        raise NotPossible("Only a chat in progress can be escalated")
    entry = _move(entry, by=agent, state=State.ESCALATED, work_end=store.now_text())
    text = entry.value("short_description")
    _queue_up(queue=queue, group=group, opened_by=requester, text=text)
    return entry


def latest_entry(group: str) -> Row | None:
    """Return the queue entry of a conversation; an escalated one has several."""
    entries = store.find("chat_queue_entry", group=group) if group else []
    return entries[-1] if entries else None


def messages(group: str) -> QuerySet[Row]:
    """Ask for the messages of a conversation, oldest first."""
    return store.select("live_message", group=group)


def files(group: str) -> Mapping[str, list[Row]]:
    """Return the files of a conversation, by the sys_id of the message they are in."""
    found: dict[str, list[Row]] = {}
    for link in store.select(_FILE_OF_MESSAGE, group=group):
        file = store.dereference(link, column="attachment")
        if file:
            found.setdefault(link.value("message"), []).append(file)
    return found


def check_assigned(agent: Row, *, entry: Row) -> None:
    if agent.sys_id != entry.value("assigned_to") and not users.is_admin(agent):
        raise NotPossible("This chat is not assigned to you")


def join(*, group: str, user: Row) -> None:
    """Make a user a member of the conversation, once."""
    if not acl.takes_part(user, group=group):
        store.insert(
            table="live_group_member",
            values={
                "group": group,
                "member": users.profile_of(user).sys_id,
                "member_type": "user",
                "state": "active",
            },
            by=user.value("user_name"),
        )


def _queue_up(*, queue: Row, group: Row, opened_by: Row, text: str) -> Row:
    return store.insert(
        table="chat_queue_entry",
        values={
            "number": f"CHAT{len(store.find('chat_queue_entry')) + 10_001:07}",
            "queue": queue.sys_id,
            "group": group.sys_id,
            "state": State.WAITING,
            "short_description": text,
            "opened_by": opened_by.sys_id,
            "opened_at": store.now_text(),
            "assignment_group": queue.value("assignment_group"),
        },
        by=opened_by.value("user_name"),
    )


def _say(
    *, group: str, text: str, author: Row | None, reflected_field: str = "comments"
) -> Row:
    """Write a message; without an author the system speaks."""
    return store.insert(
        table="live_message",
        values={
            "group": group,
            "profile": users.profile_of(author).sys_id if author else "",
            "message": text,
            "formatted_message": text,
            "reflected_field": reflected_field,
            "internal": reflected_field == "work_notes",
        },
        by=author.value("user_name") if author else store.SYSTEM,
    )


def _file(sys_id: str, *, group: str) -> Row:
    file = store.get(table="sys_attachment", sys_id=sys_id)
    if file is None or file.value("table_sys_id") != group:
        raise NotPossible("There is no such attachment in this conversation")
    return file


def _attach(files: Sequence[Row], *, message: Row, by: Row) -> None:
    for file in files:
        store.insert(
            table=_FILE_OF_MESSAGE,
            values={
                "group": message.value("group"),
                "message": message.sys_id,
                "attachment": file.sys_id,
            },
            by=by.value("user_name"),
        )


def _may_write(user: Row, *, entry: Row) -> bool:
    """Tell whether the chat is open to this user: an agent sees 7 as still open."""
    if entry.value("state") == State.CLOSED_BY_CLIENT:
        return user.sys_id != entry.value("opened_by")
    return entry.value("state") in OPEN


def _check_requester(user: Row, *, entry: Row) -> None:
    if user.sys_id != entry.value("opened_by"):
        raise NotPossible("This support session is not yours")


def _check_length(text: str) -> None:
    if len(text) > MAX_MESSAGE:
        raise TooLong(f"A message has at most {MAX_MESSAGE} characters")


def _move(entry: Row, *, by: Row, **values: str) -> Row:
    return store.update(entry, values=values, by=by.value("user_name"))


def _fresh(entry: Row) -> Row:
    entry.refresh_from_db()
    return entry
