"""The admin site: who gets in."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static

from handoff.admin.login import LoginForm

if TYPE_CHECKING:  # unfold has no types
    UnfoldAdminSite = AdminSite
else:
    from unfold.sites import UnfoldAdminSite


# Unfold's Alpine evaluates expressions and sets styles; no other page may.
POLICY = {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]}
View = Callable[..., HttpResponse]


class HandoffAdminSite(UnfoldAdminSite):
    login_form = LoginForm
    login_template = "handoff/login.html"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return _with_policy(super().admin_view(view, cacheable))

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return _with_policy(super().login)(request, extra_context)

    def has_permission(self, request: HttpRequest) -> bool:
        """Ask for a second factor, outside the demo."""
        if not super().has_permission(request):
            return False
        return settings.DEMO or getattr(request.user, "otp_device", None) is not None

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        icon = {"rel": "icon", "href": static("handoff/icon.svg")}
        return super().each_context(request) | {"site_favicons": [icon]}

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[Any]:
        """List the pages as they were registered: our own before users and groups."""
        order = list(self._registry)
        found = super().get_app_list(request, app_label)
        for app in found:
            app["models"].sort(key=lambda page: order.index(page["model"]))
        return sorted(found, key=lambda app: order.index(app["models"][0]["model"]))


def _with_policy(view: View) -> View:
    """Add what the admin's pages need to what a view says of its own."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> HttpResponse:
        response = view(*args, **kwargs)
        own = getattr(response, "_csp_update", None) or {}
        setattr(response, "_csp_update", POLICY | own)  # noqa: B010 - django-csp's door
        return response

    return wrapped
