from django.apps import AppConfig


class InstanceConfig(AppConfig):
    name = "handoff.sandbox.instance"
    label = "instance"

    def ready(self) -> None:
        from handoff.sandbox.instance import business_rules, store

        store.row_written.connect(business_rules.on_row_written)
