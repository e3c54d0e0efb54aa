import pytest
from django.utils.timezone import now

from handoff import services
from tests.api.bots import Api, api_of


def refusal(answer):
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/problem+json"
    return answer.json()


def test_every_refusal_looks_the_same(bot):
    key, value = services.create_api_key(bot=bot)
    services.revoke_api_key(key=key)
    headers = [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer hk_wrong",
        f"Bearer {value}",
        f"Basic {value}",
        f"Bearer {value[:-1]}",
        "Bearer \xff",
    ]
    stranger = Api().client

    told = [
        refusal(stranger.get("/api/v1/events", headers={"Authorization": header}))
        for header in headers
        if header is not None
    ]
    told.append(refusal(stranger.get("/api/v1/events")))

    assert told[0]["code"] == "unauthorized"
    assert all(body == told[0] for body in told)


def test_two_keys_are_good_at_a_time(bot):
    assert api_of(bot).get("/events").status_code == 200
    assert api_of(bot).get("/events").status_code == 200


def test_a_revoked_key_is_refused_and_the_other_goes_on(bot):
    key, value = services.create_api_key(bot=bot)
    other = api_of(bot)

    key.revoked_at = now()
    key.save()

    refusal(Api(key=value).get("/events"))
    assert other.get("/events").status_code == 200


def test_the_scheme_may_be_written_in_any_case(bot):
    _, value = services.create_api_key(bot=bot)
    client = Api().client

    answer = client.get("/api/v1/events", headers={"Authorization": f"BEARER {value}"})

    assert answer.status_code == 200


def test_who_calls_is_found_in_one_query(api, django_assert_num_queries):
    # The key with its bot and both runtimes; then the handoffs.
    with django_assert_num_queries(2):
        api.get("/handoffs")


def test_a_stranger_is_turned_away_before_its_body_is_read(db):
    answer = Api().send("/handoffs", b"x" * 10_000_000)

    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/handoffs", "/events", "/availability"])
def test_nothing_is_told_without_a_key(db, path):
    refusal(Api().get(path))
