from django.contrib.admin.apps import SimpleAdminConfig


class AdminConfig(SimpleAdminConfig):
    """The admin without its pages: config.urls brings them, and no worker needs any."""

    default_site = "handoff.admin.site.HandoffAdminSite"
