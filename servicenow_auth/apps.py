from django.apps import AppConfig


class ServiceNowAuthConfig(AppConfig):
    name = "servicenow_auth"
    verbose_name = "ServiceNow authorization"

    def ready(self) -> None:
        from servicenow_auth import checks  # noqa: F401 (registers them)
