"""Times in JSON logs: epoch seconds, epoch milliseconds, ISO 8601.

Source of the three forms: Zeek's ``LogAscii::json_timestamps``; Suricata writes ISO 8601 with an offset.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

# 1e11 s is the year 5138, 1e11 ms is 1973: no log is read wrongly on either side.
MILLISECONDS_FROM = 1e11
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def iso_microseconds(text: str) -> int:
    """Microseconds since 1970 of an ISO 8601 date and time, UTC without an offset. Raises ValueError."""
    if len(text) < 19:
        raise ValueError("no date and time")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def seconds(value: float | str) -> float:
    """Epoch seconds of a ``ts`` in any of the three forms. Raises ValueError for text that is no time."""
    if isinstance(value, str):
        return iso_microseconds(value) / 1e6
    return value / 1000 if value >= MILLISECONDS_FROM else float(value)
