"""Fields that take what they name and nothing that merely looks like it."""

import json
from typing import Any

from rest_framework import serializers


class Text(serializers.CharField):
    """A text as it was written: nothing trimmed, and no number passes for one."""

    default_error_messages = {"blank_space": "This field may not be only white space."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = super().to_internal_value(data)
        if not self.allow_blank and not text.strip():
            self.fail("blank_space")
        return text


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Time(serializers.DateTimeField):
    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str):
            self.fail(
                "invalid", format="YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]"
            )
        return super().to_internal_value(value)


class QueueField(serializers.RegexField):
    def __init__(self) -> None:
        super().__init__(
            # Safe in a path.
            r"\A[0-9A-Za-z_-]{1,100}\Z",
            default="",
            allow_blank=True,
            help_text="Connect Support: sys_id of a queue. Agent Chat: what the "
            "queues' conditions compare. Without it the bot's own.",
        )


class SmallObject(serializers.DictField):
    """Any JSON object whose text stays under `max_bytes`."""

    default_error_messages = {
        "too_large": "This object has more than {max_bytes} bytes."
    }

    def __init__(self, *, max_bytes: int, **kwargs: Any) -> None:
        self.max_bytes = max_bytes
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        if len(json.dumps(data, ensure_ascii=False).encode()) > self.max_bytes:
            self.fail("too_large", max_bytes=self.max_bytes)
        return data


class TextOrNull(serializers.CharField):
    """Read only: an empty column is told as null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return value or None
