"""The page of a bot: its configuration, its last handoffs, and how it fares."""

from functools import partial
from typing import Any, cast

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import ForeignKey
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString

from handoff.admin import configuration, health, sections, shown_once
from handoff.admin.buttons import BotButtons
from handoff.admin.fields import describe
from handoff.admin.forms import BotForm
from handoff.models import Bot, SigningSecret
from servicenow_auth import services as connections
from servicenow_auth.exceptions import BadAddress, ServiceNowAuthError
from servicenow_auth.models import Connection
from servicenow_auth.status import status_line

# Chromium holds every hop of a submitted form to this list: the login of an instance
# may lie at any company's identity provider, and the host may have been typed just now.
FORM_TARGETS = ["https:", *settings.SERVICENOW_EXTRA_ORIGINS]


@method_decorator(csp_update({"form-action": FORM_TARGETS}), name="changeform_view")
class BotAdmin(BotButtons):
    bot_lookup = "pk"
    form = BotForm
    list_display = [
        "name",
        "chat_system",
        "is_enabled",
        "where_it_stands",
        "owner_group",
    ]
    list_select_related = ["connection__runtime", "owner_group"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["authorize", "redirect_url", *sorted(sections.LATER)]
    conditional_fields = sections.FIELD_CONDITIONS
    conditional_sections = sections.SECTION_CONDITIONS
    warn_unsaved_form = True
    change_form_template = "admin/handoff/bot/change_form.html"

    class Media:
        css = {"all": ["handoff/admin.css"]}
        js = ["handoff/admin.js"]

    # --- What the page shows ---------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Bot | None = None) -> Any:
        return sections.sections(new=obj is None)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Give a new bot to the group of a developer who is in no other one."""
        groups = list(Group.objects.filter(user=request.user.pk)[:2])
        own = {"owner_group": groups[0].pk} if len(groups) == 1 else {}
        return own | super().get_changeform_initial_data(request)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if not request.user.is_superuser:
            kwargs["queryset"] = Group.objects.filter(user=request.user.pk)
            kwargs["required"] = True
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="Enabled", boolean=True)
    def is_enabled(self, bot: Bot) -> bool:
        return bot.enabled

    @admin.display(description="Where it stands")
    def where_it_stands(self, bot: Bot) -> str:
        return status_line(bot.connection.runtime).text

    @admin.display(description="Authorize")
    def authorize(self, bot: Bot) -> SafeString:
        connection: Connection | None = getattr(bot, "connection", None)
        connected = connection and connection.runtime.refresh_token
        return _part("authorize", bot=bot, connected=connected)

    @admin.display(description="Callback URL")
    def callback_url(self, bot: Bot) -> SafeString:
        return _part("copyable", value=bot.callback_url)

    @admin.display(description="Redirect URL")
    def redirect_url(self, bot: Bot) -> SafeString:
        return _part("copyable", value=redirect_uri())

    @admin.display(description="Callback secret")
    def callback_secret(self, bot: Bot) -> SafeString:
        return _signing_secret(bot, SigningSecret.Purpose.CALLBACK)

    @admin.display(description="Signing secret")
    def webhook_secret(self, bot: Bot) -> SafeString:
        return _signing_secret(bot, SigningSecret.Purpose.WEBHOOK)

    @admin.display(description="API keys")
    def api_keys(self, bot: Bot) -> SafeString:
        keys = bot.api_keys.filter(revoked_at=None)
        return _part("api_keys", bot=bot, keys=keys)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Bot | None = None,
    ) -> HttpResponse:
        context |= {"show_save_and_continue": False, "show_save_and_add_another": False}
        if obj is not None:
            context |= {
                "status": health.status(obj),
                "handoffs": obj.handoffs.all()[:20],
                "health": health.of(obj),
                "webhook_rests": health.webhook_rests(obj),
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    # --- What it stores --------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return user.is_superuser or Group.objects.filter(user=user.pk).exists()

    def save_model(
        self, request: HttpRequest, obj: Bot, form: Any, change: bool
    ) -> None:
        """Store; what goes over the network follows after the commit."""
        if change:
            configuration.update(form)
        else:
            configuration.create(form)
        transaction.on_commit(partial(self._follow_up, request, form))

    def _follow_up(self, request: HttpRequest, form: BotForm) -> None:
        if "_authorize" in request.POST:
            level, text = configuration.before_authorization(form)
        else:
            level, text = configuration.verdict(form)
        messages.add_message(request, level, text)

    def response_add(
        self, request: HttpRequest, obj: Bot, post_url_continue: str | None = None
    ) -> HttpResponse:
        proceed = self._authorization_url(request, obj)
        secrets = shown_once.first_secrets(obj)
        return self.show_once(request, obj, secrets, proceed=proceed)

    def response_change(self, request: HttpRequest, obj: Bot) -> HttpResponse:
        return HttpResponseRedirect(
            self._authorization_url(request, obj) or self.page_of(obj)
        )

    def _authorization_url(self, request: HttpRequest, bot: Bot) -> str:
        """Return where Authorize leads, "" where it was not clicked or cannot begin."""
        if "_authorize" not in request.POST:
            return ""
        try:
            return connections.begin(
                connection=bot.connection,
                user=cast("User", request.user),
                session_key=request.session.session_key or "",
                redirect_uri=redirect_uri(),
                return_to=self.page_of(bot),
            )
        except (ServiceNowAuthError, BadAddress) as exc:
            messages.error(request, f"Not authorized: {exc}")
            return ""


def redirect_uri() -> str:
    return f"{settings.PUBLIC_URL}{reverse('servicenow_auth:callback')}"


def _signing_secret(bot: Bot, purpose: SigningSecret.Purpose) -> SafeString:
    valid = bot.signing_secrets.valid().filter(purpose=purpose)
    lines = [describe(row.value, until=row.expires_at) for row in valid]
    callback = purpose == SigningSecret.Purpose.CALLBACK
    button = "New callback secret" if callback else "New signing secret"
    return _part("signing_secret", bot=bot, purpose=purpose, button=button, lines=lines)


def _part(name: str, **context: Any) -> SafeString:
    return render_to_string(f"admin/handoff/bot/{name}.html", context)
