import re

import jsonschema  # type: ignore[import-untyped] # drf-spectacular's, untyped
import pytest
from django.core.management import call_command
from django.test import Client

from handoff.api.events import TYPES
from tests.api.bots import Api
from tests.files.samples import upload

JSON = "application/vnd.oai.openapi+json"


@pytest.fixture(scope="module")
def schema():
    return Client().get("/api/schema/", headers={"Accept": JSON}).json()


def test_the_schema_is_valid(tmp_path):
    file = tmp_path / "schema.yaml"

    call_command("spectacular", validate=True, fail_on_warn=True, file=str(file))

    assert file.read_text().startswith("openapi: 3.1")


def test_every_call_is_described(schema):
    described = {
        (path, method) for path, item in schema["paths"].items() for method in item
    }

    assert described == {
        ("/api/v1/handoffs", "get"),
        ("/api/v1/handoffs", "post"),
        ("/api/v1/handoffs/{handoff_id}", "get"),
        ("/api/v1/handoffs/{handoff_id}/messages", "get"),
        ("/api/v1/handoffs/{handoff_id}/messages", "post"),
        ("/api/v1/handoffs/{handoff_id}/typing", "post"),
        ("/api/v1/handoffs/{handoff_id}/end", "post"),
        ("/api/v1/handoffs/{handoff_id}/transcript", "get"),
        ("/api/v1/attachments", "post"),
        ("/api/v1/attachments/{attachment_id}", "get"),
        ("/api/v1/events", "get"),
        ("/api/v1/availability", "get"),
    }


def test_every_call_asks_for_a_key(schema):
    operations = [call for path in schema["paths"].values() for call in path.values()]

    open_ones = [
        call["operationId"]
        for call in operations
        if call["security"] != [{"ApiKey": []}]
    ]
    assert open_ones == ["get_attachment"]  # its address may hold a token instead


def test_a_file_is_described_as_bytes_in_both_directions(schema):
    form = schema["paths"]["/api/v1/attachments"]["post"]["requestBody"]["content"]
    assert list(form) == ["multipart/form-data"]
    one = schema["paths"]["/api/v1/attachments/{attachment_id}"]["get"]
    assert list(one["responses"]["200"]["content"]) == ["*/*"]


def test_the_webhook_is_described(schema):
    body = schema["webhooks"]["event"]["post"]["requestBody"]

    assert body["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Event"
    }
    assert set(schema["components"]["schemas"]["TypeEnum"]["enum"]) == set(TYPES)


def conforms(schema, answer, *, path: str, method: str) -> None:
    operation = schema["paths"][path][method]
    content = operation["responses"][str(answer.status_code)]["content"]
    media_type = answer["Content-Type"].split(";")[0]
    described = content[media_type]["schema"] | {"components": schema["components"]}
    jsonschema.Draft202012Validator(described).validate(answer.json())


@pytest.mark.django_db
def test_answers_about_files_are_what_the_schema_says(schema, api, handoff_id):
    path = "/api/v1/attachments"
    for answer in [upload(api), upload(api, b"")]:
        conforms(schema, answer, path=path, method="post")
    unknown = api.get(f"/attachments/{handoff_id}")
    conforms(schema, unknown, path=f"{path}/{{attachment_id}}", method="get")
    ids = [upload(api).json()["id"]]
    said = api.post(
        f"/handoffs/{handoff_id}/messages", {"id": "m-1", "attachments": ids}
    )
    messages = "/api/v1/handoffs/{handoff_id}/messages"
    conforms(schema, said, path=messages, method="post")
    assert len(said.json()["attachments"]) == 1


@pytest.mark.django_db
def test_answers_are_what_the_schema_says(schema, api, handoff_id):
    one = "/api/v1/handoffs/{handoff_id}"
    here = f"/handoffs/{handoff_id}"
    start = {"conversation_id": "c-2", "message": "Hi"}
    early, late = {"id": "m-1", "text": "?"}, {"id": "m-2", "text": "?"}
    for path, method, answer in [
        ("/api/v1/handoffs", "post", api.post("/handoffs", start)),
        ("/api/v1/handoffs", "post", api.post("/handoffs", {})),
        ("/api/v1/handoffs", "get", api.get("/handoffs")),
        (one, "get", api.get(here)),
        (one, "get", Api(key="wrong").get(here)),
        (
            f"{one}/messages",
            "post",
            api.post(f"{here}/messages", early),
        ),
        (f"{one}/messages", "get", api.get(f"{here}/messages")),
        (f"{one}/end", "post", api.post(f"{here}/end")),
        (
            f"{one}/messages",
            "post",
            api.post(f"{here}/messages", late),
        ),
        (f"{one}/transcript", "get", api.get(f"{here}/transcript")),
        ("/api/v1/events", "get", api.get("/events")),
        ("/api/v1/events", "get", api.get("/events", after=99)),
        ("/api/v1/availability", "get", api.get("/availability")),
    ]:
        conforms(schema, answer, path=path, method=method)


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline():
    answer = Client().get("/api/docs/")
    page = answer.content.decode()

    assert answer.status_code == 200
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) == 5
    assert all(source.startswith("/") and source[1] != "/" for source in sources)
    assert "<style" not in page
    assert re.findall(r"<script[^>]*>[^<]", page) == []
    for source in sources:
        assert Client().head(source).status_code == 200, source


def test_the_page_allows_no_more_than_it_needs():
    policy = Client().get("/api/docs/")["Content-Security-Policy"]

    directives = policy.split("; ")
    assert "script-src 'self'" in directives
    assert "style-src 'self'" in directives
    assert "unsafe" not in policy


def test_schema_and_page_need_no_key_and_no_database():
    assert Client().get("/api/schema/").status_code == 200
    assert Client().get("/api/docs/").status_code == 200
