"""The Virtual Agent API: files of the user, fetched by address, and of the agent."""

import pytest

from tests.sandbox.file_server import TOKEN, FileServer
from tests.sandbox.instance import ADMIN, BOT
from tests.sandbox.virtual_agent import log_says

pytestmark = pytest.mark.real_http

# Not text in any encoding, and longer than one read.
CONTENT = bytes(range(256)) * 4_000


@pytest.fixture
def files():
    server = FileServer(CONTENT)
    yield server
    server.close()


@pytest.fixture
def interaction(va_bot, desk):
    """A conversation that an agent has accepted."""
    interaction = va_bot.start()
    desk.act(interaction, "accept")
    assert va_bot.told("SwitchToLiveAgent")
    return interaction


def attachment(files, **changes):
    described = {
        "clientAttachmentId": "a-1",
        "contentType": "image/png",
        "fileName": "screen.png",
        "url": files.url,
        "headers": {"Authorization": TOKEN},
    }
    return described | changes


def stored(va_bot, interaction):
    query = f"table_name=interaction^table_sys_id={interaction}"
    return va_bot.instance.table("sys_attachment", sysparm_query=query)


def test_a_users_file_is_fetched_with_its_headers(va_bot, desk, interaction, files):
    va_bot.say("See this", attachment=attachment(files))

    assert desk.shows(interaction, 'data-file-name="screen.png"')
    assert "See this" in desk.page(interaction)
    (row,) = stored(va_bot, interaction)
    assert (row["content_type"], row["size_bytes"]) == ("image/png", "1024000")
    media = f"/api/now/v1/cs/media/{row['sys_id']}"
    assert va_bot.instance.call("GET", media, auth=ADMIN).content == CONTENT


def test_several_files_may_come_with_one_message(va_bot, desk, interaction, files):
    second = attachment(files, fileName="second.txt", contentType="text/plain")

    va_bot.say("", attachment=[attachment(files), second])

    assert desk.shows(interaction, 'data-file-name="second.txt"')
    assert len(stored(va_bot, interaction)) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"headers": {}}, "HTTPError"),
        ({"url": "http://localhost:9/file"}, "no trusted media domain"),
        ({"url": "http://[/file"}, "no trusted media domain"),
        ({"contentType": ""}, "is missing"),
        ({"fileName": None}, "is missing"),
    ],
)
def test_a_file_that_cannot_be_had_is_dropped_and_nobody_told(
    va_bot, desk, interaction, files, changes, reason
):
    va_bot.say("See this", attachment=attachment(files, **changes))

    assert desk.shows(interaction, "See this")
    assert stored(va_bot, interaction) == []
    assert log_says(va_bot.instance, reason)


def test_a_file_that_is_too_large_is_dropped(va_bot, desk, interaction, files):
    files.content = b"0" * (25 * 1024 * 1024 + 1)

    va_bot.say("See this", attachment=attachment(files))

    assert log_says(va_bot.instance, "more than 25 MB")
    assert stored(va_bot, interaction) == []


def test_a_picture_of_the_agent_is_an_image_that_needs_a_login(
    va_bot, desk, interaction
):
    desk.send_file(interaction, ("plan.png", CONTENT, "image/png"))

    part = va_bot.told("OutputImage")
    assert part["altText"] == "plan.png"
    assert part["agentInfo"]["sentFromAgent"] is True
    path = part["value"].removeprefix(va_bot.instance.url)
    assert path.startswith("/api/now/v1/cs/media/")
    assert va_bot.instance.call("GET", path).status_code == 401
    assert va_bot.instance.call("GET", path, auth=BOT).content == CONTENT


def test_any_other_file_of_the_agent_is_a_link(va_bot, desk, interaction):
    desk.send_file(interaction, ("notes.txt", b"words", "text/plain"))

    part = va_bot.told("OutputLink")
    assert (part["label"], part["type"]) == ("notes.txt", "link")
    assert part["value"]["action"].startswith(va_bot.instance.url)
