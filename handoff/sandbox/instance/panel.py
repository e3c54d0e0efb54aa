"""The control panel: switches and counts, as a page for people and as JSON."""

import json
from collections.abc import Mapping

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from handoff.sandbox.instance import switches
from handoff.sandbox.instance.faults import dice
from handoff.sandbox.instance.switchboard import ALL, GROUPS, Definition


class SwitchesForm(forms.Form):
    """A field for each switch, under its name."""

    def __init__(self, data: Mapping[str, str] | None = None) -> None:
        super().__init__(data, initial=switches.read_all())
        for name, definition in ALL.items():
            self.fields[name] = _field(definition)

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [
            (title, [self[definition.name] for definition in group])
            for title, group in GROUPS.items()
        ]


@never_cache
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Show the switches; a POST moves them all, or puts them back."""
    if request.method == "POST" and "reset" in request.POST:
        switches.reset()
        dice.start_again()
        return _saved()
    form = SwitchesForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        _move(form.cleaned_data)
        return _saved()
    counts = {name: count for name, count in dice.counts().items() if count}
    context = {"form": form, "counts": counts, "is_saved": "saved" in request.GET}
    status = 400 if form.is_bound else 200
    return render(request, "instance/switches.html", context, status=status)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def control(request: HttpRequest) -> HttpResponse:
    """Show the switches; a POST of `{name: value}` moves those that it names."""
    if request.method == "POST":
        # A page of another site can post a form here without asking, but not JSON.
        if request.content_type != "application/json":
            return JsonResponse({"error": "send application/json"}, status=415)
        try:
            _move(_object(request.body))
        except (ValueError, switches.NoSuchSwitch) as exc:
            return JsonResponse({"error": str(exc)}, status=400)
    return JsonResponse(switches.read_all())


@require_GET
def faults(_request: HttpRequest) -> HttpResponse:
    """Tell how often each fault has struck, under the name of its switch."""
    counts = dice.counts()
    return JsonResponse({"count": sum(counts.values()), "faults": counts})


def _move(wanted: Mapping[str, object]) -> None:
    switches.move(wanted)
    if "fault_seed" in wanted:
        dice.start_again()


def _object(body: bytes) -> dict[str, object]:
    try:
        wanted = json.loads(body)
    except ValueError as exc:
        raise ValueError("not JSON") from exc
    if not isinstance(wanted, dict):
        # To the caller a wrong type is no other kind of mistake than a wrong value.
        raise ValueError("not an object")  # noqa: TRY004
    return wanted


def _saved() -> HttpResponse:
    return redirect(f"{reverse('panel')}?saved")


def _field(definition: Definition) -> forms.Field:
    label, says = definition.name, definition.says
    if isinstance(definition.default, bool):
        return forms.BooleanField(label=label, help_text=says, required=False)
    if isinstance(definition.default, int):
        return forms.IntegerField(
            label=label, help_text=says, min_value=0, max_value=definition.most
        )
    if definition.choices:
        choices = [(choice, choice) for choice in definition.choices]
        return forms.ChoiceField(label=label, help_text=says, choices=choices)
    return forms.CharField(label=label, help_text=says, max_length=20)
