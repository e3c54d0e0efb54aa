"""Times as the Table API writes them: in UTC, by the second."""

from datetime import UTC, datetime

FORMAT = "%Y-%m-%d %H:%M:%S"


def read(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def write(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(FORMAT)
