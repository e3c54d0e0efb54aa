"""The admin site: who gets in."""

from typing import TYPE_CHECKING

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
