"""Which pages the admin has."""

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.auth.models import Group, User

from handoff.admin.bots import BotAdmin
from handoff.admin.callbacks import CallbackAdmin
from handoff.admin.handoffs import HandoffAdmin
from handoff.admin.people import GroupAdmin, UserAdmin
from handoff.models import Bot, Callback, Handoff

PAGES = {
    Bot: BotAdmin,
    Handoff: HandoffAdmin,
    Callback: CallbackAdmin,
    User: UserAdmin,
    Group: GroupAdmin,
}


def show_on(site: AdminSite) -> None:
    """Give the site the pages above, and take away those that packages brought.

    Some of theirs show the keys of one-time codes.
    """
    for model in filter(site.is_registered, apps.get_models()):
        site.unregister(model)
    for model, page in PAGES.items():
        site.register(model, page)
