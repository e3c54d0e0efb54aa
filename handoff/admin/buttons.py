"""The buttons of a bot's page that act at once: each one a POST of its own."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from handoff import services
from handoff.admin import shown_once
from handoff.admin.access import OwnedAdmin
from handoff.admin.shown_once import NewSecret
from handoff.models import Bot, SigningSecret
from servicenow_auth import services as connections


class BotButtons(OwnedAdmin):
    def get_urls(self) -> list[URLPattern]:
        buttons: list[tuple[str, str, Callable[..., HttpResponse]]] = [
            ("api-keys/new", "new_api_key", self.new_api_key),
            ("api-keys/<uuid:key_id>/revoke", "revoke_api_key", self.revoke_api_key),
            ("secrets/<slug:purpose>/new", "new_secret", self.new_secret),
            ("disconnect", "disconnect", self.disconnect),
            ("webhook/on", "webhook_on", self.webhook_on),
        ]
        urls = [
            path(
                f"<uuid:bot_id>/{address}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"handoff_bot_{name}",
            )
            for address, name, view in buttons
        ]
        return urls + super().get_urls()

    def _bot(self, request: HttpRequest, bot_id: Any) -> Bot:
        bot: Bot = get_object_or_404(self.get_queryset(request), pk=bot_id)
        if not self.has_change_permission(request, bot):
            raise PermissionDenied
        return bot

    def new_api_key(self, request: HttpRequest, bot_id: Any) -> HttpResponse:
        bot = self._bot(request, bot_id)
        secret = shown_once.new_api_key(bot=bot)
        self.log_change(request, bot, f"Made the API key {secret.value[:10]}….")
        return self.show_once(request, bot, [secret])

    def revoke_api_key(
        self, request: HttpRequest, bot_id: Any, key_id: Any
    ) -> HttpResponse:
        bot = self._bot(request, bot_id)
        key = get_object_or_404(bot.api_keys, pk=key_id)
        services.revoke_api_key(key=key)
        self.log_change(request, bot, f"Revoked the API key {key}.")
        messages.success(request, f"The API key {key} is revoked.")
        return self.back_to(bot)

    def new_secret(
        self, request: HttpRequest, bot_id: Any, purpose: str
    ) -> HttpResponse:
        bot = self._bot(request, bot_id)
        if purpose not in SigningSecret.Purpose.values:
            raise Http404
        known = SigningSecret.Purpose(purpose)
        secret = shown_once.new_signing_secret(bot=bot, purpose=known)
        self.log_change(request, bot, f"Made a new {secret.label.lower()}.")
        return self.show_once(request, bot, [secret])

    def disconnect(self, request: HttpRequest, bot_id: Any) -> HttpResponse:
        bot = self._bot(request, bot_id)
        connections.disconnect(bot.connection)
        self.log_change(request, bot, "Disconnected it from ServiceNow.")
        messages.success(request, "Disconnected: the tokens are revoked and cleared.")
        return self.back_to(bot)

    def webhook_on(self, request: HttpRequest, bot_id: Any) -> HttpResponse:
        bot = self._bot(request, bot_id)
        services.switch_webhook_on(bot=bot)
        self.log_change(request, bot, "Switched the webhook on.")
        messages.success(request, "The webhook is on: events go out from now.")
        return self.back_to(bot)

    # --- Delete ----------------------------------------------------------------------

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Let a bot go only while it has no handoffs: they are the record of it."""
        if not isinstance(obj, Bot) or obj.handoffs.exists():
            return False
        return self._sees(request, obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Need no permission for what goes with a bot: nobody deletes that alone."""
        shown, counts, _, protected = super().get_deleted_objects(objs, request)
        return shown, counts, set(), protected

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Revoke the tokens first: that goes over the network, in no transaction."""
        bot = self.get_object(request, object_id)
        goes = request.method == "POST" and self.has_delete_permission(request, bot)
        if bot is not None and goes:
            connections.disconnect(bot.connection)
        return super().delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: Bot) -> None:
        connection = obj.connection
        super().delete_model(request, obj)
        connection.delete()

    # --- Where to go from here -------------------------------------------------------

    def page_of(self, bot: Bot) -> str:
        return reverse("admin:handoff_bot_change", args=[bot.pk])

    def back_to(self, bot: Bot) -> HttpResponse:
        return HttpResponseRedirect(self.page_of(bot))

    def show_once(
        self,
        request: HttpRequest,
        bot: Bot,
        secrets: Sequence[NewSecret],
        *,
        proceed: str = "",
    ) -> HttpResponse:
        """Show secrets on the very answer that made them, which no browser keeps."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Copy this now" if len(secrets) == 1 else "Copy these now",
            "opts": self.opts,
            "original": bot,
            "secrets": secrets,
            "proceed": proceed,
            "page": self.page_of(bot),
        }
        return TemplateResponse(request, "admin/handoff/bot/new_secrets.html", context)
