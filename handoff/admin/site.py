"""The admin site: who gets in."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest

from handoff.admin.login import LoginForm

if TYPE_CHECKING:  # unfold has no types
    UnfoldAdminSite = AdminSite
else:
    from unfold.sites import UnfoldAdminSite


class HandoffAdminSite(UnfoldAdminSite):
    login_form = LoginForm
    login_template = "handoff/login.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Ask for a second factor, outside the demo."""
        if not super().has_permission(request):
            return False
        return settings.DEMO or getattr(request.user, "otp_device", None) is not None

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[Any]:
        """Put our own pages first, before users and groups."""
        found = super().get_app_list(request, app_label)
        return sorted(found, key=lambda app: app["app_label"] != "handoff")
