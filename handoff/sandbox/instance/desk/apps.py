from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "handoff.sandbox.instance.desk"
    label = "desk"
