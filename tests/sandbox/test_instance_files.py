"""Files in Connect Support: the Attachment API and messages that name a file."""

import pytest

from tests.sandbox.instance import ADMIN, AGENT, BOT, Instance

pytestmark = pytest.mark.real_http

UPLOAD = "/api/now/attachment/file"
# Not text in any encoding, and longer than one read.
CONTENT = bytes(range(256)) * 4_000


def upload(
    instance: Instance,
    group: str,
    *,
    auth: tuple[str, str] = BOT,
    file_name: str = "photo.png",
    content: bytes = CONTENT,
):
    query = {
        "table_name": "live_group_profile",
        "table_sys_id": group,
        "file_name": file_name,
    }
    headers = {"Content-Type": "image/png"}
    return instance.call(
        "POST", UPLOAD, auth=auth, params=query, data=content, headers=headers
    )


def files_of(instance: Instance, group: str, *, auth: tuple[str, str]):
    query = f"table_name=live_group_profile^table_sys_id={group}"
    return instance.get("/api/now/table/sys_attachment", auth=auth, sysparm_query=query)


@pytest.fixture
def group(sandbox_instance: Instance) -> str:
    """A chat that nobody has taken yet; its conversation."""
    return str(sandbox_instance.start()["group"])


@pytest.fixture
def sys_id(sandbox_instance: Instance, group: str) -> str:
    """A file in that conversation."""
    return str(upload(sandbox_instance, group).json()["result"]["sys_id"])


def test_an_upload_is_answered_with_its_record(sandbox_instance, group):
    response = upload(sandbox_instance, group)

    assert response.status_code == 201
    result = response.json()["result"]
    address = f"{sandbox_instance.url}/api/now/attachment/{result['sys_id']}"
    expected = {
        "file_name": "photo.png",
        "table_name": "live_group_profile",
        "table_sys_id": group,
        "content_type": "image/png",
        "size_bytes": str(len(CONTENT)),
        "download_link": f"{address}/file",
        "sys_created_by": BOT[0],
    }
    assert {name: result[name] for name in expected} == expected
    assert response.headers["Location"] == address


def test_a_file_is_given_out_as_it_came(sandbox_instance, sys_id):
    path = f"/api/now/attachment/{sys_id}"

    record = sandbox_instance.get(path, auth=BOT)
    response = sandbox_instance.call("GET", f"{path}/file", auth=BOT)

    assert record["size_bytes"] == str(len(CONTENT))
    assert response.content == CONTENT
    assert response.headers["Content-Type"] == "image/png"
    disposition = response.headers["Content-Disposition"]
    assert disposition == 'attachment; filename="photo.png"'


def test_a_conversations_files_are_found_as_rows(sandbox_instance, group, sys_id):
    (row,) = files_of(sandbox_instance, group, auth=BOT)

    assert (row["sys_id"], row["file_name"]) == (sys_id, "photo.png")


def test_files_are_for_those_who_take_part(sandbox_instance, group, sys_id):
    path = f"/api/now/attachment/{sys_id}"

    assert upload(sandbox_instance, group, auth=AGENT).status_code == 403
    assert files_of(sandbox_instance, group, auth=AGENT) == []
    for address in (path, f"{path}/file"):
        assert sandbox_instance.call("GET", address, auth=AGENT).status_code == 404
        assert sandbox_instance.call("GET", address).status_code == 401


@pytest.mark.parametrize(
    ("table", "record"),
    [("sys_user", ""), ("live_group_profile", "0" * 32), ("nonsense", "0" * 32)],
)
def test_nothing_is_uploaded_elsewhere(sandbox_instance, table, record):
    record = record or sandbox_instance.table("sys_user")[0]["sys_id"]
    query = {"table_name": table, "table_sys_id": record, "file_name": "a.png"}

    response = sandbox_instance.call(
        "POST", UPLOAD, auth=BOT, params=query, data=b"content"
    )

    assert response.status_code == 403


def test_an_upload_needs_a_name(sandbox_instance, group):
    response = upload(sandbox_instance, group, file_name="\r\n")

    assert response.status_code == 400
    assert response.json()["error"]["detail"] == "file_name is required"


def test_a_name_cannot_end_a_header(sandbox_instance, group):
    answer = upload(sandbox_instance, group, file_name='a"\r\nX-Evil: ü.png')

    result = answer.json()["result"]
    assert result["file_name"] == 'a"X-Evil: ü.png'
    path = f"/api/now/attachment/{result['sys_id']}/file"
    response = sandbox_instance.call("GET", path, auth=BOT)
    assert response.content == CONTENT
    assert "X-Evil" not in response.headers


def test_a_file_that_is_too_large_is_refused(sandbox_instance, group):
    limit = 25 * 1024 * 1024

    assert upload(sandbox_instance, group, content=b"x" * limit).status_code == 201
    refused = upload(sandbox_instance, group, content=b"x" * (limit + 1))

    assert refused.status_code == 413
    assert len(files_of(sandbox_instance, group, auth=BOT)) == 1


def post(instance: Instance, group: str, attachments: object):
    return instance.call(
        "POST",
        f"/api/now/connect/conversations/{group}/messages",
        auth=BOT,
        json={"message": "File: photo.png", "attachments": attachments},
    )


def test_a_message_names_its_files_where_the_instance_shows_them(tmp_instance, request):
    group = tmp_instance.start()["group"]
    file = upload(tmp_instance, group).json()["result"]

    hidden = post(tmp_instance, group, [file["sys_id"]]).json()["result"]
    tmp_instance.switch(connect_shows_attachments=True)
    shown = tmp_instance.messages(group)[0]

    assert (hidden["message"], hidden["attachments"]) == ("File: photo.png", [])
    assert shown["sys_id"] == hidden["sys_id"]
    names = ("sys_id", "file_name", "size_bytes", "content_type")
    assert shown["attachments"] == [{name: file[name] for name in names}]


def test_a_message_takes_no_file_of_another_conversation(
    sandbox_instance, group, sys_id
):
    other = sandbox_instance.start()["group"]

    refused = post(sandbox_instance, other, [sys_id])

    assert refused.status_code == 403
    text = "There is no such attachment in this conversation"
    assert refused.json() == {"result": text}
    assert len(sandbox_instance.messages(other)) == 1


@pytest.mark.parametrize("attachments", ["text", [1], {"sys_id": "x"}])
def test_attachments_are_a_list_of_ids(sandbox_instance, group, attachments):
    assert post(sandbox_instance, group, attachments).status_code == 400
    assert len(sandbox_instance.messages(group)) == 1


def test_an_agents_photo_is_for_everybody_to_see(sandbox_instance):
    (agent,) = sandbox_instance.table("sys_user", sysparm_query=f"user_name={AGENT[0]}")
    path = f"/api/now/live/profiles/sys_user.{agent['sys_id']}"

    avatar = sandbox_instance.get(path, auth=BOT)["avatar"]

    assert avatar.endswith(".iix?t=small")
    response = sandbox_instance.call("GET", avatar)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert response.content.startswith(b"<svg")


def test_a_photos_address_shows_no_other_file(sandbox_instance, sys_id):
    response = sandbox_instance.call("GET", f"/{sys_id}.iix")

    assert response.status_code == 404


def test_administrators_read_every_file(sandbox_instance, group, sys_id):
    assert files_of(sandbox_instance, group, auth=ADMIN)[0]["sys_id"] == sys_id
