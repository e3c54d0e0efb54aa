"""/metrics, in Prometheus' text format: what lies in the database, and this process."""

from collections.abc import Iterator
from hmac import compare_digest
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.timezone import now
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry
from prometheus_client import generate_latest as render
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from handoff.models import Callback, Event, Handoff, Heartbeat, Lane, Outgoing
from handoff.models.lane import UNSETTLED
from handoff.relay import due


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "")
    if not compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    stored = CollectorRegistry()
    stored.register(StoredWork())
    return HttpResponse(
        render(REGISTRY) + render(stored), content_type=CONTENT_TYPE_LATEST
    )


class StoredWork(Collector):
    """Each figure comes from a partial index of what is unfinished."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _counted(
            "handoff_open_handoffs",
            "Handoffs that are not over",
            rows=Handoff.objects.open(),
            label="state",
        )
        for name, items in (("outgoing", Outgoing.objects), ("events", Event.objects)):
            yield _counted(
                f"handoff_unsettled_{name}",
                "Items that are not delivered yet",
                rows=items.filter(state__in=UNSETTLED),
                label="state",
            )
        yield _counted(
            "handoff_stored_callbacks",
            "Callbacks that nobody has looked at yet",
            rows=Callback.objects.filter(state=Callback.State.STORED),
            label="state",
        )
        yield _counted(
            "handoff_waiting_lanes",
            "Lanes with something to deliver, by what they wait for",
            rows=Lane.objects.filter(wake_at__isnull=False),
            label="stalled_reason",
        )
        yield GaugeMetricFamily(
            "handoff_items_found_twice",
            "Items that stand in ServiceNow more than once",
            value=Outgoing.objects.exclude(duplicates=[]).count(),
        )
        yield _ages()


def _counted(
    name: str, text: str, *, rows: QuerySet[Any], label: str
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, count in rows.order_by().values_list(label).annotate(Count("pk")):
        family.add_metric([value], count)
    return family


def _ages() -> GaugeMetricFamily:
    """Of the lane that nobody has been at for longest, and of each sign of life."""
    family = GaugeMetricFamily("handoff_age_seconds", "Seconds since", labels=["of"])
    moment = now()
    oldest = due.stuck(since=moment).aggregate(at=Min("wake_at"))["at"] or moment
    family.add_metric(["oldest_due_lane"], (moment - oldest).total_seconds())
    for beat in Heartbeat.objects.all():
        family.add_metric([beat.name], (moment - beat.at).total_seconds())
    return family
