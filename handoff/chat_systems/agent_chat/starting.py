"""How a conversation is opened: one request, or several with answers between them."""

from dataclasses import dataclass, replace
from typing import Any

from handoff.chat_systems.agent_chat import bodies, reading
from handoff.chat_systems.agent_chat.bodies import Json
from handoff.chat_systems.agent_chat.door import Door
from handoff.chat_systems.agent_chat.fields import object_of, objects_of, text_of
from handoff.chat_systems.values import Conversation, EntryState, Observation, Opening
from handoff.models.agent_chat import QueueMode, StartStrategy
from servicenow_auth.exceptions import Ambiguous, Rejected

# Not 403, which the next action would meet too.
UNKNOWN_ACTION = {400, 404, 405}
# The one request of each strategy that says all; CREATE falls back to it.
AT_ONCE = {
    StartStrategy.CREATE: "START_CONVERSATION",
    StartStrategy.START: "START_CONVERSATION",
    StartStrategy.AGENT: "AGENT",
}
# Names of what is done, each with the interaction's sys_id.
CREATED = "created"
ROUTED = "routed"
AWA_QUEUES = "/api/now/awa/queues"


@dataclass(frozen=True, kw_only=True)
class Start:
    """The requests that open one conversation.

    Any of them may raise, and the error stands for all. NotSent, Throttled and
    Unauthorized let the start be made again, from the first request that is not done:
    what is created and routed is noted with the opening. What is created rings at
    nobody before it is started, which is the last request.
    """

    door: Door
    conversation: Conversation
    opening: Opening
    send_before: float | None

    def make(self) -> Observation:
        """Open the conversation and return what the answers tell of it."""
        configuration = self.door.configuration
        by_create = configuration.start_strategy == StartStrategy.CREATE
        created = self._create() if by_create else None
        if configuration.queue_mode == QueueMode.AWA and self.opening.queue_id:
            self._route(created or {})
        if created is None:
            return self._told([self._start_at_once()])
        return self._told([created, self._start_created()])

    def _create(self) -> Json | None:
        """Create the conversation; None where the app is too old to know how."""
        if CREATED in self.opening.progress.done:
            return {"interactionId": self.opening.progress.done[CREATED]}
        try:
            answer = self._ask(
                "CREATE_CONVERSATION",
                request_id=f"{self.opening.id}-create",
                syncResponse=True,
                **self._opening_fields(),
            )
        except (Rejected, Ambiguous) as exc:
            if _means_unknown(exc):
                return None
            raise
        if not _says_created(answer):
            return None
        self.opening.progress.note(CREATED, _interaction_of(answer))
        return answer

    def _start_created(self) -> Json:
        return self._ask(
            "START_CREATED_CONVERSATION", syncResponse=True, message=self._question()
        )

    def _start_at_once(self) -> Json:
        action = AT_ONCE[StartStrategy(self.door.configuration.start_strategy)]
        return self._ask(action, message=self._question(), **self._opening_fields())

    def _route(self, created: Json) -> None:
        """Put the interaction into its queue, before a start finds it another one."""
        if ROUTED in self.opening.progress.done:
            return
        interaction = _interaction_of(created)
        if not interaction:
            detail = "ServiceNow named no interaction to route."
            raise Rejected(detail, status=404)
        self.door.instance.post(
            f"{AWA_QUEUES}/{self.opening.queue_id}/work_item",
            {"document_table": "interaction", "document_sys_id": interaction},
            send_before=self.send_before,
        )
        self.opening.progress.note(ROUTED, interaction)

    def _ask(self, action: str, *, request_id: str = "", **fields: Any) -> Json:
        return self.door.ask(
            self.conversation,
            request_id=request_id or self.opening.id,
            send_before=self.send_before,
            action=action,
            **fields,
        )

    def _opening_fields(self) -> Json:
        return bodies.opening_fields(
            self.conversation, self.opening, configuration=self.door.configuration
        )

    def _question(self) -> Json:
        return bodies.message(message_id=self.opening.id, text=self.opening.text)

    def _told(self, answers: list[Json]) -> Observation:
        """Return what the answers tell; mostly nothing, then callbacks will.

        Messages in them are left out: they are ServiceNow's own bot speaking.
        """
        unknown = Observation(
            state=EntryState.UNKNOWN, group_id=self.conversation.group_id
        )
        told = [
            news
            for answer in answers
            for news in reading.read(answer, configuration=self.door.configuration)
            if isinstance(news, Observation)
        ]
        best = max(told, key=_weight, default=unknown)
        return replace(best, group_id=self.conversation.group_id)


def _weight(seen: Observation) -> tuple[bool, bool, bool]:
    """Rank an end above an agent, and an agent above a wait, best one with a time."""
    is_end = seen.state not in (
        EntryState.UNKNOWN,
        EntryState.WAITING,
        EntryState.ACCEPTED,
    )
    return is_end, seen.state == EntryState.ACCEPTED, bool(seen.wait_text)


def _means_unknown(error: Rejected | Ambiguous) -> bool:
    """Tell what an app may answer to an action that it does not know.

    Its script may also break; once that is over another start does no harm, since
    what may have been created rings at nobody.
    """
    if isinstance(error, Ambiguous):
        return error.ended
    return error.status in UNKNOWN_ACTION


def _says_created(answer: Json) -> bool:
    kinds = (text_of(place, "actionType") for place in _places_in(answer))
    return any(kind.startswith("CreateConversation") for kind in kinds)


def _interaction_of(answer: Json) -> str:
    named = (text_of(place, "interactionId") for place in _places_in(answer))
    return next((name for name in named if name), "")


def _places_in(answer: Json) -> list[Json]:
    """Return the envelope and its parts: either may name the interaction."""
    envelope = object_of(answer, "result") or answer
    return [envelope, *objects_of(envelope, "body")]
