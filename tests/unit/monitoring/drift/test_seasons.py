"""A window is held against the same period of an earlier year, of profiles that are stored anyway."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.functions.scene import SPEC, tiny_spec
from trimtab.data.column_profile import NumberProfile, TimeProfile
from trimtab.data.profile import Profile, profile_table
from trimtab.errors import SpecError
from trimtab.monitoring.drift.baseline import SCORE_COLUMN, Baseline
from trimtab.monitoring.drift.measure import measure
from trimtab.monitoring.drift.observed import Observed
from trimtab.monitoring.drift.seasons import Reference, Season, Seasons, keys_of, usual_psi
from trimtab.ports import Entry
from trimtab.spec import Spec

X = "s3://artifacts/tiny/reports"


def spec_of(season: str = "month") -> Spec:
    return tiny_spec(SPEC.replace("{min_rows: 50}", f"{{min_rows: 50, reference: same_period, season: {season}}}"))


def rows(first: datetime, days: int, centre: Callable[[datetime], float], seed: int = 0) -> pa.Table:
    """Forty rows a day whose x lies around the centre of their day."""
    random = np.random.default_rng([seed, first.year, first.month])
    times = [first + timedelta(days=day, minutes=30 * row) for day in range(days) for row in range(40)]
    x = [random.normal(centre(time), 0.05) for time in times]
    return pa.table(
        {"row": range(len(times)), "seen": pa.array(times, pa.timestamp("us", "UTC")), "x": x, "kind": ["a"] * len(x)}
    )


def warm_in_july(day: datetime) -> float:
    return 0.8 if day.month == 7 else 0.2


def month(year: int, number: int, seed: int = 0) -> pa.Table:
    return rows(datetime(year, number, 1, tzinfo=UTC), 28, warm_in_july, seed)


def profile(table: pa.Table, spec: Spec) -> Profile:
    return profile_table(table, {name: spec.data.columns[name] for name in spec.monitored}, "row")


class Past:
    """A year of training rows, and drops that came after it."""

    def __init__(
        self, season: str = "month", first: datetime = datetime(2020, 1, 1, tzinfo=UTC), days: int = 365
    ) -> None:
        self.spec = spec_of(season)
        self.training = rows(first, days, warm_in_july)
        self.entries: list[Entry] = []
        self.profiles: dict[str, Profile] = {}

    def drop(self, year: int, number: int, *, name: str = "", kind: str = "data") -> None:
        table = month(year, number, seed=len(self.entries))
        start, end = (table.column("seen")[place].as_py().isoformat() for place in (0, -1))
        seq, uri = len(self.entries), f"{X}/{len(self.entries)}"
        self.profiles[uri] = profile(table, self.spec)
        data = {"kind": kind, "uri": name or uri, "profile": uri, "period": {"start": start, "end": end}}
        at = datetime(year, 12, 1, tzinfo=UTC)
        self.entries.append(Entry("tiny", seq, "drop.accepted", uri, data, at, "accept_drop", "", ""))

    def reference(self, year: int, number: int, *, days: int = 28, known: bool = True) -> Reference:
        seasons = Seasons.loads(Seasons.of(self.training, self.spec).dumps()) if known else None
        found = Season(self.spec, profile(self.training, self.spec), seasons, self.entries, self.profiles.__getitem__)
        start = datetime(year, number, 1, tzinfo=UTC)
        return found.reference((start, start + timedelta(days=days, minutes=-1)))


def centre(reference: Reference) -> float:
    column: Any = reference.profile.columns["x"]
    return float(column.moments.mean)


def test_july_is_held_against_the_training_rows_of_july() -> None:
    found = Past().reference(2021, 7)
    assert (found.said, found.reason) == ("same period: training rows", "")
    assert centre(found) == pytest.approx(0.8, abs=0.01)
    assert found.profile.rows == 31 * 40


def test_drops_of_earlier_years_are_added_but_not_those_of_this_year_or_another_month() -> None:
    past = Past()
    for year, number in ((2021, 7), (2021, 6), (2022, 7), (2023, 6)):
        past.drop(year, number)
    past.drop(2022, 7, kind="truth")
    found = past.reference(2023, 7)
    assert found.said == "same period: training rows, 2021-07, 2022-07"
    assert found.profile.rows == (31 + 28 + 28) * 40


def test_a_drop_of_this_very_month_is_no_reference_for_what_follows_it() -> None:
    past = Past()
    past.drop(2021, 7)
    start = datetime(2021, 7, 29, tzinfo=UTC)
    season = Season(past.spec, Profile(), None, past.entries, past.profiles.__getitem__)
    assert season.reference((start, start + timedelta(days=2))).said == "training"


def test_a_drop_that_was_learned_from_counts_once() -> None:
    past = Past()
    past.drop(2020, 7)
    assert past.reference(2021, 7).said == "same period: training rows"


def test_a_drop_that_was_replaced_counts_once() -> None:
    past = Past()
    past.drop(2021, 7, name="july.parquet")
    past.drop(2021, 7, name="july.parquet")
    assert past.reference(2022, 7).profile.rows == (31 + 28) * 40


def test_without_such_a_period_the_training_rows_serve_and_the_reason_is_told() -> None:
    past = Past(first=datetime(2020, 1, 1, tzinfo=UTC), days=60)
    found = past.reference(2020, 7)
    assert (found.said, found.profile.rows) == ("training", 60 * 40)
    assert found.reason == "0 rows of the same month are known, fewer than monitoring.min_rows"
    assert Past().reference(2021, 7, known=False).reason.startswith("0 rows of the same month")


def test_a_window_of_most_of_the_year_has_no_season() -> None:
    assert Past().reference(2021, 1, days=300).reason == "the window covers too much of a year to have a season"


def test_days_of_the_week_are_those_of_the_training_rows_alone() -> None:
    past = Past("weekday")
    past.drop(2021, 7)
    found = past.reference(2022, 7, days=1)  # a Friday
    assert found.said == "same period: training rows"
    assert found.profile.rows == 52 * 40


def test_weeks_are_those_of_the_iso_calendar() -> None:
    first = datetime(2021, 1, 1, tzinfo=UTC)
    assert keys_of((first, first + timedelta(days=4)), "week") == {53, 1}
    assert keys_of((first, first + timedelta(days=40)), "month") == {1, 2}
    assert keys_of((first, first + timedelta(days=6)), "weekday") == frozenset()


def test_years_that_differ_among_themselves_say_how_much_is_usual() -> None:
    spec = spec_of()
    first = datetime(2020, 7, 1, tzinfo=UTC)
    mild, hot = (profile(rows(first, 20, centre), spec) for centre in (lambda day: 0.5, lambda day: 0.9))
    assert usual_psi({"2020-07": mild}, ["x"], 200) == {}
    assert usual_psi({"2020-07": mild, "2021-07": hot}, ["x"], 200)["x"] > 1


def test_a_window_that_is_held_to_what_is_usual_can_be_written_down() -> None:
    spec = spec_of()
    first = datetime(2020, 7, 1, tzinfo=UTC)
    mild, hot, now = (
        profile(rows(first, 20, centre), spec) for centre in (lambda _: 0.5, lambda _: 0.9, lambda _: 0.7)
    )
    reference = Reference(mild.merge(hot), usual=usual_psi({"2020-07": mild, "2021-07": hot}, ["x"], 200))
    scores = NumberProfile.of(pa.array([0.5, 0.6]))
    baseline = Baseline(mild, Profile(2, {SCORE_COLUMN: scores}))
    drift = measure(Observed(now, scores, TimeProfile()), baseline, spec, reference)
    assert json.loads(json.dumps(drift.to_json()))["usual"]["x"] > spec.monitoring.psi_limit
    assert [column.judgement and column.judgement.moved for column in drift.columns] == [False, False]


def test_a_thin_year_makes_no_limit_that_hears_nothing() -> None:
    spec = spec_of()
    whole, other = (profile(month(year, 7), spec) for year in (2020, 2021))
    few = profile(month(2022, 7).slice(0, 20), spec)
    assert usual_psi({"2020-07": whole, "training rows": few}, ["x"], 50) == {}
    assert usual_psi({"2020-07": whole, "2021-07": other, "2022-07": few}, ["x"], 50)["x"] < 0.05


def test_what_chance_adds_is_no_difference_between_years() -> None:
    spec = spec_of()
    whole = profile(month(2021, 7), spec)
    few = [profile(month(2020, 7, seed).slice(0, 60), spec) for seed in range(20)]
    found = [usual_psi({"2020-07": each, "2021-07": whole}, ["x"], 50) for each in few]
    assert sum(each["x"] for each in found) / len(found) < 0.06


def test_rows_without_a_time_have_no_season() -> None:
    with pytest.raises(SpecError, match=r"monitoring\.reference.*rows without data\.event_time have no period"):
        tiny_spec(
            SPEC.replace("  event_time: seen\n", "").replace("{min_rows: 50}", "{min_rows: 50, reference: same_period}")
        )
