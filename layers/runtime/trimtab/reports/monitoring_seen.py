"""What monitoring has found of a model, window by window, as the ledger and the files beside its windows have it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from trimtab.ledger.kinds import (
    ALARM_CLEARED,
    ALARM_TOLD,
    BASELINE_PUBLISHED,
    BASELINE_RECONSIDERED,
    CHANGE_MEASURED,
    PERFORMANCE_ESTIMATED,
    QUALITY_MEASURED,
    RETRAIN_DEFERRED,
    RETRAIN_GIVEN_UP,
    RETRAIN_REQUESTED,
    RETRAIN_RESUMED,
    RETRAIN_SUPPRESSED,
    ROLLBACK_DONE,
    ROLLBACK_FAILED,
    ROLLBACK_PROPOSED,
    ROLLBACK_REQUESTED,
    ROLLOUT_ROLLED_BACK,
    ROLLOUT_SERVING,
    TRAINING_RELEASED,
    WINDOW_MEASURED,
)
from trimtab.monitoring.alarms import Rang, Turn, rang
from trimtab.monitoring.asked import last_asked
from trimtab.ports import Entry, Ledger

ACTS: Final = {
    RETRAIN_REQUESTED: ("▲", "asked for training"),
    RETRAIN_SUPPRESSED: ("■", "did not train"),
    RETRAIN_DEFERRED: ("◷", "kept for later"),
    RETRAIN_GIVEN_UP: ("✗", "gave up, a person is asked"),
    RETRAIN_RESUMED: ("▶", "was resumed"),
    ALARM_TOLD: ("✉", "told people"),
    ALARM_CLEARED: ("○", "is over"),
    TRAINING_RELEASED: ("●", "training ended"),
    ROLLOUT_SERVING: ("✓", "served"),
    ROLLOUT_ROLLED_BACK: ("↩", "went back"),
    ROLLBACK_PROPOSED: ("?", "proposed to go back"),
    ROLLBACK_REQUESTED: ("↶", "was asked to go back"),
    ROLLBACK_DONE: ("↩", "an earlier version serves"),
    ROLLBACK_FAILED: ("✗", "did not go back"),
    BASELINE_RECONSIDERED: ("≡", "is another by a person's word"),
}
"""What was done about what was measured: its sign, and how people call it."""
KINDS: Final = (WINDOW_MEASURED, QUALITY_MEASURED, PERFORMANCE_ESTIMATED, CHANGE_MEASURED, BASELINE_PUBLISHED, *ACTS)
"""Entries that :func:`see` looks at."""
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One column in one window."""

    psi: float | None = None
    error: float | None = None
    """Standard error of the PSI."""
    statistic: str = "psi"
    """By which the column is judged."""
    effect: float | None = None
    limit: float | None = None
    state: str = "unknown"
    """broken, moved, chance (over the limit, and may be chance), within, or unknown (nothing judged it)."""

    @property
    def share(self) -> float | None:
        """The effect over its limit; None where one of both is not known."""
        return abs(self.effect) / self.limit if self.effect is not None and self.limit else None


@dataclass(frozen=True)
class WindowSeen:
    """One window: where it lies, and what was measured of it."""

    drift: Json
    """The entry window.measured."""
    quality: Json | None = None
    """Its newest entry quality.measured; None until truth comes."""
    estimate: Json | None = None
    report: Json | None = None
    """drift.json, None where it could not be read: then bins and limits are not known."""
    psi_limit: float | None = None

    @property
    def id(self) -> str:
        return str(self.drift["window"]["id"])

    @property
    def version(self) -> int:
        return int(self.drift["version"])

    @property
    def period(self) -> tuple[datetime, datetime]:
        """First and last event time; of the requests where no event time is known."""
        span = self.drift.get("period") or (self.quality or {}).get("period") or self.drift["window"]
        return datetime.fromisoformat(str(span["start"])), datetime.fromisoformat(str(span["end"]))

    @property
    def label(self) -> str:
        """The day on which it begins."""
        return f"{self.period[0]:%Y-%m-%d}"

    @property
    def drifted(self) -> list[str]:
        """Columns that moved, those that matter most first."""
        return list(self.drift.get("drifted", []))

    @property
    def broken(self) -> set[str]:
        """Columns that are broken rather than moved."""
        return {name for found in self.drift.get("schema_breaks", []) for name in found["columns"]}

    @cached_property
    def columns(self) -> dict[str, Json]:
        """What drift.json says of each column."""
        return {found["column"]: found for found in (self.report or {}).get("columns", [])}

    def cell(self, column: str) -> Cell:
        """The column in this window."""
        psi, error = self.drift.get("columns", {}).get(column), self.drift.get("errors", {}).get(column)
        ruled = self.columns.get(column, {}).get("judgement") or {}
        statistic, effect = ruled.get("statistic", "psi"), ruled.get("effect", psi)
        found = Cell(psi, error, statistic, effect, ruled.get("limit", self.psi_limit))
        return Cell(**{**asdict(found), "state": self._state(column, found)})

    def _state(self, column: str, cell: Cell) -> str:
        if column in self.broken:
            return "broken"
        if column in self.drifted:
            return "moved"
        if cell.share is None:
            return "unknown"
        return "chance" if cell.share > 1 else "within"

    def to_json(self) -> dict[str, Any]:
        """Everything that is known of the window."""
        start, end = self.period
        return {
            "window": self.id,
            "version": self.version,
            "start": start.isoformat(),
            "end": end.isoformat(),
            "drift": dict(self.drift),
            "cells": {name: asdict(self.cell(name)) for name in self.drift.get("columns", {})},
            "performance": self.quality,
            "estimate": self.estimate,
            "report": self.report,
        }


@dataclass(frozen=True)
class Act:
    """One thing that was decided or done."""

    at: datetime
    kind: str
    lane: str
    """The alarm's kind, training or rollout."""
    summary: str
    decision: Sequence[Json] = ()
    """The questions that led to it, with their answers."""

    @property
    def sign(self) -> str:
        return ACTS[self.kind][0]

    @property
    def words(self) -> str:
        return ACTS[self.kind][1]

    def to_json(self) -> dict[str, Any]:
        """The act as JSON values."""
        return asdict(self) | {"at": self.at.isoformat(), "decision": list(self.decision)}


@dataclass(frozen=True)
class Seen:
    """All that a page or a terminal shows of a model."""

    model: str
    version: int | None
    """What serves; None before the first."""
    windows: Sequence[WindowSeen] = ()
    """Oldest first."""
    earlier: Sequence[Json] = ()
    """Entries window.measured of all windows of the version, oldest first, to tell since when."""
    look: Json | None = None
    """The newest change.measured of what serves."""
    evaluation: Json = field(default_factory=dict)
    """Metrics of what serves as its evaluation found them."""
    acts: Sequence[Act] = ()
    turns: Sequence[Turn] = ()
    """How the model's alarms have turned, where CloudWatch was asked."""

    @property
    def newest(self) -> WindowSeen | None:
        return self.windows[-1] if self.windows else None

    @cached_property
    def columns(self) -> list[str]:
        """All columns that were measured: broken ones first, then by largest share of a limit."""
        names = {name for window in self.windows for name in (*window.drift.get("columns", {}), *window.broken)}
        return sorted(names, key=lambda name: (-max(map(_weight, self.cells(name)), default=0.0), name))

    def cells(self, column: str) -> list[Cell]:
        """The column in every window."""
        return [window.cell(column) for window in self.windows]

    @cached_property
    def metric(self) -> str | None:
        """The metric that performance is watched by; None while nothing was measured."""
        for window in reversed(self.windows):
            for found in (window.estimate, window.quality):
                if found and (name := found.get("metric") or self._by_its_drop(found)):
                    return str(name)
        return None

    def _by_its_drop(self, quality: Json) -> str | None:
        """Of entries that name none: the metric whose distance to the evaluation's is the drop."""
        drop = quality.get("drop")
        near = {
            name: abs(abs(value - self.evaluation[name]) - abs(drop))
            for name, value in quality.get("metrics", {}).items()
            if drop is not None and value is not None and self.evaluation.get(name) is not None
        }
        return next((name for name, distance in near.items() if distance < 1e-9), None)

    @cached_property
    def rang(self) -> list[Rang]:
        """When the model's alarms rang, where CloudWatch was asked."""
        return rang(self.turns)

    def since(self, column: str) -> Json | None:
        """The first of the newest windows in a row, all of what serves, in which the column had moved."""
        found = None
        for data in reversed(self.earlier):
            if not data.get("judged"):
                continue
            if column not in data.get("drifted", []):
                break
            found = data
        return found

    def to_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "model": self.model,
            "version": self.version,
            "metric": self.metric,
            "evaluation": dict(self.evaluation),
            "columns": self.columns,
            "windows": [window.to_json() for window in self.windows],
            "change": self.look,
            "acts": [act.to_json() for act in self.acts],
            "alarms": [asdict(turn) | {"at": turn.at.isoformat()} for turn in self.turns],
        }


def _weight(cell: Cell) -> float:
    if cell.state == "broken":
        return float("inf")
    return cell.share if cell.share is not None else cell.psi or 0.0


def see(
    model: str, entries: Sequence[Entry], read: Callable[[str], Json | None] = lambda _uri: None, windows: int = 12
) -> Seen:
    """The newest ``windows`` windows and all acts since the oldest of them; ``read`` gives a drift.json or None."""
    version = _serving(entries)
    measured = _by_time({entry.subject: entry.data for entry in entries if entry.kind == WINDOW_MEASURED}, version)
    quality, estimates = (
        {e.subject: e.data for e in entries if e.kind == kind} for kind in (QUALITY_MEASURED, PERFORMANCE_ESTIMATED)
    )
    look = _newest(entries, CHANGE_MEASURED, version)
    shown = [
        _window(data, quality.get(data["window"]["id"]), estimates.get(data["window"]["id"]), read, look)
        for data in measured[-windows:]
    ]
    first = next((e.seq for e in entries if shown and e.kind == WINDOW_MEASURED and e.subject == shown[0].id), 0)
    baseline = _newest(entries, BASELINE_PUBLISHED, version) or {}
    return Seen(
        model,
        version,
        shown,
        [data for data in measured if data.get("version") == version],
        look,
        baseline.get("metrics", {}),
        [_act(entry) for entry in entries if entry.kind in ACTS and entry.seq >= first],
    )


def _by_time(measured: Mapping[str, Json], version: int | None) -> list[Json]:
    """Windows as their requests came; of one that several versions answered, the part of what serves last."""
    return sorted(measured.values(), key=lambda data: (last_asked(data), data.get("version") == version))


def reader(read: Callable[[str], bytes]) -> Callable[[str], Json | None]:
    """Reads a drift.json; None for one that has expired or that is not there."""

    def read_report(uri: str) -> Json | None:
        try:
            found: Json = json.loads(read(uri))
        except FileNotFoundError:
            return None
        return found

    return read_report


def looked_at(ledger: Ledger) -> list[Entry]:
    """The entries that :func:`see` looks at, in their order, without reading all of a model's history."""
    found = {entry.seq: entry for kind in KINDS for entry in ledger.entries(kind)}
    return [found[seq] for seq in sorted(found)]


def _serving(entries: Iterable[Entry]) -> int | None:
    """The version of the last baseline: what windows are held against from then on."""
    found = [int(entry.data["version"]) for entry in entries if entry.kind in (ROLLOUT_SERVING, BASELINE_PUBLISHED)]
    return found[-1] if found else None


def _newest(entries: Sequence[Entry], kind: str, version: int | None) -> Json | None:
    mine = (entry.data for entry in reversed(entries) if entry.kind == kind and entry.data.get("version") == version)
    return next(mine, None)


def _window(
    drift: Json, quality: Json | None, estimate: Json | None, read: Callable[[str], Json | None], look: Json | None
) -> WindowSeen:
    report = read(str(drift["report_uri"])) if drift.get("report_uri") else None
    limit = report.get("psi_limit") if report else _limit(look, "column ")
    return WindowSeen(drift, quality, estimate, report, limit)


def _limit(look: Json | None, measure: str) -> float | None:
    """Limit of the first measure of that beginning, as change over time holds it."""
    looks = (look or {}).get("looks", [])
    return next((float(found["limit"]) for found in looks if found["measure"].startswith(measure)), None)


def _act(entry: Entry) -> Act:
    data = entry.data
    lane = entry.kind.partition(".")[0]
    if lane in ("retrain", "alarm"):
        lane = str(data.get("kind") or data.get("cause") or "person")
    summary = str(data.get("summary") or data.get("reason") or "")
    return Act(entry.at, entry.kind, lane, summary, data.get("decision") or ())
