from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from config import health
from config.metrics import metrics
from handoff.admin import pages
from handoff.api.schema import DocsView

pages.show_on(admin.site)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("handoff.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(), name="docs"),
    path("servicenow/callback/", include("handoff.callbacks.urls")),
    path("servicenow/", include("servicenow_auth.urls")),
    path("healthz", health.healthz),
    path("healthz/deep", health.deep),
    path("readyz", health.readyz),
    path("metrics", metrics),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
