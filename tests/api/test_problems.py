import pytest
from django.db import OperationalError, connection
from django.test import Client

from handoff.api.problems import flatten
from tests.api.bots import Api

START = {"conversation_id": "c-1", "message": "Help!"}


def is_problem(answer, *, status, code):
    body = answer.json()
    return (
        answer.status_code == body["status"] == status
        and answer["Content-Type"] == "application/problem+json"
        and body["code"] == code
        and body["type"] == "about:blank"
        and body["title"] != ""
        and body["detail"] != ""
    )


@pytest.mark.parametrize("path", ["/handoffs/", "/nothing", "/../v2", "/\x00"])
def test_a_path_that_is_not_there_is_a_problem(api, path):
    assert is_problem(api.get(path), status=404, code="not_found")


@pytest.mark.parametrize("path", ["/servicenow/nothing", "/api/"])
def test_programs_get_a_problem_where_people_get_a_page(db, path):
    assert is_problem(Client().get(path), status=404, code="not_found")
    page = Client().get("/nothing")
    assert page.status_code == 404
    assert page["Content-Type"].startswith("text/html")


def test_a_method_that_is_not_there_is_a_problem(api):
    answer = api.client.delete("/api/v1/handoffs")

    assert is_problem(answer, status=405, code="method_not_allowed")
    assert "POST" in answer["Allow"]


def test_a_wrong_host_is_a_problem(api):
    answer = api.client.get("/api/v1/events", headers={"Host": "evil.example"})

    assert is_problem(answer, status=400, code="bad_request")


def test_html_is_not_to_be_had(api):
    answer = api.client.get("/api/v1/events", headers={"Accept": "text/html"})

    assert is_problem(answer, status=406, code="not_acceptable")


def test_a_database_that_is_down_is_told_as_503(api):
    def down(execute, sql, params, many, context):
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(down):
        answer = api.post("/handoffs", START)

    assert is_problem(answer, status=503, code="unavailable")
    assert answer["Retry-After"] == "5"
    assert b"server closed" not in answer.content


def test_a_database_that_fails_in_the_middle_is_told_as_503(api):
    def full(execute, sql, params, many, context):
        if sql.startswith("INSERT") and "handoff_message" in sql:
            raise OperationalError("disk full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(full):
        answer = api.post("/handoffs", START)

    assert is_problem(answer, status=503, code="unavailable")
    assert api.get("/handoffs").json()["items"] == []


def test_a_fault_of_ours_is_a_problem_without_details(api):
    def bug(execute, sql, params, many, context):
        raise ZeroDivisionError("a secret")

    with connection.execute_wrapper(bug):
        answer = api.get("/events")

    assert is_problem(answer, status=500, code="internal_error")
    assert b"secret" not in answer.content


def test_a_stranger_learns_nothing_of_methods(db):
    assert is_problem(
        Api().client.put("/api/v1/handoffs"), status=401, code="unauthorized"
    )


def test_nested_errors_are_told_by_path():
    detail = {
        "user": {"name": ["Too long."], "non_field_errors": ["Odd."]},
        "transcript": [{}, {"text": ["Blank."]}],
        "skills": {2: ["Blank."]},
        "id": ["Too long."],
    }

    assert flatten(detail) == {
        "user.name": ["Too long."],
        "user": ["Odd."],
        "transcript.1.text": ["Blank."],
        "skills.2": ["Blank."],
        "id": ["Too long."],
    }
