"""The same period of an earlier year as the reference: weather in July is no news in July.

The reference is made of profiles that are stored anyway, never of rows: of the training rows by period, which
build_dataset writes beside the baseline where the spec asks for it, and of accepted drops of earlier years.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.data.drift import compare
from trimtab.data.drift.psi_estimate import psi_estimate
from trimtab.data.profile import Profile, profile_table
from trimtab.monitoring.drift.observed import Period
from trimtab.ports import Entry
from trimtab.spec import Spec

TRAINING: Final = "training"
_EARLIER: Final = timedelta(days=183)
"""How long before the window a drop must have ended to be of an earlier year."""
_WHOLE_CYCLE: Final = timedelta(days=200)
"""A longer period has no season of its own."""
_KEYS: Final[dict[str, Callable[[datetime], int]]] = {
    "month": lambda day: day.month,
    "week": lambda day: day.isocalendar().week,
    "weekday": lambda day: day.isoweekday(),
}
_COLUMN_KEYS: Final[dict[str, Callable[[pa.ChunkedArray], pa.ChunkedArray]]] = {
    "month": pc.month,
    "week": pc.iso_week,
    "weekday": lambda times: pc.day_of_week(times, count_from_zero=False),
}
_CYCLES: Final = {"month": 12, "week": 53, "weekday": 7}
_CYCLE_NAMES: Final = {"month": "year", "week": "year", "weekday": "week"}


@dataclass(frozen=True)
class Reference:
    """What a window is held against."""

    profile: Profile
    said: str = TRAINING
    """``training``, or which period of which years."""
    reason: str = ""
    """Why it is not the same period of an earlier year although the spec asks for it."""
    usual: Mapping[str, float] = field(default_factory=dict)
    """Largest PSI by column of one of the years against the others, less what chance adds; empty for a single year."""


@dataclass(frozen=True)
class Seasons:
    """Profiles of the training rows by month, week of the year or day of the week."""

    by: str
    first: datetime | None = None
    last: datetime | None = None
    profiles: Mapping[int, Profile] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: pa.Table, spec: Spec) -> Self:
        """The training rows by the period that the spec names; its event time tells them apart."""
        by, times = spec.monitoring.season, rows.column(str(spec.data.event_time))
        columns = {name: spec.data.columns[name] for name in spec.monitored}
        keys, extremes = _COLUMN_KEYS[by](times), pc.min_max(times)
        profiles = {
            int(key): profile_table(rows.filter(pc.equal(keys, key)), columns, spec.data.id)
            for key in pc.unique(keys.drop_null()).to_pylist()
        }
        return cls(by, extremes["min"].as_py(), extremes["max"].as_py(), profiles)

    def dumps(self) -> bytes:
        """The profiles as the bytes of a JSON file."""
        edges = {"first": self.first, "last": self.last}
        document = {name: moment.isoformat() if moment else None for name, moment in edges.items()}
        profiles = {str(key): profile.to_json() for key, profile in sorted(self.profiles.items())}
        return json.dumps({"by": self.by, **document, "profiles": profiles}, separators=(",", ":")).encode()

    @classmethod
    def loads(cls, body: bytes) -> Self:
        """What ``dumps`` wrote."""
        document = json.loads(body)
        first, last = (moment and datetime.fromisoformat(moment) for moment in (document["first"], document["last"]))
        profiles = {int(key): Profile.from_json(profile) for key, profile in document["profiles"].items()}
        return cls(document["by"], first, last, profiles)


@dataclass(frozen=True)
class Season:
    """Finds the reference of a window among what is stored."""

    spec: Spec
    training: Profile
    seasons: Seasons | None
    """None for a version whose dataset was made before the spec asked for them."""
    drops: Iterable[Entry]
    """``drop.accepted`` entries until the window was measured."""
    read: Callable[[str], Profile]

    def reference(self, period: Period | None) -> Reference:
        """The same period of the training rows and of earlier years' drops; the training rows when there is none."""
        by = self.spec.monitoring.season
        if period is None:
            return self._training("the window's rows have no event time")
        wanted = keys_of(period, by)
        if not wanted:
            return self._training(f"the window covers too much of a {_CYCLE_NAMES[by]} to have a season")
        years = dict(self._years(wanted, period))
        found = reduce(Profile.merge, years.values(), Profile())
        if found.rows < self.spec.monitoring.min_rows:
            return self._training(f"{found.rows} rows of the same {by} are known, fewer than monitoring.min_rows")
        whole = replace(found, columns={**self.training.columns, **found.columns})
        usual = usual_psi(years, self.spec.monitored, self.spec.monitoring.min_rows)
        return Reference(whole, f"same period: {', '.join(years)}", usual=usual)

    def _training(self, reason: str) -> Reference:
        return Reference(self.training, reason=reason)

    def _years(self, wanted: frozenset[int], period: Period) -> Iterator[tuple[str, Profile]]:
        """Profiles by what people call their period: the training rows' part, then drops by year."""
        of_training = self._of_training(wanted)
        if of_training.rows:
            yield TRAINING + " rows", of_training
        if self.spec.monitoring.season == "weekday":
            return  # a day of the week comes every week, and recent weeks would hide slow drift
        by_year: dict[int, Profile] = {}
        for start, uri in self._earlier_drops(wanted, period, skip_training=of_training.rows > 0):
            by_year[start.year] = by_year.get(start.year, Profile()).merge(self.read(uri))
        for year, profile in sorted(by_year.items()):
            yield f"{year}-{_said(wanted, self.spec.monitoring.season)}", profile

    def _of_training(self, wanted: frozenset[int]) -> Profile:
        if self.seasons is None or self.seasons.by != self.spec.monitoring.season:
            return Profile()
        parts = [self.seasons.profiles[key] for key in sorted(wanted) if key in self.seasons.profiles]
        return reduce(Profile.merge, parts, Profile())

    def _earlier_drops(
        self, wanted: frozenset[int], period: Period, *, skip_training: bool
    ) -> Iterator[tuple[datetime, str]]:
        newest: dict[str, Entry] = {}
        for entry in self.drops:
            if entry.data.get("kind") == "data":
                newest[str(entry.data["uri"])] = entry
        for entry in newest.values():
            span = _span(entry.data)
            profile = entry.data.get("profile")
            if span is None or not profile or span[1] > period[0] - _EARLIER:
                continue
            if skip_training and self._learned_from(span):
                continue
            keys = keys_of(span, self.spec.monitoring.season)
            if keys and keys <= wanted:
                yield span[0], str(profile)

    def _learned_from(self, span: Period) -> bool:
        first, last = (self.seasons.first, self.seasons.last) if self.seasons else (None, None)
        return bool(first and last and _utc(first) <= span[1] and span[0] <= _utc(last))


def usual_psi(years: Mapping[str, Profile], columns: Iterable[str], least: int) -> dict[str, float]:
    """Largest PSI by column of one year's period against that of the others, less what chance adds to it.

    Empty with fewer than two years of ``least`` rows: few rows differ from many by chance alone, and a limit made of
    that would hear nothing.
    """
    found: dict[str, float] = {}
    whole = {name: profile for name, profile in years.items() if profile.rows >= least}
    if len(whole) < 2:
        return found
    names = list(columns)
    for left_out, profile in whole.items():
        others = reduce(Profile.merge, (other for name, other in whole.items() if name != left_out))
        for drift in compare(others, profile, names):
            estimate = psi_estimate(drift.bins.reference, drift.bins.current)
            found[drift.column] = max(found.get(drift.column, 0.0), estimate.value if estimate else 0.0)
    return found


def keys_of(period: Period, by: str) -> frozenset[int]:
    """Months, weeks or weekdays that a period touches; empty when it touches more than half of the cycle."""
    start, end = period
    if end - start > _WHOLE_CYCLE:
        return frozenset()
    days = (end.date() - start.date()).days + 1
    found = frozenset(_KEYS[by](start + timedelta(days=day)) for day in range(days))
    return found if 2 * len(found) <= _CYCLES[by] else frozenset()


def _said(wanted: frozenset[int], by: str) -> str:
    mark = "W" if by == "week" else ""
    return "+".join(f"{mark}{key:02d}" for key in sorted(wanted))


def _span(data: Mapping[str, Any]) -> Period | None:
    said = data.get("period")
    if not said:
        return None
    return _utc(datetime.fromisoformat(said["start"])), _utc(datetime.fromisoformat(said["end"]))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
