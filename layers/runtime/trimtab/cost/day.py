"""What a model has cost in the last 24 hours, by what the ledger says was served, measured and trained."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from trimtab.cost.month import DAYS, month_of
from trimtab.ports import Entry
from trimtab.spec import Spec

DAY = timedelta(days=1)
MEASURED, RELEASED = "window.measured", "training.released"


def cost_of_day(spec: Spec, entries: Sequence[Entry], at: datetime) -> float:
    """USD: a day's part of the month on paper, for the requests that were measured, and the trainings that ended.

    Requests are counted as records; of a share that is captured the whole is inferred.
    """
    recent = [entry for entry in entries if at - DAY < entry.at <= at]
    month = month_of(spec, _requests(spec, recent))
    return month.usd / DAYS + math.fsum(_trained(recent))


def _requests(spec: Spec, entries: Iterable[Entry]) -> float:
    rows = sum(int(entry.data["window"]["rows"]) for entry in entries if entry.kind == MEASURED)
    share = spec.rollout.capture_percent / 100
    return rows / share if share else 0.0


def _trained(entries: Iterable[Entry]) -> Iterable[float]:
    """Of runs whose cost is known."""
    costs = [entry.data.get("cost") or {} for entry in entries if entry.kind == RELEASED]
    return [float(cost["usd"]) for cost in costs if cost.get("usd") is not None]
