"""Who sees what: on every address of the admin, the rows of the bots of one's groups.

A member of staff configures the bots of the groups that he or she is in; a superuser,
all of them. There is nothing else to set up: model permissions play no part here.
"""

from typing import TYPE_CHECKING, Any, NoReturn

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest
from django.utils.functional import cached_property

from handoff.models import Bot

if TYPE_CHECKING:  # unfold has no types: its classes are seen as those they extend
    from django.contrib.admin import ModelAdmin

    UnfoldAdmin = ModelAdmin[Any]
    AnyPaginator = Paginator[Any]
else:
    from unfold.admin import ModelAdmin as UnfoldAdmin

    AnyPaginator = Paginator

MOST_COUNTED = 2_000


class ShortPaginator(AnyPaginator):
    """Counts no further than a person pages: these tables grow without end."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:MOST_COUNTED].count())


class ShortChangeList(ChangeList):
    """Says how many rows were found only where something was looked for."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count


class OwnedAdmin(UnfoldAdmin):
    """Shows the rows of the user's bots; any other row is as good as not there."""

    bot_lookup = "bot"
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        bots = Bot.objects.visible_to(request.user)
        return rows.filter(Q((f"{self.bot_lookup}__in", bots)))

    def lookup_allowed(
        self, lookup: str, value: str, request: HttpRequest | None = None
    ) -> bool:
        """Allow the page's own filters and no query of the visitor's making: a regular
        expression may take for ever, and NUL is an error in PostgreSQL.
        """
        own = {name for name in self.list_filter if isinstance(name, str)}
        field = lookup.removesuffix("__exact")
        return "\0" not in value and field in own | {BotFilter.parameter_name}

    def _sees(self, request: HttpRequest, obj: Model | None) -> bool:
        return obj is None or self.get_queryset(request).filter(pk=obj.pk).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return self._sees(request, obj)

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return self._sees(request, obj)

    def _get_obj_does_not_exist_redirect(self, *args: object) -> NoReturn:
        # Django sends people to the index with a warning; 404 says it to programs too.
        raise Http404


class ReadOnlyAdmin(OwnedAdmin):
    """For looking only; what the product wrote is not edited by hand."""

    paginator = ShortPaginator
    show_full_result_count = False

    class Media:
        css = {"all": ["handoff/admin.css"]}

    def get_changelist(
        self, request: HttpRequest, **kwargs: Any
    ) -> type[ShortChangeList]:
        return ShortChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False


class BotFilter(SimpleListFilter):
    """Filters by bot, naming no bot that the user may not see."""

    title = "bot"
    parameter_name = "bot"

    def lookups(
        self, request: HttpRequest, model_admin: UnfoldAdmin
    ) -> list[tuple[str, str]]:
        bots = Bot.objects.visible_to(request.user)
        return [(str(pk), name) for pk, name in bots.values_list("pk", "name")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        known = {pk for pk, _ in self.lookup_choices}
        return queryset.filter(bot=self.value()) if self.value() in known else queryset
