"""A model's month on paper, item by item, from its spec and a number of requests."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trimtab.cost.alarms import alarm_metrics, composite_alarms
from trimtab.cost.prices import Price
from trimtab.spec import Spec
from trimtab.spec.prices import AS_OF, CURRENCY, price_per_hour

DAYS, HOURS = 30.4, 730.0
GB = 1e9


@dataclass(frozen=True)
class Assumptions:
    """What no spec says. Estimates: measure your own, and say them with ``trimtab cost --assume``."""

    request_bytes: float = 500
    """Of a request and its answer together, on the wire."""
    captured_bytes: float = 1000
    """Of the line that data capture writes for it: both, in base64 or text, and their description."""
    capture_files_per_hour: float = 12
    """Files that data capture writes for each instance."""
    captures_kept_days: float = 365
    """What the bucket's lifecycle rule says; the month is one after that time."""
    model_ms: float = 10
    """Of one request, where the endpoint is paid for by its time."""
    run_transitions: float = 32
    """States of the monitoring machine and of recovery's look after it; each is entered at most once a window."""
    run_functions: float = 11
    """Functions that a monitoring run and the look after it call."""
    run_gb_seconds: float = 25
    """Of these functions, for a window of little traffic."""
    gb_seconds_per_million: float = 500
    """More for a million records: decoding, profiles, joining and metrics."""
    run_log_bytes: float = 40_000
    run_entries: float = 8
    """Rows that it writes into the ledger."""
    entries_read: float = 2000
    """Rows of the ledger that it reads."""
    artifacts_gb: float = 2.0
    """Datasets, models and reports that are kept."""


@dataclass(frozen=True)
class Line:
    """One item of a month."""

    item: str
    quantity: float
    price: float
    unit: str

    @property
    def usd(self) -> float:
        return self.quantity * self.price


@dataclass(frozen=True)
class Month:
    """All items; ``unknown`` names what the table of prices does not hold."""

    model: str
    requests_per_day: float
    lines: tuple[Line, ...]
    unknown: tuple[str, ...]

    @property
    def usd(self) -> float:
        """All items together."""
        return math.fsum(line.usd for line in self.lines)

    def to_json(self) -> dict[str, Any]:
        """For programs: every item with quantity, price and sum."""
        items = [
            {"item": line.item, "quantity": line.quantity, "unit": line.unit, "price": line.price, "usd": line.usd}
            for line in self.lines
        ]
        told = {"model": self.model, "requests_per_day": self.requests_per_day, "usd": self.usd, "items": items}
        return told | {"unknown": list(self.unknown), "currency": CURRENCY, "prices_of": AS_OF}


def month_of(spec: Spec, requests_per_day: float = 0, serves: bool = True, assumed: Assumptions | None = None) -> Month:
    """A month with so many requests a day; a model that does not serve yet has no endpoint. Training is not in it."""
    estimate = _Estimate(spec, requests_per_day * DAYS, assumed or Assumptions())
    lines = [*estimate.watching(), *estimate.running(), *estimate.keeping()]
    served = [*estimate.serving()] if serves else []
    unknown = [line.item for line in served if math.isnan(line.price)]
    known = [line for line in (*served, *lines) if not math.isnan(line.price) and line.quantity]
    return Month(spec.name, requests_per_day, tuple(known), tuple(unknown))


@dataclass(frozen=True)
class _Estimate:
    spec: Spec
    requests: float
    """In the month."""
    assumed: Assumptions

    def serving(self) -> Iterator[Line]:
        """The endpoint, by instances or by time; an unknown price is not a number."""
        rollout, gb = self.spec.rollout, self.requests * self.assumed.request_bytes / GB
        if rollout.endpoint.kind == "serverless":
            seconds = self.requests * self.assumed.model_ms / 1000
            memory_gb = rollout.endpoint.serverless.memory_mb / 1024
            yield _line("endpoint: time of requests", seconds * memory_gb, Price.SERVERLESS_TIME)
        else:
            price = price_per_hour(rollout.instance_type)
            hours = rollout.instance_count * HOURS
            unit = f"hour of {rollout.instance_type}"
            yield Line("endpoint: instances", hours, math.nan if price is None else price, unit)
        yield _line("endpoint: data", gb, Price.ENDPOINT_DATA)

    def watching(self) -> Iterator[Line]:
        """What is asked for whether or not anything happens; metrics of readings for the hours with a reading."""
        names = len(self.spec.monitored) + _READINGS
        with_data = min(HOURS, self._runs)
        yield _line("alarms", alarm_metrics(self.spec), Price.ALARM_METRIC)
        yield _line("composite alarms", composite_alarms(), Price.COMPOSITE_ALARM)
        yield _line("dashboard", int(self.spec.monitoring.dashboard), Price.DASHBOARD)
        yield _line("metrics of readings", names * with_data / HOURS, Price.METRIC)

    def running(self) -> Iterator[Line]:
        """Monitoring runs with the look of recovery after each, and the work that grows with the traffic."""
        runs, assumed, millions = self._runs, self.assumed, self._captured / 1e6
        calls = runs * assumed.run_functions
        yield _line("schedules", runs, Price.SCHEDULE)
        yield _line("state machines", runs * assumed.run_transitions, Price.TRANSITION)
        yield _line("functions: calls", calls, Price.FUNCTION_REQUEST)
        seconds = runs * assumed.run_gb_seconds + millions * assumed.gb_seconds_per_million
        yield _line("functions: time", seconds, Price.FUNCTION_TIME)
        yield _line("traces", calls, Price.TRACE)
        yield _line("logs", runs * assumed.run_log_bytes / GB, Price.LOG_INGESTED)
        yield _line("ledger: writes", runs * assumed.run_entries, Price.TABLE_WRITE)
        yield _line("ledger: reads", runs * assumed.entries_read, Price.TABLE_READ)

    def keeping(self) -> Iterator[Line]:
        """Captured traffic for as long as it is kept, written and read once, and what versions leave behind."""
        assumed = self.assumed
        months = assumed.captures_kept_days / DAYS
        kept_gb = self._captured * assumed.captured_bytes / GB * months
        instances = self.spec.rollout.instance_count
        files = min(self._captured, assumed.capture_files_per_hour * instances * HOURS)
        yield _line("storage: captured traffic", kept_gb, Price.STORED)
        yield _line("storage: versions", assumed.artifacts_gb, Price.STORED)
        yield _line("captured files: written", files, Price.OBJECT_WRITTEN)
        yield _line("captured files: read", files, Price.OBJECT_READ)

    @property
    def _runs(self) -> float:
        return runs_per_day(self.spec.monitoring.schedule) * DAYS

    @property
    def _captured(self) -> float:
        return self.requests * self.spec.rollout.capture_percent / 100


_READINGS = 14
"""Metrics of a run beside each column's: Reading, RowsMeasured, PsiMax, CostPerDay and so on."""
_PER_DAY = {"minute": 1440.0, "hour": 24.0, "day": 1.0}


def runs_per_day(schedule: str) -> float:
    """Of ``rate(2 hours)`` 12. Of a cron expression its minutes and hours are counted, every day: an upper bound."""
    kind, _, inner = schedule.rstrip(")").partition("(")
    if kind == "rate":
        number, unit = inner.split()
        return _PER_DAY[unit.rstrip("s")] / float(number)
    minutes, hours, *_ = inner.split()
    return float(_times(minutes, 60) * _times(hours, 24))


def _times(field: str, whole: int) -> int:
    """How often a field of a cron expression comes round in ``whole``."""
    return sum(_times_of_part(part, whole) for part in field.split(","))


def _times_of_part(part: str, whole: int) -> int:
    span, _, step = part.partition("/")
    low, _, high = span.partition("-")
    count = whole if span == "*" else int(high) - int(low) + 1 if high else whole - int(low) if step else 1
    return math.ceil(count / int(step)) if step else count


def _line(item: str, quantity: float, price: Price) -> Line:
    return Line(item, float(quantity), price.usd, price.unit)
