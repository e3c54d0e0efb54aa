from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class AdminConfig(DjangoAdminConfig):
    default_site = "handoff.admin.site.HandoffAdminSite"

    def ready(self) -> None:
        super().ready()
        from django.contrib.admin import site

        from handoff.admin import pages

        pages.show_on(site)
