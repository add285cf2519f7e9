"""What a model has cost in the last 24 hours, by what the ledger says was served, measured and trained."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from trimtab.cost.month import DAYS, month_of
from trimtab.ledger.kinds import TRAINING_RELEASED, WINDOW_COLLECTED
from trimtab.ports import Entry
from trimtab.spec import Spec

DAY = timedelta(days=1)


def cost_of_day(spec: Spec, entries: Sequence[Entry], at: datetime) -> float:
    """USD: a day's part of the month on paper, for the requests that were asked, and the trainings that ended.

    Requests are counted as records, by when they were asked and not by when they were collected: after an outage a run
    measures many days, of which one was this. Of a share that is captured the whole is inferred.
    """
    month = month_of(spec, _requests(spec, entries, at))
    return month.usd / DAYS + math.fsum(_trained(entry for entry in entries if at - DAY < entry.at <= at))


def _requests(spec: Spec, entries: Iterable[Entry], at: datetime) -> float:
    rows = math.fsum(_rows_since(entry.data, at) for entry in entries if entry.kind == WINDOW_COLLECTED)
    share = spec.rollout.capture_percent / 100
    return rows / share if share else 0.0


def _rows_since(window: Mapping[str, Any], at: datetime) -> float:
    """Records of the last day, of a window whose records are spread evenly from its first to its last."""
    start, end = (datetime.fromisoformat(window[name]) for name in ("start", "end"))
    inside = min(end, at) - max(start, at - DAY)
    if inside < timedelta(0):
        return 0.0
    return int(window["rows"]) * (inside / (end - start) if end > start else 1.0)


def _trained(entries: Iterable[Entry]) -> Iterable[float]:
    """Of runs whose cost is known."""
    costs = [entry.data.get("cost") or {} for entry in entries if entry.kind == TRAINING_RELEASED]
    return [float(cost["usd"]) for cost in costs if cost.get("usd") is not None]
