"""Scheduler's schedules and scheduled rules: each tick fires once, also those that a jump of the clock passed."""

import random
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from localcloud.cloud import Cloud
from localcloud.eventbridge.delivery import Deliveries
from localcloud.eventbridge.expressions import Expression, Rate, parse
from localcloud.eventbridge.key_events import delete_due_keys
from localcloud.eventbridge.targets import SCHEDULER, Message, Sender
from localcloud.eventbridge.transform import Occurrence, envelope
from localcloud.timestamps import iso_seconds

_POLL_SECONDS: Final = 0.05

RuleRouter = Callable[[Any, Occurrence], None]


@dataclass(frozen=True)
class _Entry:
    """One schedule as it is now; `key` changes whenever its timing does."""

    arn: str
    text: str
    zone: str
    starts: float | None
    ends: float | None
    window_seconds: float
    at_once: bool
    source: Any

    @property
    def key(self) -> tuple[str, str, str, float | None, float | None]:
        return (self.arn, self.text, self.zone, self.starts, self.ends)


@dataclass
class _Progress:
    expression: Expression
    began: float
    due: float | None


class Timetable:
    """Fires what is due and releases retries, about twenty times a real second."""

    def __init__(self, cloud: Cloud, deliveries: Deliveries, fire_rule: RuleRouter) -> None:
        self._cloud = cloud
        self._deliveries = deliveries
        self._fire_rule = fire_rule
        self._progress: dict[Any, _Progress] = {}
        self._kept = cloud.durable.keep("eventbridge.timetable", dump=self._dump, load=self._load)

    def _dump(self) -> dict[Any, tuple[float, float | None]]:
        return {key: (progress.began, progress.due) for key, progress in self._progress.items()}

    def _load(self, kept: dict[Any, tuple[float, float | None]]) -> None:
        self._progress = {key: _Progress(parse(key[1], key[2]), *times) for key, times in kept.items()}

    def start(self) -> None:
        """The timetable runs until the cloud stops."""
        threading.Thread(target=self._run, name="eventbridge-timetable", daemon=True).start()

    def _run(self) -> None:
        while not self._cloud.stopping.is_set():
            try:
                self.tick(self._cloud.clock.now())
            except Exception:  # one bad schedule must not stop the others for good
                traceback.print_exc()
            time.sleep(_POLL_SECONDS)

    def upcoming(self) -> list[dict[str, Any]]:
        """Every schedule with the time at which it is due next."""
        return [
            {"arn": key[0], "expression": key[1], "due": None if progress.due is None else iso_seconds(progress.due)}
            for key, progress in list(self._progress.items())
        ]

    def tick(self, now: float) -> None:
        """Everything due by `now` has been fired, in the order of its time for each schedule."""
        self._deliveries.release_due(now)
        delete_due_keys(self._cloud, now)
        entries = {entry.key: entry for entry in _entries(self._cloud)}
        self._progress = {key: progress for key, progress in self._progress.items() if key in entries}
        for key, entry in entries.items():
            if key not in self._progress:
                self._progress[key] = _begin(entry, getattr(entry.source, "timed_from", now))
                self._kept.changed()
            self._fire_due(entry, self._progress[key], now)

    def _fire_due(self, entry: _Entry, progress: _Progress, now: float) -> None:
        while progress.due is not None and progress.due <= now:
            if entry.ends is None or progress.due <= entry.ends:
                self._fire(entry, progress.due)
            progress.due = progress.expression.next_after(progress.due, progress.began)
            self._kept.changed()
        is_over = progress.due is None or (entry.ends is not None and progress.due > entry.ends)
        if is_over and getattr(entry.source, "action_after_completion", None) == "DELETE":
            self._delete(entry)

    def _fire(self, entry: _Entry, due: float) -> None:
        if ":scheduler:" not in entry.arn:
            event = envelope(entry.arn, "aws.events", "Scheduled Event", {}, due) | {"resources": [entry.arn]}
            self._fire_rule(entry.source, Occurrence(event, entry.arn, iso_seconds(due)))
            return
        target, execution = dict(entry.source.target), uuid.uuid4().hex[:16]
        event = {"id": execution, "source": "aws.scheduler", "time": iso_seconds(due), "resources": [entry.arn]}
        body = _with_context(target.get("Input") or "{}", entry.arn, due, execution)
        message = Message(target, body, event, Sender(SCHEDULER, entry.arn))
        self._deliveries.submit(message, max(due + _delay(entry, due), self._cloud.clock.now()))

    def _delete(self, entry: _Entry) -> None:
        schedule = entry.source
        scheduler = self._cloud.clients.admin("scheduler", entry.arn.split(":")[3])
        scheduler.delete_schedule(Name=schedule.name, GroupName=schedule.group_name)


def _begin(entry: _Entry, now: float) -> _Progress:
    """A Scheduler rate fires first at its start date, or at once when it has none; all else at its next time."""
    expression = parse(entry.text, entry.zone)
    began = entry.starts if entry.starts is not None else now
    if entry.at_once and isinstance(expression, Rate) and began >= now:
        return _Progress(expression, began, began)
    return _Progress(expression, began, expression.next_after(max(began - 1, now), began))


def _delay(entry: _Entry, due: float) -> float:
    """Seconds within a flexible window: any, but the same ones for the same time of the same schedule."""
    return random.Random(f"{entry.arn} {due}").uniform(0, entry.window_seconds)


def _with_context(text: str, arn: str, due: float, execution: str) -> str:
    """The input with its context attributes, but for the attempt's number, which each attempt fills in."""
    values = {"schedule-arn": arn, "scheduled-time": iso_seconds(due), "execution-id": execution}
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _entries(cloud: Cloud) -> Iterator[_Entry]:
    yield from _rules()
    yield from _schedules()


def _rules() -> Iterator[_Entry]:
    from moto.events.models import events_backends

    for backend in _live(events_backends):
        for rule in list(backend.event_buses["default"].rules.values()):
            if rule.scheduled_expression and rule.state == "ENABLED":
                yield _Entry(rule.arn, rule.scheduled_expression, "UTC", None, None, 0.0, False, rule)


def _schedules() -> Iterator[_Entry]:
    from moto.scheduler.models import scheduler_backends

    for backend in _live(scheduler_backends):
        for group in list(backend.schedule_groups.values()):
            for schedule in list(group.schedules.values()):
                if schedule.state == "ENABLED":
                    yield _schedule_entry(schedule)


def _schedule_entry(schedule: Any) -> _Entry:
    once = schedule.schedule_expression.startswith("at(")  # then both dates are ignored
    return _Entry(
        arn=schedule.arn,
        text=schedule.schedule_expression,
        zone=schedule.schedule_expression_timezone,
        starts=None if once else _epoch(schedule.start_date),
        ends=None if once else _epoch(schedule.end_date),
        window_seconds=60.0 * (schedule.flexible_time_window.get("MaximumWindowInMinutes") or 0),
        at_once=True,
        source=schedule,
    )


def _epoch(moment: Any) -> float | None:
    if moment is None:
        return None
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def _live(backends: Any) -> Iterator[Any]:
    for regions in list(backends.values()):
        yield from list(regions.values())
