"""When the requests behind a reading were asked: what puts readings in order.

Event times are named by callers, and one of them may be years off; when a request came is what the endpoint wrote down.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def middle_asked(data: Mapping[str, Any]) -> datetime:
    """The middle of the time in which an entry's requests were asked. Raises ValueError when it names no time."""
    span = _span(data)
    if not span.get("start"):
        raise ValueError(f"a reading names no time: {data}")
    start, end = _moment(span["start"]), _moment(span["end"])
    return start + (end - start) / 2


def last_asked(data: Mapping[str, Any]) -> datetime:
    """The last request of an entry's window; before all others where it names no time."""
    span = _span(data)
    return _moment(span["end"]) if span else datetime.min.replace(tzinfo=UTC)


def _span(data: Mapping[str, Any]) -> Mapping[str, str]:
    """Of a window's entry its own time; the period of those that name no window's."""
    spans = (data.get(name) for name in ("asked", "window", "period"))
    return next((span for span in spans if isinstance(span, Mapping) and span.get("end")), {})


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
