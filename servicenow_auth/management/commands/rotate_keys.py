from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import models

from servicenow_auth.exceptions import SealBroken
from servicenow_auth.fields import (
    VERSION,
    SealedField,
    key_id,
    reseal,
    sealed_fields,
)

BATCH = 200


class Command(BaseCommand):
    help = (
        "Seal every stored secret again with the newest key of FIELD_ENCRYPTION_KEYS. "
        "Can be interrupted, and run again at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        before: Counter[str] = Counter()
        broken = 0
        for model, field in sealed_fields():
            counted, failed = self._rotate(model, field)
            before += counted
            broken += failed
        newest = key_id(settings.FIELD_ENCRYPTION_KEYS[0])
        for name, count in sorted(before.items()):
            mark = " (newest)" if name == newest else f" -> {newest}"
            self.stdout.write(f"{name}{mark}: {count}")
        if broken:
            raise CommandError(
                f"{broken} secrets cannot be opened with any key and were left alone."
            )

    def _rotate(
        self, model: type[models.Model], field: SealedField
    ) -> tuple[Counter[str], int]:
        counted: Counter[str] = Counter()
        broken = 0
        rows = model._base_manager.exclude(**{field.name: None}).order_by("pk")
        newest = f"{VERSION}:{key_id(settings.FIELD_ENCRYPTION_KEYS[0])}:"
        for pk, held in rows.values_list("pk", field.name).iterator(BATCH):
            counted[held.key_id] += 1
            if held.startswith(newest):
                continue
            try:
                sealed = reseal(model=model, pk=pk, field=field.name, held=held)
            except SealBroken as exc:
                broken += 1
                self.stderr.write(exc.detail)
                continue
            # Guarded by what was read: a secret set meanwhile stays as it was set.
            rows.filter(pk=pk, **{field.name: held}).update(**{field.name: sealed})
        return counted, broken
