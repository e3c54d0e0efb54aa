"""When an instance is left alone, and how it is found to be back."""

from datetime import timedelta

import pytest
import requests
from django.utils.timezone import now

from servicenow_auth import pauses
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import DeliveryError, Resting, Throttled
from servicenow_auth.models import Connection, ConnectionRuntime
from servicenow_auth.signals import calls_resumed
from tests.servicenow_auth.conftest import HOST

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]
PATH = "/api/now/table/incident"
URL = f"{HOST}{PATH}"
PAST = timedelta(seconds=-1)
DOWN = {"body": requests.ConnectTimeout()}
UNTOLD = Throttled("ServiceNow answered 429.", retry_after=None)


@pytest.fixture
def resumed():
    told = []

    def listen(*, connection: Connection, **_: object) -> None:
        told.append(connection.pk)

    calls_resumed.connect(listen)
    yield told
    calls_resumed.disconnect(listen)


def runtime() -> ConnectionRuntime:
    return ConnectionRuntime.objects.get()


def call(connection: Connection) -> DeliveryError | None:
    try:
        with Instance(connection) as instance:
            instance.get(PATH)
    except DeliveryError as exc:
        return exc
    return None


def fail(connection: Connection, *, times: int) -> None:
    for _ in range(times):
        pauses.count_failure(connection.pk, detail="down", first=False)


def pause(*, until: timedelta) -> None:
    ConnectionRuntime.objects.update(paused_until=now() + until, pause_reason="429")


def left() -> timedelta:
    return runtime().paused_until - now()


def test_two_failed_calls_in_a_row_pause_nothing(http, basic):
    for _ in range(2):
        http.get(URL, **DOWN)
        call(basic)

    assert (runtime().failures, runtime().paused_until) == (2, None)


def test_the_third_pauses_for_a_second_and_further_ones_for_up_to_a_minute(basic):
    fail(basic, times=3)
    waits = [left()]
    for _ in range(12):
        pause(until=PAST)
        fail(basic, times=1)
        waits.append(left())

    assert [round(wait.total_seconds()) for wait in waits[:4]] == [1, 2, 4, 8]
    assert timedelta(seconds=58) < waits[-1] < timedelta(seconds=61)
    assert runtime().pause_reason == "down"


def test_one_trouble_met_by_many_calls_counts_once(basic):
    fail(basic, times=20)

    assert runtime().failures == 3


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"result": []}},
        {"status": 403, "json": {}},
        {"status": 500, "json": {"error": {}}},
    ],
)
def test_an_answer_of_the_instance_itself_ends_the_count(http, basic, answer):
    fail(basic, times=2)
    http.get(URL, **answer)

    call(basic)

    assert runtime().failures == 0


def test_what_could_not_be_sent_for_our_own_sake_is_no_failure(basic):
    with Instance(basic) as instance, pytest.raises(DeliveryError):
        instance.post(PATH, {}, send_before=0.0)

    assert runtime().failures == 0


def test_a_paused_instance_is_not_called(basic):
    pause(until=timedelta(seconds=60))

    assert isinstance(call(basic), Resting)
    assert runtime().failures == 0


def test_after_a_pause_one_goes_first_and_the_others_wait_for_it(basic):
    pause(until=PAST)

    assert pauses.go_first(basic.pk)
    assert not pauses.go_first(basic.pk)
    assert isinstance(call(basic), Resting)
    assert left() > timedelta(seconds=15)


def test_who_went_first_and_died_is_followed_by_another(basic):
    pause(until=PAST)
    assert pauses.go_first(basic.pk)
    pause(until=PAST)

    assert pauses.go_first(basic.pk)


def test_who_gets_through_first_lifts_the_pause(http, basic, resumed):
    pause(until=PAST)
    http.get(URL, json={"result": []})

    assert call(basic) is None

    assert (runtime().paused_until, runtime().pause_reason) == (None, "")
    assert resumed == [basic.pk]


def test_a_call_from_before_the_pause_does_not_end_it(http, basic, resumed):
    def pause_meanwhile(_):
        pause(until=timedelta(seconds=60))
        return 200, {}, '{"result": []}'

    http.add_callback("GET", URL, callback=pause_meanwhile)

    assert call(basic) is None

    assert left() > timedelta(seconds=50)
    assert resumed == []


def test_who_goes_first_in_vain_pauses_for_longer(http, basic, resumed):
    fail(basic, times=3)
    pause(until=PAST)
    http.get(URL, **DOWN)

    call(basic)

    assert timedelta(seconds=1) < left() < timedelta(seconds=3)
    assert runtime().failures == 4
    assert resumed == []


def test_who_goes_first_is_told_how_long_to_wait(http, basic):
    pause(until=PAST)
    http.get(URL, status=429, headers={"Retry-After": "3"})

    call(basic)

    assert timedelta(seconds=2) < left() < timedelta(seconds=4)


def test_a_shorter_pause_does_not_end_a_longer_one(basic):
    for wait, detail in ((60, "long"), (5, "short"), (90, "longer")):
        told = Throttled(detail, retry_after=wait)
        pauses.throttle(basic.pk, told, first=False)
        assert left() > timedelta(seconds=50)
        assert runtime().pause_reason == detail.replace("short", "long")


def test_a_429_that_says_how_long_narrows_nothing(basic):
    pauses.throttle(basic.pk, Throttled("429", retry_after=5), first=False)

    assert runtime().calls_allowed is None


def test_a_429_that_does_not_say_halves_the_calls_at_once(basic):
    allowed = []
    for _ in range(3):
        pauses.throttle(basic.pk, UNTOLD, first=False)
        # Refused at the same time as the one before.
        pauses.throttle(basic.pk, UNTOLD, first=False)
        allowed.append(runtime().calls_allowed)
        assert left() > timedelta(seconds=25)
        pause(until=PAST)

    assert allowed == [2, 1, 1]


def test_after_a_minute_that_went_well_one_more_call_is_allowed(http, basic):
    http.get(URL, json={"result": []})
    pauses.throttle(basic.pk, UNTOLD, first=False)
    pauses.throttle(basic.pk, UNTOLD, first=True)
    allowed = []
    for waited in (59, 61, 61, 61):
        changed_at = now() - timedelta(seconds=waited)
        ConnectionRuntime.objects.update(paused_until=None, calls_changed_at=changed_at)
        call(basic)
        allowed.append(runtime().calls_allowed)

    assert allowed == [1, 2, 3, None]
