"""What a ServiceNow administrator sets up for Agent Chat, from version 4.1 of the app.

The Virtual Agent API brings the connection along; see docs/agent-chat.md.
"""

from handoff.management.demo.servicenow_side import Administrator

# What the routing condition of the queue Support compares.
QUEUE = "support"
SECRET_HEADER = "X-Handoff-Secret"  # noqa: S105 (its name, not its value)
CONNECTION = "Bot Connection"


def install(
    administrator: Administrator, *, callback_url: str, callback_secret: str
) -> None:
    """Let the Virtual Agent API post to us, and show that the posts are its own."""
    connection = administrator.find("http_connection", name=CONNECTION)["sys_id"]
    administrator.create(
        "sys_connection_attribute",
        connection=connection,
        name=SECRET_HEADER,
        value=callback_secret,
    )
    administrator.change(
        "http_connection", sys_id=connection, connection_url=callback_url
    )


def ask_after_chats(administrator: Administrator) -> None:
    """Let the virtual agent ask the user how it was, once the agent has gone."""
    administrator.turn(va_survey=True)
