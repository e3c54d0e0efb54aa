"""Every switch there is: where it stands by default, and what it does.

Behaviour that differs between instances, or that nobody outside can know; and faults,
which are off by default. A fault's switch is a rate in percent.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    name: str
    default: bool | int | str
    says: str
    choices: tuple[str, ...] = ()
    # Numbers go from 0 to this one.
    most: int = 600

    def accepts(self, value: object) -> bool:
        if type(value) is not type(self.default):
            return False
        if isinstance(value, int):
            return 0 <= value <= self.most
        return bool(value) and value in (self.choices or (value,))


def _rate(name: str, says: str) -> Definition:
    return Definition(name, 0, says, most=100)


CONNECT = (
    Definition(
        "queues_open",
        default=True,
        says="Queues of Connect Support take new chats; closed, they say why.",
    ),
    Definition(
        "connect_shows_attachments",
        default=False,
        says="Messages of Connect name their attachments.",
    ),
    Definition(
        "chat_tables",
        "readable",
        "What the Table API shows the integration user of its chats and messages.",
        choices=("readable", "forbidden", "hidden"),
    ),
    Definition(
        "rotate_refresh_tokens",
        default=False,
        says="A refresh token can be used once, and comes back as a new one.",
    ),
    Definition(
        "unregistered_redirect",
        "error_page",
        "What a redirect_uri that is not registered leads to.",
        choices=("error_page", "first_url"),
    ),
)
TABLES = (
    Definition(
        "creates_incidents",
        default=True,
        says="The integration user has the role to create incidents.",
    ),
)
VIRTUAL_AGENT = (
    Definition(
        "va_app_version",
        "4.1",
        "Version of the Virtual Agent API's app, such as 3.14, 3.14.3, 4.0, 4.1.",
    ),
    Definition(
        "va_refuses_with",
        0,
        "Every call is refused with this status, such as 405. 0: none is.",
        most=599,
    ),
    Definition(
        "va_unknown_action",
        "refuse",
        "What an action leads to that the version does not know.",
        choices=("refuse", "utterance"),
    ),
    Definition(
        "va_agent_starts",
        default=True,
        says="AGENT may be the first request; else it gets the bot's fallback.",
    ),
    Definition(
        "va_sync_also_posts",
        default=False,
        says="An answer given in the HTTP response is posted as well.",
    ),
    Definition(
        "va_conversations_by",
        "user",
        "What tells open conversations of one application apart.",
        choices=("user", "session"),
    ),
    Definition(
        "va_ignores_early_messages",
        default=True,
        says="Messages between a start and an agent are lost.",
    ),
    Definition(
        "va_agents_available", default=True, says="An agent is there to be asked for."
    ),
    Definition("va_agent_names", default=True, says="Agents are told by name."),
    Definition(
        "va_survey", default=False, says="A survey follows when the agent has ended."
    ),
    Definition(
        "va_max_wait_seconds", 0, "The longest wait for an agent. 0: without end."
    ),
    Definition(
        "va_idle_reminder_seconds",
        0,
        "A silent user is reminded after this time; 180 over there. 0: never.",
    ),
    Definition(
        "va_idle_cancel_seconds",
        0,
        "A silent user's chat is ended after this time; 360 over there. 0: never.",
    ),
    Definition(
        "va_order",
        "in_order",
        "The order in which posts go out.",
        choices=("in_order", "shuffled"),
    ),
    Definition("va_duplicates", default=False, says="Each post goes out twice."),
    Definition(
        "va_records_readable",
        default=True,
        says="The integration user may read its interactions and their messages.",
    ),
    Definition(
        "va_silent",
        default=False,
        says="Requests are acknowledged with a 200, and nothing comes of them.",
    ),
    Definition(
        "va_fail_late",
        default=False,
        says="A request for an agent is acknowledged with a 200, then fails.",
    ),
)
CALL_FAULTS = (
    _rate("fault_latency", "The call is answered later, by fault_latency_ms."),
    _rate("fault_429", "429 with Retry-After and the X-RateLimit headers."),
    _rate("fault_429_bare", "429 without any header that tells how long."),
    _rate("fault_202_dropped", "202 without a body, and nothing is done."),
    _rate("fault_500_before", "500, transaction cancelled; nothing is done."),
    _rate("fault_500_after", "500, transaction cancelled, when all is done."),
    _rate("fault_502_before", "502 with a page of a proxy; nothing is done."),
    _rate("fault_502_after", "502 with a page of a proxy, when all is done."),
    _rate(
        "fault_silence_before",
        "Nothing is done and nothing said for fault_silence_seconds; then it hangs up.",
    ),
    _rate(
        "fault_silence_after",
        "All is done, nothing said for fault_silence_seconds; then it hangs up.",
    ),
    _rate("fault_hang_up_before", "The connection is cut; nothing is done."),
    _rate("fault_hang_up_after", "The connection is cut when all is done."),
    _rate("fault_hibernation", "200 with the page of an instance that hibernates."),
    _rate("fault_truncated", "All is done, and half of the JSON comes back."),
    _rate(
        "fault_revoked_token",
        "401, and a token is worth nothing from now on; at most once in"
        " fault_revoked_token_seconds, so that a new one works.",
    ),
    _rate("fault_hidden_own", "A read leaves out the messages of whoever reads."),
    _rate("fault_hidden_others", "A read leaves out the messages of everybody else."),
    _rate("fault_hidden_all", "A read leaves out all there is."),
)
CALLBACK_FAULTS = (
    _rate("fault_callback_dropped", "The callback never goes out."),
    _rate("fault_callback_duplicated", "The callback goes out twice."),
    _rate("fault_callback_reordered", "The callback is overtaken by the next one."),
    _rate(
        "fault_callback_late",
        "The callback goes out after fault_callback_late_seconds.",
    ),
    _rate("fault_callback_broken", "Half of the callback's body goes out."),
)
FAULT_SETTINGS = (
    Definition(
        "fault_seed",
        0,
        "Where the dice begin: moved to the same number, also to the one it stands at,"
        " the same run comes again.",
        most=2**31,
    ),
    Definition(
        "fault_latency_ms", 500, "How much later, in milliseconds.", most=60_000
    ),
    Definition("fault_429_seconds", 2, "What Retry-After says.", most=3_600),
    Definition("fault_silence_seconds", 30, "How long a silent call is held."),
    Definition("fault_revoked_token_seconds", 30, "The least time between two."),
    Definition("fault_callback_late_seconds", 5, "How late a late callback is."),
)
# By title, in the order of the page.
GROUPS = {
    "Connect Support and OAuth": CONNECT,
    "Agent Chat": VIRTUAL_AGENT,
    "Tables": TABLES,
    "Faults that strike calls of the integration user": CALL_FAULTS,
    "Faults that strike callbacks and posts": CALLBACK_FAULTS,
    "How faults strike": FAULT_SETTINGS,
}
ALL = {definition.name: definition for group in GROUPS.values() for definition in group}
