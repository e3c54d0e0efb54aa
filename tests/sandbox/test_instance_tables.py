"""The Table API: queries, shapes, and who may do what."""

from collections.abc import Iterator

import pytest

from tests.sandbox.instance import ADMIN, AGENT, BOT, QUEUE, Instance

pytestmark = pytest.mark.real_http

TABLE = "/api/now/table"


@pytest.fixture(scope="module")
def three(sandbox_instance: Instance) -> Iterator[list[str]]:
    """Three properties: (a, 1), (b, 2), (c^d, 10)."""
    rows = (("t.a", "1"), ("t.b", "2"), ("t.c^d", "10"))
    made = [
        sandbox_instance.create("sys_properties", name=name, value=value)
        for name, value in rows
    ]
    yield [row["sys_id"] for row in made]
    for row in made:
        path = f"{TABLE}/sys_properties/{row['sys_id']}"
        assert sandbox_instance.call("DELETE", path, auth=ADMIN).status_code == 204


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name=t.a", "a"),
        ("nameSTARTSWITHt.^name!=t.a", "b c^d"),
        ("name=t.a^ORname=t.b", "a b"),
        ("name=t.a^NQname=t.b^value=2", "a b"),
        ("nameSTARTSWITHt.^name=t.a^ORname=t.b^value>1", "b"),
        ("nameSTARTSWITHt.^value>1", "b c^d"),
        ("nameSTARTSWITHt.^value>=2^value<10", "b"),
        ("nameSTARTSWITHt.^value<=2", "a b"),
        ("nameSTARTSWITHt.^valueBETWEEN2@10", "b c^d"),
        ("nameINt.a,t.b", "a b"),
        ("nameSTARTSWITHt.^nameNOT INt.a,t.b", "c^d"),
        ("nameLIKET.B", "b"),
        ("nameSTARTSWITHt.^nameNOT LIKE.b", "a c^d"),
        ("nameENDSWITHc^^d", "c^d"),
        ("name=t.c^^d", "c^d"),
        ("nameSTARTSWITHt.^descriptionISEMPTY", "a b c^d"),
        ("nameSTARTSWITHt.^descriptionISNOTEMPTY", ""),
        ("nameSTARTSWITHt.^ORDERBYDESCname", "c^d b a"),
        ("nameSTARTSWITHt.^ORDERBYname^EQ", "a b c^d"),
        ("nameSTARTSWITHt.^nonsense=1", "a b c^d"),
        ("nameSTARTSWITHt.^nameSOUNDSLIKEa", "a b c^d"),
    ],
)
def test_an_encoded_query_finds(sandbox_instance, query, names):
    found = sandbox_instance.table("sys_properties", sysparm_query=query)

    assert [row["name"].removeprefix("t.") for row in found] == names.split()


def test_a_query_of_nonsense_alone_returns_everything(sandbox_instance):
    everybody = sandbox_instance.table("sys_user")

    assert sandbox_instance.table("sys_user", sysparm_query="nme=admin") == everybody


def test_a_query_walks_through_a_reference(sandbox_instance):
    group = sandbox_instance.start()["group"]
    query = f"opened_by.user_name={BOT[0]}^group={group}"

    found = sandbox_instance.table("chat_queue_entry", sysparm_query=query)

    assert [row["group"]["value"] for row in found] == [group]


@pytest.mark.parametrize(
    "query",
    ["sys_id=javascript:gs.getUserID()", "user_name=javascript:gs.getUserName()"],
)
def test_a_query_knows_who_asks(sandbox_instance, query):
    found = sandbox_instance.get(f"{TABLE}/sys_user", auth=BOT, sysparm_query=query)

    assert [user["user_name"] for user in found] == [BOT[0]]


def test_values_are_strings_and_references_are_linked(sandbox_instance):
    entry = sandbox_instance.start()
    path = f"{TABLE}/chat_queue_entry/{entry['sys_id']}"

    row = sandbox_instance.get(path, auth=BOT)

    assert row["state"] == "1"
    assert row["assigned_to"] == ""
    link = f"{sandbox_instance.url}/api/now/table/chat_queue/{QUEUE}"
    assert row["queue"] == {"link": link, "value": QUEUE}


def test_fields_and_display_values_are_chosen(sandbox_instance):
    entry = sandbox_instance.start()
    path = f"{TABLE}/chat_queue_entry/{entry['sys_id']}"
    fields = "state,queue,opened_by.user_name,nonsense"

    shown = sandbox_instance.get(
        path,
        auth=BOT,
        sysparm_fields=fields,
        sysparm_display_value="true",
        sysparm_exclude_reference_link="true",
    )
    both = sandbox_instance.get(
        path, auth=BOT, sysparm_fields="state", sysparm_display_value="all"
    )

    assert shown == {
        "state": "Waiting",
        "queue": "Support",
        "opened_by.user_name": BOT[0],
    }
    assert both == {"state": {"display_value": "Waiting", "value": "1"}}


@pytest.mark.usefixtures("three")
def test_a_list_comes_in_pages_with_links_and_a_count(sandbox_instance):
    answer = sandbox_instance.call(
        "GET",
        f"{TABLE}/sys_properties",
        auth=ADMIN,
        params={
            "sysparm_query": "nameSTARTSWITHt.",
            "sysparm_limit": "1",
            "sysparm_offset": "1",
        },
    )

    assert [row["name"] for row in answer.json()["result"]] == ["t.b"]
    assert answer.headers["X-Total-Count"] == "3"
    links = answer.links
    offsets = {name: link["url"].split("offset=")[1] for name, link in links.items()}
    assert offsets == {"first": "0", "prev": "0", "next": "2", "last": "2"}


def test_an_empty_list_is_a_404_in_version_1_only(sandbox_instance):
    query = {"sysparm_query": "name=none"}

    def status(path: str):
        response = sandbox_instance.call("GET", path, auth=ADMIN, params=query)
        return response.status_code

    assert status("/api/now/v1/table/sys_properties") == 404
    assert status("/api/now/v2/table/sys_properties") == 200
    assert status("/api/now/table/sys_properties") == 200


def test_a_row_is_made_changed_and_deleted(sandbox_instance):
    made = sandbox_instance.call(
        "POST",
        f"{TABLE}/sys_properties",
        auth=ADMIN,
        json={"name": "x.made", "is_private": True, "no_such_column": "x"},
    )
    row = made.json()["result"]
    assert made.status_code == 201
    assert made.headers["Location"].endswith(f"/sys_properties/{row['sys_id']}")
    assert row["is_private"] == "true"
    assert "no_such_column" not in row
    assert (row["sys_mod_count"], row["sys_created_by"]) == ("0", "admin")

    changed = sandbox_instance.patch("sys_properties", row["sys_id"], value="1")
    same = sandbox_instance.patch("sys_properties", row["sys_id"], value="1")
    assert (changed["value"], changed["sys_mod_count"]) == ("1", "1")
    assert same["sys_mod_count"] == "1"

    path = f"{TABLE}/sys_properties/{row['sys_id']}"
    deleted = sandbox_instance.call("DELETE", path, auth=ADMIN)
    assert (deleted.status_code, deleted.content) == (204, b"")
    gone = sandbox_instance.call("GET", path, auth=ADMIN)
    assert gone.status_code == 404
    assert gone.json()["error"]["message"] == "No Record found"


def test_a_name_that_must_be_unique_is_taken_once(sandbox_instance):
    sandbox_instance.create("sys_properties", name="x.once")

    again = sandbox_instance.call(
        "POST", f"{TABLE}/sys_properties", auth=ADMIN, json={"name": "x.once"}
    )

    assert again.status_code == 403
    assert "Unique Key violation" in again.json()["error"]["detail"]


def test_a_table_that_is_none_is_invalid(sandbox_instance):
    answer = sandbox_instance.call("GET", f"{TABLE}/no_such_table", auth=ADMIN)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "Invalid table no_such_table"


def test_secrets_are_never_given_out_nor_guessed(sandbox_instance):
    sandbox_instance.create(
        "sys_properties", name="x.secret", type="password2", value="canary-1"
    )

    users = sandbox_instance.table("sys_user", sysparm_display_value="all")
    rows = sandbox_instance.table("sys_properties", sysparm_query="name=x.secret")

    assert {user["user_password"]["value"] for user in users} == {""}
    assert [row["value"] for row in rows] == [""]
    guess = "name=x.secret^valueSTARTSWITHcanary"
    wrong = "name=x.secret^valueSTARTSWITHother"
    assert sandbox_instance.table("sys_properties", sysparm_query=guess) == (
        sandbox_instance.table("sys_properties", sysparm_query=wrong)
    )


def test_the_integration_user_reads_its_own_chats_only(sandbox_instance):
    mine = sandbox_instance.start("mine")
    others = sandbox_instance.start("theirs", auth=ADMIN)

    def groups(table: str) -> set[str]:
        rows = sandbox_instance.get(f"{TABLE}/{table}", auth=BOT)
        return {row["group"]["value"] for row in rows}

    for table in ("chat_queue_entry", "live_message", "live_group_member"):
        assert mine["group"] in groups(table)
        assert others["group"] not in groups(table)
    path = f"{TABLE}/chat_queue_entry/{others['sys_id']}"
    assert sandbox_instance.call("GET", path, auth=BOT).status_code == 404


def test_many_conversations_are_read_at_once_in_pages(sandbox_instance):
    groups = [sandbox_instance.start(f"chat {n}")["group"] for n in range(3)]
    sandbox_instance.start("not asked for")
    query = f"groupIN{','.join(groups)}^sys_created_on>=2020-01-01 00:00:00"
    query += "^ORDERBYsys_created_on^ORDERBYsys_id"

    pages = [
        sandbox_instance.call(
            "GET",
            f"{TABLE}/live_message",
            auth=BOT,
            params={
                "sysparm_query": query,
                "sysparm_fields": "group,message,sys_created_on,profile.name",
                "sysparm_exclude_reference_link": "true",
                "sysparm_limit": "2",
                "sysparm_offset": offset,
            },
        )
        for offset in ("0", "2")
    ]

    assert [page.headers["X-Total-Count"] for page in pages] == ["3", "3"]
    rows = [row for page in pages for row in page.json()["result"]]
    assert sorted(row["group"] for row in rows) == sorted(groups)
    assert {row["profile.name"] for row in rows} == {"Chatbot Interface"}
    times = [row["sys_created_on"] for row in rows]
    assert times == sorted(times)


@pytest.mark.parametrize("table", ["chat_queue_entry", "live_message"])
def test_the_chats_can_be_forbidden_or_hidden(sandbox_instance, table):
    group = sandbox_instance.start()["group"]

    def read():
        query = {"sysparm_query": f"group={group}"}
        path = f"{TABLE}/{table}"
        return sandbox_instance.call("GET", path, auth=BOT, params=query)

    sandbox_instance.switch(chat_tables="forbidden")
    forbidden = read()
    sandbox_instance.switch(chat_tables="hidden")
    hidden = read()
    sandbox_instance.switch(chat_tables="readable")

    assert forbidden.status_code == 403
    assert (hidden.status_code, hidden.json()["result"]) == (200, [])
    assert len(read().json()["result"]) == 1
    assert len(sandbox_instance.messages(group)) == 1


@pytest.mark.parametrize("auth", [BOT, AGENT])
def test_only_an_administrator_writes_or_sees_configuration(sandbox_instance, auth):
    path = f"{TABLE}/sys_properties"
    write = sandbox_instance.call("POST", path, auth=auth, json={"name": "x.mine"})
    read = sandbox_instance.call("GET", path, auth=auth)

    assert write.status_code == 403
    detail = "ACL Exception Insert Failed due to security constraints"
    assert write.json()["error"]["detail"] == detail
    assert read.status_code == 403


def test_an_orphaned_header_is_the_price_of_a_wrong_column(sandbox_instance):
    header = sandbox_instance.create(
        "sys_rest_message_fn_headers", rest_message_fn="x", name="A", value="b"
    )

    assert header["rest_message_function"] == ""
    assert "rest_message_fn" not in header
